import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";

/** A PEM text, its base64, or the path of a file that holds it. */
export type PemForms = string;

/** @throws {Error} It is none of these. No message quotes it: it may be a key. */
export async function readPem(form: PemForms): Promise<string> {
  if (form.includes("-----BEGIN ")) return form;
  const decoded = Buffer.from(form, "base64").toString();
  if (decoded.includes("-----BEGIN ")) return decoded;
  const text = await readFile(form, "utf8").catch((cause: unknown) => {
    throw new Error("neither a PEM text, nor base64 of one, nor a file that can be read", { cause });
  });
  if (!text.includes("-----BEGIN ")) throw new Error(`no PEM text in ${form}`);
  return text;
}

/** @throws {Error} No private key, or of another kind than RSA and EC with P-256. */
export async function readPrivateKey(form: PemForms): Promise<KeyObject> {
  const key = parseKey(await readPem(form));
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === "rsa" || (type === "ec" && details?.namedCurve === "prime256v1")) return key;
  throw new Error("a private key must be RSA, or EC with P-256");
}

function parseKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new Error("a private key cannot be read; it must be PEM without a passphrase", { cause });
  }
}

/** @throws {Error} No certificate. */
export async function readCertificate(form: PemForms): Promise<X509Certificate> {
  return new X509Certificate(await readPem(form));
}
