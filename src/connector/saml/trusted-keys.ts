import { createHash, type KeyObject, X509Certificate } from "node:crypto";
import { quoteGo } from "../../kernel/go-quote.ts";

/** A key whose signatures count, and how long. */
export interface TrustedKey {
  readonly key: KeyObject;
  /** For the log: what the operator knows it by. */
  readonly name: string;
  /** When its certificate says that it ends; milliseconds since the epoch. Where the key is listed that means nothing. */
  readonly certificateEnds: number;
  /** Milliseconds since the epoch; absent where the key is trusted as long as it is listed (SAML Metadata IOP §2.5.1). */
  readonly validity?: { readonly from: number; readonly to: number };
}

const pemBlock = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g;

/**
 * The certificates of a PEM text, which pins exactly these: not what they have signed.
 * compat(dex): connector/saml, `ca`, with its words. @throws {Error}
 */
export function pinnedKeys(pem: string): readonly TrustedKey[] {
  const trailing = pem.replace(pemBlock, "").trim();
  if (trailing !== "") throw new Error(`parse cert: trailing data: ${quoteGo(trailing.slice(0, 80))}`);
  const keys = [...pem.matchAll(pemBlock)].map(([block]) => pinned(parseCertificate(block)));
  if (keys.length === 0) throw new Error("no certificates found in ca data");
  return keys;
}

function parseCertificate(block: string): X509Certificate {
  try {
    return new X509Certificate(block);
  } catch (cause) {
    throw new Error("parse cert: no X.509 certificate", { cause });
  }
}

const pinned = (certificate: X509Certificate): TrustedKey => ({
  key: certificate.publicKey,
  name: nameOf(certificate),
  certificateEnds: certificate.validToDate.getTime(),
  validity: { from: certificate.validFromDate.getTime(), to: certificate.validToDate.getTime() },
});

/** What metadata lists: the key counts as long as it stands there, whatever its certificate says. */
export function listedKey(der: Uint8Array): TrustedKey {
  const certificate = new X509Certificate(der);
  const certificateEnds = certificate.validToDate.getTime();
  return { key: certificate.publicKey, name: nameOf(certificate), certificateEnds };
}

const nameOf = (certificate: X509Certificate): string =>
  `${certificate.subject.replaceAll("\n", ", ") || "a certificate without a subject"} (sha256 ${fingerprint(certificate.raw)})`;

const fingerprint = (der: Uint8Array): string => createHash("sha256").update(der).digest("hex").slice(0, 16);

/** `validity` of a pin, as a refusal says it; undefined while it lasts. */
export function outOfDate({ name, validity }: TrustedKey, now: number): string | undefined {
  if (validity === undefined) return undefined;
  const [from, to] = [validity.from, validity.to].map((time) => new Date(time).toISOString());
  if (now >= validity.from && now <= validity.to) return undefined;
  return `the pinned certificate ${name} is valid from ${from} to ${to}`;
}
