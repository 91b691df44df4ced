/** What a bcrypt hash says of itself. */
export interface BcryptHash {
  readonly hash: Uint8Array;
  readonly cost: number;
}

/**
 * The hash in `text`: bcrypt's own text, or standard base64 of it, as older files have it.
 * @throws {Error} In Go's words, but without a password's characters, should one stand there by mistake.
 */
export function readBcryptHash(text: string): BcryptHash {
  try {
    return { hash: Buffer.from(text), cost: bcryptCost(text) };
  } catch (error) {
    const decoded = decodeBase64(text);
    if (decoded === undefined) throw error;
    return { hash: decoded, cost: bcryptCost(decoded.toString("latin1")) };
  }
}

/** compat(dex): the checks of golang.org/x/crypto/bcrypt, no more: whether the rest is a hash shows at login. */
function bcryptCost(text: string): number {
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

function decodeBase64(text: string): Buffer | undefined {
  const compact = text.replace(/[\r\n]/g, "");
  const isBase64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(compact);
  return isBase64 ? Buffer.from(compact, "base64") : undefined;
}
