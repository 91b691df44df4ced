import { createHash, type KeyObject, sign as signBytes, type X509Certificate } from "node:crypto";
import { promisify } from "node:util";
import { deflateRaw } from "node:zlib";
import type { Departure } from "../contract.ts";
import { envelopedTransform } from "./algorithms.ts";
import { ns } from "./names.ts";
import { canonicalize } from "./xml/canonicalize.ts";
import { parseXml } from "./xml/parse-xml.ts";
import { attributeOf } from "./xml/tree.ts";
import { noXml, type XmlText, xml } from "./xml/xml-text.ts";

/** Our own key, for what we sign. */
export interface SigningKey {
  readonly key: KeyObject;
  /** Said in KeyInfo, for identity providers that look there. */
  readonly certificate: X509Certificate | undefined;
}

/** A message to the upstream: `field` is its name in the form or the query. */
export interface Outgoing {
  readonly field: "SAMLRequest" | "SAMLResponse";
  /** The message with its signature in the place that the schema gives it. */
  write(signature: XmlText): XmlText;
  readonly relayState: string | undefined;
}

const more = "http://www.w3.org/2001/04/xmldsig-more#";
const algorithmOf = ({ key }: SigningKey): string =>
  `${more}${key.asymmetricKeyType === "ec" ? "ecdsa" : "rsa"}-sha256`;

const signAsync = promisify<string, Buffer, { key: KeyObject; dsaEncoding: "ieee-p1363" }, Buffer>(signBytes);
const deflate = promisify<Buffer, Buffer>(deflateRaw);

/** For RSA keys the encoding says nothing. XMLDSig §6.4, RFC 9231 §2.3.6. */
const signText = ({ key }: SigningKey, text: string): Promise<Buffer> =>
  signAsync("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" });

/** SAML Bindings §3.5: a form, its message signed within. */
export async function postMessage(to: URL, message: Outgoing, key: SigningKey | undefined): Promise<Departure> {
  const document = key === undefined ? message.write(noXml) : await signed(message, key);
  const fields = { [message.field]: Buffer.from(document.xml).toString("base64"), ...relay(message) };
  return { kind: "post", to, fields };
}

const relay = ({ relayState }: Outgoing): Readonly<Record<string, string>> =>
  relayState === undefined ? {} : { RelayState: relayState };

/** SAML Bindings §3.4: an address, and the signature is over the very query, as it is escaped. */
export async function redirectMessage(to: URL, message: Outgoing, key: SigningKey | undefined): Promise<Departure> {
  const compressed = await deflate(Buffer.from(message.write(noXml).xml));
  const fields: [string, string][] = [
    [message.field, compressed.toString("base64")],
    ...Object.entries(relay(message)),
  ];
  if (key !== undefined) fields.push(["SigAlg", algorithmOf(key)]);
  const query = fields.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
  const signature =
    key === undefined ? "" : `&Signature=${encodeURIComponent((await signText(key, query)).toString("base64"))}`;
  const target = new URL(to);
  // Put in as text: URLSearchParams would escape the signed query once more, and otherwise.
  target.search = `${to.search === "" ? "?" : `${to.search}&`}${query}${signature}`;
  return { kind: "redirect", to: target };
}

async function signed(message: Outgoing, key: SigningKey): Promise<XmlText> {
  const root = parseXml(message.write(noXml).xml);
  const content = canonicalize(root, { form: "exclusive", inclusivePrefixes: [] });
  const digest = createHash("sha256").update(content).digest("base64");
  const signedInfo = signedInfoOf(attributeOf(root, "ID") ?? "", algorithmOf(key), digest);
  // What is signed stands alone here and in the message in the same canonical form: it declares what it uses.
  const text = canonicalize(parseXml(signedInfo.xml), { form: "exclusive", inclusivePrefixes: [] });
  const value = (await signText(key, text)).toString("base64");
  return message.write(
    xml`<ds:Signature xmlns:ds="${ns.signature}">${signedInfo}<ds:SignatureValue>${value}</ds:SignatureValue>${keyInfoOf(key)}</ds:Signature>`,
  );
}

const signedInfoOf = (id: string, algorithm: string, digest: string): XmlText =>
  xml`<ds:SignedInfo xmlns:ds="${ns.signature}"><ds:CanonicalizationMethod Algorithm="${ns.exclusive}"/><ds:SignatureMethod Algorithm="${algorithm}"/><ds:Reference URI="#${id}"><ds:Transforms><ds:Transform Algorithm="${envelopedTransform}"/><ds:Transform Algorithm="${ns.exclusive}"/></ds:Transforms><ds:DigestMethod Algorithm="${ns.encryption}sha256"/><ds:DigestValue>${digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>`;

const keyInfoOf = ({ certificate }: SigningKey): XmlText =>
  certificate === undefined
    ? noXml
    : xml`<ds:KeyInfo><ds:X509Data><ds:X509Certificate>${certificate.raw.toString("base64")}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>`;
