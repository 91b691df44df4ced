/**
 * A proto3 message with two string fields, numbered 1 and 2, as unpadded base64url: how Dex writes a
 * token's subject (user id, connector id), a refresh token (id, secret) and a session cookie (id, secret).
 * An empty field is left out. compat(dex): server/internal/types.proto.
 */

/** Field 1 then field 2. */
export function encodeTwoStrings(first: string, second: string): string {
  const lengths = [Buffer.byteLength(first), Buffer.byteLength(second)] as const;
  const bytes = Buffer.allocUnsafe(lengths[0] + lengths[1] + 2 * longestHead);
  const end = put(bytes, put(bytes, 0, 0x0a, first, lengths[0]), 0x12, second, lengths[1]);
  return bytes.toString("base64url", 0, end);
}

/** Tag and length: no string of Node's has 2^35 bytes. */
const longestHead = 6;

/** Where the field ends that was written at `at`. */
function put(bytes: Buffer, at: number, tag: number, value: string, length: number): number {
  if (length === 0) return at;
  let next = bytes.writeUInt8(tag, at);
  let rest = length;
  for (; rest > 0x7f; rest >>>= 7) next = bytes.writeUInt8((rest & 0x7f) | 0x80, next);
  next = bytes.writeUInt8(rest, next);
  return next + bytes.write(value, next);
}

// "Ignoring" the byte order mark means leaving it in: two subjects that differ by one are two.
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The two strings of `text`, or undefined if it is no such message. Unknown fields and any order are
 * accepted, as proto3 asks; the last value of a repeated field wins.
 */
export function decodeTwoStrings(text: string): readonly [string, string] | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return undefined;
  const bytes = Buffer.from(text, "base64url");
  // Unused bits of the last character must be zero, or one token would have several spellings.
  if (bytes.toString("base64url") !== text) return undefined;
  let first = "";
  let second = "";
  let at = 0;
  const readVarint = (): number | undefined => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined) return undefined;
      value += (byte & 0x7f) * 2 ** shift;
      if ((byte & 0x80) === 0) return value;
    }
    return undefined;
  };
  while (at < bytes.length) {
    const tag = readVarint();
    if (tag === undefined || tag < 8) return undefined;
    const wireType = tag % 8;
    if (wireType === 2) {
      const length = readVarint();
      if (length === undefined || at + length > bytes.length) return undefined;
      const value = bytes.subarray(at, at + length);
      at += length;
      if (tag === 0x0a || tag === 0x12) {
        let decoded: string;
        try {
          decoded = utf8.decode(value);
        } catch {
          return undefined;
        }
        if (tag === 0x0a) first = decoded;
        else second = decoded;
      }
    } else if (wireType === 0) {
      if (readVarint() === undefined) return undefined;
    } else if (wireType === 1) at += 8;
    else if (wireType === 5) at += 4;
    else return undefined;
    if (at > bytes.length) return undefined;
  }
  return [first, second];
}
