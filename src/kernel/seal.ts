import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from "node:crypto";
import { hkdf, joinUnambiguously } from "./derive.ts";
import type { Secret } from "./secret.ts";
import { systemRandom } from "./system.ts";

/**
 * Values that the browser carries for us: unreadable, unchangeable, and good for one purpose and one binding
 * only. AES-256-GCM (NIST SP 800-38D) under a key per purpose; the text is `1.` and the unpadded base64url of
 * nonce, ciphertext and tag.
 *
 * Nonces are random, because replicas share nothing they could count with. Two of 96 bits collide among n
 * values with probability n²/2^97: below 2^-32 up to the 2^32 values per key that SP 800-38D §8.3 allows,
 * and still 6 in a billion after a thousand a second for a year. Each purpose counts by itself.
 */
export interface Sealer {
  /** `purpose` is one of few constants and selects the key; `binding` is what {@link open} must name again. */
  seal(purpose: string, binding: string, plaintext: string): string;
  /** What was sealed, or undefined if anything at all differs. Never throws. */
  open(purpose: string, binding: string, sealed: string): string | undefined;
}

const algorithm = "aes-256-gcm";
const version = "1.";
const nonceLength = 12;
const tagLength = 16;

/** Seals under keys derived from `rootKey`, 32 bytes. Every replica with the same root opens what another sealed. */
export function createSealer(rootKey: Secret<Uint8Array>): Sealer {
  const keys = new Map<string, KeyObject>();
  const keyFor = (purpose: string): KeyObject => {
    const known = keys.get(purpose);
    if (known !== undefined) return known;
    const key = createSecretKey(hkdf(rootKey.reveal(), `seal:${purpose}`));
    keys.set(purpose, key);
    return key;
  };
  return {
    seal: (purpose, binding, plaintext) => {
      // Not from an injected source: a test's dice that came here would repeat nonces, which opens GCM.
      const nonce = systemRandom.bytes(nonceLength);
      const cipher = createCipheriv(algorithm, keyFor(purpose), nonce, { authTagLength: tagLength });
      cipher.setAAD(joinUnambiguously([purpose, binding]));
      const body = [nonce, cipher.update(plaintext, "utf8"), cipher.final(), cipher.getAuthTag()];
      return version + Buffer.concat(body).toString("base64url");
    },
    open: (purpose, binding, sealed) => {
      const bytes = bytesOf(sealed);
      return bytes === undefined ? undefined : decrypt(keyFor(purpose), joinUnambiguously([purpose, binding]), bytes);
    },
  };
}

/** Nonce, ciphertext and tag of `sealed`, if it has our version and is spelt the one way we spell it. */
function bytesOf(sealed: string): Buffer | undefined {
  if (!sealed.startsWith(version)) return undefined;
  const encoded = sealed.slice(version.length);
  const bytes = Buffer.from(encoded, "base64url");
  // Node skips what is not base64; a value with several spellings could pass twice where it should pass once.
  const isCanonical = bytes.toString("base64url") === encoded;
  return isCanonical && bytes.length >= nonceLength + tagLength ? bytes : undefined;
}

function decrypt(key: KeyObject, associatedData: Buffer, bytes: Buffer): string | undefined {
  const tagAt = bytes.length - tagLength;
  const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, nonceLength), { authTagLength: tagLength });
  decipher.setAAD(associatedData);
  decipher.setAuthTag(bytes.subarray(tagAt));
  const plaintext = decipher.update(bytes.subarray(nonceLength, tagAt));
  try {
    // Throws when the tag is wrong; nothing of `plaintext` may be looked at before.
    decipher.final();
  } catch {
    return undefined;
  }
  return plaintext.toString("utf8");
}
