import { createDecipheriv, type KeyObject } from "node:crypto";
import { decodeWrappedBase64 } from "./base64.ts";
import { ns } from "./names.ts";
import { quoted, SamlRefusal } from "./refusal.ts";
import { attributeOf, childrenOf, isElement, textOf, type XmlElement } from "./xml/tree.ts";

/**
 * What stands in an EncryptedAssertion, in clear. `isAuthentic`: a signature around it was verified already.
 * @throws {SamlRefusal} The same for every reason that depends on the secret key.
 */
export type Decryptor = (encrypted: XmlElement, isAuthentic: boolean) => Promise<Uint8Array>;

interface Cipher {
  readonly bytes: number;
  readonly mode: "gcm" | "cbc";
}

/** XML Encryption 1.1 §5.2. */
const ciphers: ReadonlyMap<string, Cipher> = new Map([
  [`${ns.encryption11}aes128-gcm`, { bytes: 16, mode: "gcm" }],
  [`${ns.encryption11}aes192-gcm`, { bytes: 24, mode: "gcm" }],
  [`${ns.encryption11}aes256-gcm`, { bytes: 32, mode: "gcm" }],
  [`${ns.encryption}aes128-cbc`, { bytes: 16, mode: "cbc" }],
  [`${ns.encryption}aes192-cbc`, { bytes: 24, mode: "cbc" }],
  [`${ns.encryption}aes256-cbc`, { bytes: 32, mode: "cbc" }],
]);

/** Hash and mask, which WebCrypto takes as one: the pairs that identity providers send. XML Encryption 1.1 §5.5.2. */
const oaepHashes: ReadonlyMap<string, string> = new Map([
  [`${ns.signature}sha1`, "SHA-1"],
  [`${ns.encryption}sha256`, "SHA-256"],
  ["http://www.w3.org/2001/04/xmldsig-more#sha384", "SHA-384"],
  [`${ns.encryption}sha512`, "SHA-512"],
]);
const masks: ReadonlyMap<string, string> = new Map([
  [`${ns.encryption11}mgf1sha1`, "SHA-1"],
  [`${ns.encryption11}mgf1sha256`, "SHA-256"],
  [`${ns.encryption11}mgf1sha384`, "SHA-384"],
  [`${ns.encryption11}mgf1sha512`, "SHA-512"],
]);

const spec = "XML Encryption 1.1 §5";
const refuse = (because: string): SamlRefusal => new SamlRefusal("saml.assertion.encrypted", because, spec);

/** Decrypts with any of our RSA keys: the present one, and those it replaced. */
export function createDecryptor(keys: readonly KeyObject[]): Decryptor {
  const ready = keys
    .filter((key) => key.asymmetricKeyType === "rsa")
    .map((key) => key.export({ type: "pkcs8", format: "der" }));
  return async (encrypted, isAuthentic) => {
    if (ready.length === 0) throw refuse("it is encrypted, and no privateKey of type RSA is configured");
    const data = one(encrypted, ns.encryption, "EncryptedData");
    const algorithm = attributeOf(one(data, ns.encryption, "EncryptionMethod"), "Algorithm");
    const cipher = ciphers.get(algorithm ?? "");
    if (cipher === undefined) throw refuse(`it is encrypted by ${quoted(algorithm)}`);
    // CBC without a signature around it answers an attacker's guesses about the clear text, byte by byte.
    if (cipher.mode === "cbc" && !isAuthentic) {
      throw refuse("CBC in a Response that is not signed; let the identity provider use GCM, or sign the Response");
    }
    const { value, hash } = wrappedKeyOf(encrypted, data);
    const secret = cipherValueOf(data);
    for (const key of ready) {
      const clear = await decryptWith(key, hash, value, cipher, secret);
      if (clear !== undefined) return clear;
    }
    throw refuse("none of our keys opens it");
  };
}

