/**
 * What an identity provider writes, as text: responses by parts that a test may change, signed by `xml-crypto`, which
 * shares no line with our verifier. `attacks` take a good document apart and put it together wrong.
 */
import { execFileSync } from "node:child_process";
import { type CipherGCM, createCipheriv, randomBytes, sign as signBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SignedXml } from "xml-crypto";

export interface KeyPair {
  readonly key: string;
  readonly certificate: string;
}

/** A throwaway key with its certificate, good for ten years from now. `kind` as openssl names it. */
export function makeKeyPair(subject = "Test IdP", kind: readonly string[] = ["rsa:2048"]): KeyPair {
  const folder = mkdtempSync(join(tmpdir(), "dex-saml-"));
  try {
    const [key, certificate] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const options = ["-nodes", "-days", "3650", "-subj", `/CN=${subject}`, "-keyout", key, "-out", certificate];
    execFileSync("openssl", ["req", "-x509", "-newkey", ...kind, ...options], { stdio: "ignore" });
    return { key: readFileSync(key, "utf8"), certificate: readFileSync(certificate, "utf8") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export const exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";
export const inclusive = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
export const enveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const more = "http://www.w3.org/2001/04/xmldsig-more#";

export const algorithms = {
  "rsa-sha1": ["http://www.w3.org/2000/09/xmldsig#rsa-sha1", "http://www.w3.org/2000/09/xmldsig#sha1"],
  "rsa-sha256": [`${more}rsa-sha256`, "http://www.w3.org/2001/04/xmlenc#sha256"],
  "rsa-sha512": [`${more}rsa-sha512`, "http://www.w3.org/2001/04/xmlenc#sha512"],
  "hmac-sha1": ["http://www.w3.org/2000/09/xmldsig#hmac-sha1", "http://www.w3.org/2001/04/xmlenc#sha256"],
} as const;

export interface Signing {
  readonly pair: KeyPair;
  readonly algorithm?: keyof typeof algorithms;
  readonly canonical?: string;
  readonly inclusivePrefixes?: readonly string[];
  readonly transforms?: readonly string[];
  /** Default: the reference names the element. */
  readonly isUriEmpty?: boolean;
  /** The element that the Signature follows; Issuer unless told. Empty: it comes first. */
  readonly after?: string;
}

/** `document` with the element of this local name signed, its Signature after its Issuer. */
export function sign(document: string, local: string, signing: Signing): string {
  const { pair, algorithm = "rsa-sha256", canonical = exclusive, isUriEmpty = false } = signing;
  const [signature, digest] = algorithms[algorithm];
  const inclusiveNamespacesPrefixList = [...(signing.inclusivePrefixes ?? [])];
  const signer = new SignedXml({
    privateKey: algorithm === "hmac-sha1" ? pair.certificate : pair.key,
    publicCert: pair.certificate,
    signatureAlgorithm: signature,
    canonicalizationAlgorithm: canonical as typeof exclusive,
    getKeyInfoContent: SignedXml.getKeyInfoContent,
  });
  if (algorithm === "hmac-sha1") signer.enableHMAC();
  const place = `//*[local-name()='${local}']`;
  signer.addReference({
    xpath: place,
    digestAlgorithm: digest,
    transforms: signing.transforms ?? [enveloped, canonical],
    inclusiveNamespacesPrefixList,
    isEmptyUri: isUriEmpty,
  });
  const location =
    signing.after === ""
      ? { reference: place, action: "prepend" as const }
      : { reference: `${place}/*[local-name()='${signing.after ?? "Issuer"}']`, action: "after" as const };
  signer.computeSignature(document, { prefix: "ds", location });
  return signer.getSignedXml();
}

/**
 * `document` with its SignedInfo as `change` makes it, signed by `pair` all the same: what a careless identity provider
 * could be made to sign.
 */
export function resignWith(pair: KeyPair, document: string, change: (signedInfo: string) => string): string {
  const [signedInfo = ""] = /<ds:SignedInfo>.*<\/ds:SignedInfo>/s.exec(document) ?? [];
  const changed = change(signedInfo);
  // xml-crypto writes elements without white space, so their canonical form is the text with its namespace and end tags.
  const canonical = changed
    .replace("<ds:SignedInfo>", '<ds:SignedInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">')
    .replace(/<([\w:]+)([^<>]*)\/>/g, "<$1$2></$1>");
  const value = signBytes("sha256", Buffer.from(canonical), pair.key).toString("base64");
  return document
    .replace(signedInfo, () => changed)
    .replace(/<ds:SignatureValue>[^<]*/, () => `<ds:SignatureValue>${value}`);
}

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (character) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[character] ?? "");

/** What a response says. Texts named `…Xml` stand in it as they are; undefined leaves the part out. */
export interface ResponseParts {
  readonly now: number;
  readonly inResponseTo: string | undefined;
  readonly acsUrl: string;
  readonly destination?: string | undefined;
  readonly recipient?: string | undefined;
  readonly audience?: string | undefined;
  readonly issuer?: string | undefined;
  readonly responseIssuer?: string | undefined;
  readonly subjectInResponseTo?: string | undefined;
  readonly status?: string;
  readonly version?: string;
  readonly responseId?: string;
  readonly assertionId?: string;
  readonly nameIdXml?: string;
  readonly method?: string;
  readonly notBefore?: number | string | undefined;
  readonly notOnOrAfter?: number | string | undefined;
  readonly confirmedUntil?: number | string | undefined;
  readonly confirmationNotBefore?: string | undefined;
  readonly confirmationsXml?: string;
  readonly conditionsXml?: string | undefined;
  readonly authnXml?: string;
  readonly attributes?: Readonly<Record<string, readonly string[]>>;
  readonly attributesXml?: string;
  readonly responseNamespacesXml?: string;
}

const iso = (time: number | string): string => (typeof time === "string" ? time : new Date(time).toISOString());
const maybe = (name: string, value: string | number | undefined): string =>
  value === undefined ? "" : ` ${name}="${escaped(iso(value))}"`;

/** `parts` that say nothing of `key` mean `fallback`; a given undefined leaves it out. */
const given = <Key extends keyof ResponseParts>(parts: ResponseParts, key: Key, fallback: ResponseParts[Key]) =>
  key in parts ? parts[key] : fallback;

const testIssuer = "https://idp.example.com/idp";
export const jane = { name: ["Jane Doe"], email: ["janedoe@example.com"], groups: ["admins", "developers"] } as const;

/** The Assertion alone. Namespaces are declared on it, unless `responseNamespacesXml` does. */
export function makeAssertion(parts: ResponseParts): string {
  const { now, acsUrl } = parts;
  const issuer = given(parts, "issuer", testIssuer);
  const minute = 60_000;
  const data =
    maybe("NotBefore", parts.confirmationNotBefore) +
    maybe("NotOnOrAfter", given(parts, "confirmedUntil", now + 5 * minute)) +
    maybe("Recipient", given(parts, "recipient", acsUrl)) +
    maybe("InResponseTo", given(parts, "subjectInResponseTo", parts.inResponseTo));
  const confirmations =
    parts.confirmationsXml ??
    `<saml:SubjectConfirmation Method="${parts.method ?? "urn:oasis:names:tc:SAML:2.0:cm:bearer"}"><saml:SubjectConfirmationData${data}/></saml:SubjectConfirmation>`;
  const audience = given(parts, "audience", acsUrl);
  const restriction =
    audience === undefined
      ? ""
      : `<saml:AudienceRestriction><saml:Audience>${escaped(audience)}</saml:Audience></saml:AudienceRestriction>`;
  const window =
    maybe("NotBefore", given(parts, "notBefore", now - 30_000)) +
    maybe("NotOnOrAfter", given(parts, "notOnOrAfter", now + 5 * minute));
  const conditions =
    "conditionsXml" in parts
      ? (parts.conditionsXml ?? "")
      : `<saml:Conditions${window}>${restriction}</saml:Conditions>`;
  const authn =
    parts.authnXml ??
    `<saml:AuthnStatement AuthnInstant="${iso(now)}" SessionIndex="_session"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>`;
  const attributes = Object.entries(parts.attributes ?? jane).map(
    ([name, values]) =>
      `<saml:Attribute Name="${escaped(name)}" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:basic">${values.map((value) => `<saml:AttributeValue>${escaped(value)}</saml:AttributeValue>`).join("")}</saml:Attribute>`,
  );
  const statement = parts.attributesXml ?? `<saml:AttributeStatement>${attributes.join("")}</saml:AttributeStatement>`;
  const issuerXml = issuer === undefined ? "" : `<saml:Issuer>${escaped(issuer)}</saml:Issuer>`;
  const nameId =
    parts.nameIdXml ?? `<saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">jane</saml:NameID>`;
  const spaces = parts.responseNamespacesXml === undefined ? ' xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"' : "";
  return `<saml:Assertion${spaces} ID="${parts.assertionId ?? "_assertion"}" Version="2.0" IssueInstant="${iso(now)}">${issuerXml}<saml:Subject>${nameId}${confirmations}</saml:Subject>${conditions}${authn}${statement}</saml:Assertion>`;
}

/** A Response around `assertionXml`, which may be anything, or several. */
export function makeResponse(parts: ResponseParts, assertionXml = makeAssertion(parts)): string {
  const { now, acsUrl } = parts;
  const issuer = given(parts, "responseIssuer", given(parts, "issuer", testIssuer));
  const issuerXml =
    issuer === undefined
      ? ""
      : `<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">${escaped(issuer)}</saml:Issuer>`;
  const status =
    parts.status ??
    `<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>`;
  const addresses =
    maybe("Destination", given(parts, "destination", acsUrl)) + maybe("InResponseTo", parts.inResponseTo);
  return `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"${parts.responseNamespacesXml ?? ""} ID="${parts.responseId ?? "_response"}" Version="${parts.version ?? "2.0"}" IssueInstant="${iso(now)}"${addresses}>${issuerXml}${status}${assertionXml}</samlp:Response>`;
}

export const encode = (document: string): string => Buffer.from(document).toString("base64");

export interface Encryption {
  readonly to: KeyPair;
  readonly cipher?: "aes-128-gcm" | "aes-256-gcm" | "aes-128-cbc" | "aes-256-cbc";
  readonly wrap?: "rsa-oaep-mgf1p" | "rsa-oaep" | "rsa-1_5";
  readonly hash?: keyof typeof hashes;
  /** The hash of the mask. Default that of `hash`; always SHA-1 with `rsa-oaep-mgf1p`, and where it is `absent`. */
  readonly mask?: keyof typeof hashes | "absent";
  /** OAEPparams, in text. */
  readonly label?: string;
  /** What the content is. */
  readonly as?: "EncryptedAssertion" | "EncryptedID";
  /** Beside the EncryptedData instead of within. */
  readonly isKeyBeside?: boolean;
}

const hashes = {
  sha1: "http://www.w3.org/2000/09/xmldsig#sha1",
  sha256: "http://www.w3.org/2001/04/xmlenc#sha256",
  sha384: "http://www.w3.org/2001/04/xmldsig-more#sha384",
  sha512: "http://www.w3.org/2001/04/xmlenc#sha512",
};

/** By OpenSSL's own program, which takes any two hashes. */
function wrapKey(key: Buffer, { to, wrap, hash = "sha1", label = "" }: Encryption, mask: string): Buffer {
  const folder = mkdtempSync(join(tmpdir(), "dex-wrap-"));
  try {
    const file = join(folder, "certificate.pem");
    writeFileSync(file, to.certificate);
    const oaep = [`rsa_padding_mode:oaep`, `rsa_oaep_md:${hash}`, `rsa_mgf1_md:${mask}`];
    const labelled = label === "" ? [] : [`rsa_oaep_label:${Buffer.from(label).toString("hex")}`];
    const options = wrap === "rsa-1_5" ? ["rsa_padding_mode:pkcs1"] : [...oaep, ...labelled];
    const args = ["pkeyutl", "-encrypt", "-certin", "-inkey", file, ...options.flatMap((each) => ["-pkeyopt", each])];
    return execFileSync("openssl", args, { input: key });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** `content` for the eyes of one service provider. XML Encryption 1.1 §5. */
export function encryptFor(content: string, encryption: Encryption): string {
  const { cipher = "aes-256-gcm", wrap = "rsa-oaep-mgf1p", hash = "sha1", isKeyBeside = false } = encryption;
  const isGcm = cipher.endsWith("gcm");
  const key = randomBytes(Number(cipher.slice(4, 7)) / 8);
  const iv = randomBytes(isGcm ? 12 : 16);
  const sealer = createCipheriv(cipher, key, iv);
  const sealed = Buffer.concat([iv, sealer.update(content), sealer.final()]);
  const tag = isGcm ? (sealer as unknown as CipherGCM).getAuthTag() : Buffer.alloc(0);
  const { mask = hash, label = "", as = "EncryptedAssertion" } = encryption;
  const isFixedMask = wrap !== "rsa-oaep" || mask === "absent";
  const wrapped = wrapKey(key, encryption, isFixedMask ? "sha1" : mask);
  const prefix =
    isGcm || wrap === "rsa-oaep" ? "http://www.w3.org/2009/xmlenc11#" : "http://www.w3.org/2001/04/xmlenc#";
  const old = "http://www.w3.org/2001/04/xmlenc#";
  const mgf =
    wrap === "rsa-oaep" && mask !== "absent"
      ? `<xenc11:MGF xmlns:xenc11="http://www.w3.org/2009/xmlenc11#" Algorithm="http://www.w3.org/2009/xmlenc11#mgf1${mask}"/>`
      : "";
  const params = label === "" ? "" : `<xenc:OAEPparams>${Buffer.from(label).toString("base64")}</xenc:OAEPparams>`;
  const value = (bytes: Buffer): string =>
    `<xenc:CipherData><xenc:CipherValue>${bytes.toString("base64")}</xenc:CipherValue></xenc:CipherData>`;
  const wrapUri = `${wrap === "rsa-oaep" ? "http://www.w3.org/2009/xmlenc11#" : old}${wrap}`;
  const encryptedKey = `<xenc:EncryptedKey xmlns:xenc="${old}"><xenc:EncryptionMethod Algorithm="${wrapUri}"><ds:DigestMethod xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Algorithm="${hashes[hash]}"/>${params}${mgf}</xenc:EncryptionMethod>${value(wrapped)}</xenc:EncryptedKey>`;
  const cipherUri = `${isGcm ? prefix : old}${cipher.replace("aes-", "aes")}`;
  const info = isKeyBeside
    ? ""
    : `<ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">${encryptedKey}</ds:KeyInfo>`;
  return `<saml:${as} xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"><xenc:EncryptedData xmlns:xenc="${old}" Type="${old}Element"><xenc:EncryptionMethod Algorithm="${cipherUri}"/>${info}${value(Buffer.concat([sealed, tag]))}</xenc:EncryptedData>${isKeyBeside ? encryptedKey : ""}</saml:${as}>`;
}
