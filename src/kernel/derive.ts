import { createHmac, createSecretKey, hkdfSync, type KeyObject } from "node:crypto";

/**
 * Everything keyed is derived from one stored root: a key per purpose, so that a value made for one use
 * can never be replayed as another, and a keyed hash over several texts.
 */

const noSalt = new Uint8Array(0);

/** A 32-byte key for `purpose`. HKDF-SHA-256 without salt, which a uniformly random root does not need. RFC 5869 §3.1. */
export function hkdf(root: Uint8Array, purpose: string): Buffer {
  return Buffer.from(hkdfSync("sha256", root, noSalt, purpose, 32));
}

/**
 * HMAC-SHA-256 over `parts`, 32 bytes. RFC 2104. Each part is preceded by its length, so that no two lists
 * hash alike: without it ("ab", "c") would pass for ("a", "bc").
 */
export function keyedHash(key: Uint8Array, ...parts: readonly string[]): Buffer {
  return createHmac("sha256", imported(key)).update(joinUnambiguously(parts)).digest();
}

/** Node imports plain bytes anew at every call, which takes five times as long as the hash itself. */
const importedKeys = new WeakMap<Uint8Array, KeyObject>();

/** `key` must not change afterwards; what {@link hkdf} returns never does. */
function imported(key: Uint8Array): KeyObject {
  const known = importedKeys.get(key);
  if (known !== undefined) return known;
  const made = createSecretKey(key);
  importedKeys.set(key, made);
  return made;
}

/** `parts` as bytes from which they could be read back: each one's length in UTF-8 as four bytes, then the text. */
export function joinUnambiguously(parts: readonly string[]): Buffer {
  const lengths = parts.map((part) => Buffer.byteLength(part));
  const joined = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + 4 + length, 0));
  let at = 0;
  parts.forEach((part, index) => {
    at = joined.writeUInt32BE(lengths[index] ?? 0, at);
    at += joined.write(part, at);
  });
  return joined;
}