/** Every failure looks the same, so that it tells nothing about the key. */
async function decryptWith(
  pkcs8: Uint8Array,
  hash: string,
  wrapped: Uint8Array,
  { bytes, mode }: Cipher,
  secret: Buffer,
): Promise<Uint8Array | undefined> {
  try {
    const algorithm = { name: "RSA-OAEP", hash };
    // Through WebCrypto, because it leaves the event loop free for the millisecond that RSA takes.
    const privateKey = await crypto.subtle.importKey("pkcs8", new Uint8Array(pkcs8), algorithm, false, ["decrypt"]);
    const key = new Uint8Array(await crypto.subtle.decrypt(algorithm, privateKey, new Uint8Array(wrapped)));
    if (key.length !== bytes) return undefined;
    return mode === "gcm" ? openGcm(key, secret) : openCbc(key, secret);
  } catch {
    return undefined;
  }
}

function openGcm(key: Uint8Array, secret: Buffer): Uint8Array {
  const decipher = createDecipheriv(`aes-${(key.length * 8) as 128 | 192 | 256}-gcm`, key, secret.subarray(0, 12), {
    authTagLength: 16,
  });
  decipher.setAuthTag(secret.subarray(-16));
  return Buffer.concat([decipher.update(secret.subarray(12, -16)), decipher.final()]);
}

/** XML Encryption §5.2: the last byte counts the padding, whose other bytes are arbitrary. */
function openCbc(key: Uint8Array, secret: Buffer): Uint8Array | undefined {
  const decipher = createDecipheriv(`aes-${key.length * 8}-cbc`, key, secret.subarray(0, 16)).setAutoPadding(false);
  const clear = Buffer.concat([decipher.update(secret.subarray(16)), decipher.final()]);
  const padding = clear.at(-1) ?? 0;
  return padding >= 1 && padding <= 16 ? clear.subarray(0, -padding) : undefined;
}

/** The EncryptedKey stands in the data's KeyInfo, or beside the data. SAML Core §6.1 with its errata E43. */
function wrappedKeyOf(encrypted: XmlElement, data: XmlElement): { readonly value: Buffer; readonly hash: string } {
  const inside = childrenOf(data, ns.signature, "KeyInfo").flatMap((info) =>
    childrenOf(info, ns.encryption, "EncryptedKey"),
  );
  const [key, ...more] = [...inside, ...childrenOf(encrypted, ns.encryption, "EncryptedKey")];
  if (key === undefined || more.length > 0) throw refuse("not exactly one EncryptedKey");
  const method = one(key, ns.encryption, "EncryptionMethod");
  return { value: cipherValueOf(key), hash: oaepHashOf(method) };
}

function oaepHashOf(method: XmlElement): string {
  const algorithm = attributeOf(method, "Algorithm");
  const isFixedMask = algorithm === `${ns.encryption}rsa-oaep-mgf1p`;
  // RSA 1.5 has been broken by its padding since Bleichenbacher.
  if (!isFixedMask && algorithm !== `${ns.encryption11}rsa-oaep`)
    throw refuse(`its key is wrapped by ${quoted(algorithm)}`);
  const [digest] = childrenOf(method, ns.signature, "DigestMethod");
  const [mgf] = childrenOf(method, ns.encryption11, "MGF");
  const hash = digest === undefined ? "SHA-1" : oaepHashes.get(attributeOf(digest, "Algorithm") ?? "");
  const mask = isFixedMask || mgf === undefined ? "SHA-1" : masks.get(attributeOf(mgf, "Algorithm") ?? "");
  if (hash === undefined || hash !== mask)
    throw refuse("RSA-OAEP with a mask of another hash than its own is not supported");
  return hash;
}

function cipherValueOf(parent: XmlElement): Buffer {
  const value = one(one(parent, ns.encryption, "CipherData"), ns.encryption, "CipherValue");
  const bytes = value.children.some(isElement) ? undefined : decodeWrappedBase64(textOf(value));
  if (bytes === undefined) throw refuse("CipherValue is no base64");
  return bytes;
}

function one(parent: XmlElement, namespace: string, local: string): XmlElement {
  const [child, ...more] = childrenOf(parent, namespace, local);
  if (child === undefined || more.length > 0) throw refuse(`not exactly one ${local} in ${parent.local}`);
  return child;
}
