import { createDecipheriv, type KeyObject } from "node:crypto";
import type { Hash } from "./algorithms.ts";
import { decodeWrappedBase64 } from "./base64.ts";
import { ns } from "./names.ts";
import { quoted, SamlRefusal } from "./refusal.ts";
import { type OaepWay, openOaep } from "./rsa-oaep.ts";
import { attributeOf, childrenOf, isElement, textOf, type XmlElement } from "./xml/tree.ts";

/**
 * What stands in an EncryptedAssertion or an EncryptedID, in clear. `isAuthentic`: a signature around it was verified already.
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

const more = "http://www.w3.org/2001/04/xmldsig-more#";
/** XML Encryption 1.1 §5.7; RFC 9231 §2.1.3 has another name for SHA-384. */
const hashes: ReadonlyMap<string, Hash> = new Map([
  [`${ns.signature}sha1`, "sha1"],
  [`${ns.encryption}sha256`, "sha256"],
  [`${ns.encryption}sha384`, "sha384"],
  [`${more}sha384`, "sha384"],
  [`${ns.encryption}sha512`, "sha512"],
]);
/** XML Encryption 1.1 §5.5.2. */
const masks: ReadonlyMap<string, Hash> = new Map([
  [`${ns.encryption11}mgf1sha1`, "sha1"],
  [`${ns.encryption11}mgf1sha256`, "sha256"],
  [`${ns.encryption11}mgf1sha384`, "sha384"],
  [`${ns.encryption11}mgf1sha512`, "sha512"],
]);

const spec = "XML Encryption 1.1 §5";
const refuse = (because: string): SamlRefusal => new SamlRefusal("saml.assertion.encrypted", because, spec);

/** Decrypts with any of our RSA keys: the present one, and those it replaced. */
export function createDecryptor(keys: readonly KeyObject[]): Decryptor {
  const ready = keys.filter((key) => key.asymmetricKeyType === "rsa");
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
    const { value, way } = wrappedKeyOf(encrypted, data);
    const secret = cipherValueOf(data);
    for (const key of ready) {
      const clear = openWith(await openOaep(key, value, way), cipher, secret);
      if (clear !== undefined) return clear;
    }
    throw refuse("none of our keys opens it");
  };
}

/** Every failure looks the same, so that it tells nothing about the key. */
function openWith(key: Uint8Array | undefined, { bytes, mode }: Cipher, secret: Buffer): Uint8Array | undefined {
  if (key?.length !== bytes) return undefined;
  try {
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
function wrappedKeyOf(encrypted: XmlElement, data: XmlElement): { readonly value: Buffer; readonly way: OaepWay } {
  const inside = childrenOf(data, ns.signature, "KeyInfo").flatMap((info) =>
    childrenOf(info, ns.encryption, "EncryptedKey"),
  );
  const [key, ...more] = [...inside, ...childrenOf(encrypted, ns.encryption, "EncryptedKey")];
  if (key === undefined || more.length > 0) throw refuse("not exactly one EncryptedKey");
  const method = one(key, ns.encryption, "EncryptionMethod");
  return { value: cipherValueOf(key), way: oaepWayOf(method) };
}

function oaepWayOf(method: XmlElement): OaepWay {
  const algorithm = attributeOf(method, "Algorithm");
  const isFixedMask = algorithm === `${ns.encryption}rsa-oaep-mgf1p`;
  // RSA 1.5 has been broken by its padding since Bleichenbacher.
  if (!isFixedMask && algorithm !== `${ns.encryption11}rsa-oaep`)
    throw refuse(`its key is wrapped by ${quoted(algorithm)}`);
  const named = (element: XmlElement | undefined, known: ReadonlyMap<string, Hash>): Hash => {
    const name = element === undefined ? "sha1" : known.get(attributeOf(element, "Algorithm") ?? "");
    if (name === undefined) throw refuse(`RSA-OAEP with ${quoted(element && attributeOf(element, "Algorithm"))}`);
    return name;
  };
  const label = atMostOne(method, ns.encryption, "OAEPparams");
  return {
    hash: named(atMostOne(method, ns.signature, "DigestMethod"), hashes),
    mask: isFixedMask ? "sha1" : named(atMostOne(method, ns.encryption11, "MGF"), masks),
    label: label === undefined ? Buffer.alloc(0) : bytesOf(label),
  };
}

const cipherValueOf = (parent: XmlElement): Buffer =>
  bytesOf(one(one(parent, ns.encryption, "CipherData"), ns.encryption, "CipherValue"));

function bytesOf(value: XmlElement): Buffer {
  const bytes = value.children.some(isElement) ? undefined : decodeWrappedBase64(textOf(value));
  if (bytes === undefined) throw refuse(`${value.local} is no base64`);
  return bytes;
}

function one(parent: XmlElement, namespace: string, local: string): XmlElement {
  const child = atMostOne(parent, namespace, local);
  if (child === undefined) throw refuse(`no ${local} in ${parent.local}`);
  return child;
}

function atMostOne(parent: XmlElement, namespace: string, local: string): XmlElement | undefined {
  const [child, ...more] = childrenOf(parent, namespace, local);
  if (more.length > 0) throw refuse(`more than one ${local} in ${parent.local}`);
  return child;
}
