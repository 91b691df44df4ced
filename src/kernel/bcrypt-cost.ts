/**
 * The cost that the hash `text` says it was made with. compat(dex): the checks of golang.org/x/crypto/bcrypt, no more:
 * whether the rest is a hash shows at login.
 * @throws {Error} In Go's words, but without a password's characters, should one stand there by mistake.
 */
export function bcryptCost(text: string): number {
  if (text.length < 59) throw new Error("crypto/bcrypt: hashedSecret too short to be a bcrypted password");
  if (!text.startsWith("$")) throw new Error("crypto/bcrypt: bcrypt hashes must start with '$'");
  const [, major = "", , digits = ""] = /^\$(.)(.?)\$(..)/su.exec(text) ?? [];
  if (major > "2")
    throw new Error(`crypto/bcrypt: bcrypt algorithm version '${major}' requested is newer than current version '2'`);
  if (!/^\d\d$/.test(digits)) throw new Error("crypto/bcrypt: the cost is not a number");
  const cost = Number(digits);
  if (cost < 4 || cost > 31) throw new Error(`crypto/bcrypt: cost ${cost} is outside allowed inclusive range 4..31`);
  return cost;
}
