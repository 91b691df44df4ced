import { createCipheriv, createDecipheriv } from "node:crypto";
import { hkdf, keyedHash } from "./derive.ts";
import { secretEqual } from "./secret-equal.ts";

/**
 * Names that others keep and hand back: the same text in the same context is always sealed alike, which a `Sealer` never
 * does. SIV (Rogaway and Shrimpton 2006, RFC 5297) of HMAC-SHA-256 and AES-256-CTR: the tag over context and text is
 * where the counter begins, so that two texts never share a key stream, and whoever looks learns which are the same.
 */

const algorithm = "aes-256-ctr";
/** What sealing adds, in bytes. */
export const sealedAlikeOverhead = 16;

const tagOf = (key: Uint8Array, context: readonly string[], text: string): Buffer =>
  keyedHash(hkdf(key, "alike:tag"), ...context, text).subarray(0, sealedAlikeOverhead);

/** `text` under `key`, 32 bytes, as long as its UTF-8 and {@link sealedAlikeOverhead}. */
export function sealAlike(key: Uint8Array, context: readonly string[], text: string): Buffer {
  const tag = tagOf(key, context, text);
  const cipher = createCipheriv(algorithm, hkdf(key, "alike:text"), tag);
  return Buffer.concat([tag, cipher.update(text, "utf8"), cipher.final()]);
}

/** What was sealed, or undefined if anything at all differs. */
export function openAlike(key: Uint8Array, context: readonly string[], sealed: Uint8Array): string | undefined {
  if (sealed.byteLength < sealedAlikeOverhead) return undefined;
  const tag = sealed.subarray(0, sealedAlikeOverhead);
  const decipher = createDecipheriv(algorithm, hkdf(key, "alike:text"), tag);
  const text = Buffer.concat([decipher.update(sealed.subarray(sealedAlikeOverhead)), decipher.final()]).toString(
    "utf8",
  );
  return secretEqual(tagOf(key, context, text), tag) ? text : undefined;
}
