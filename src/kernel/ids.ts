import type { Random } from "./ports.ts";

const base32 = "abcdefghijklmnopqrstuvwxyz234567";

/**
 * Lower-case base32 of `bytes` after its first, which becomes one leading letter: safe as a Kubernetes
 * name. compat(dex): storage/storage.go. 16 bytes make 25 characters, 32 bytes make 51.
 */
export function idFromBytes(bytes: Uint8Array): string {
  let text = String.fromCharCode(97 + ((bytes[0] ?? 0) % 26));
  let buffer = 0;
  let bits = 0;
  for (let index = 1; index < bytes.length; index++) {
    buffer = ((buffer & 0xff) << 8) | (bytes[index] ?? 0);
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += base32[(buffer >> bits) & 31];
    }
  }
  if (bits > 0) text += base32[(buffer << (5 - bits)) & 31];
  return text;
}

/** A random object id of 25 characters, as Dex makes them for requests, tokens and sessions. */
export const newId = (random: Random): string => idFromBytes(random.bytes(16));

/** A random id of 51 characters: device codes and HMAC keys. */
export const newLongId = (random: Random): string => idFromBytes(random.bytes(32));

/** Whether `text` has the shape of {@link newId}. */
export const isId = (text: string): boolean => /^[a-z][a-z2-7]{24}$/.test(text);

/** A random UUID, version 4. RFC 9562 §5.4. */
export function newUuid(random: Random): string {
  const bytes = Buffer.from(random.bytes(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
