import { createHash, verify as verifyBytes } from "node:crypto";
import {
  canonicalForms,
  digestAlgorithms,
  envelopedTransform,
  type Hash,
  type SignatureAlgorithm,
  signatureAlgorithms,
} from "./algorithms.ts";
import { decodeWrappedBase64 } from "./base64.ts";
import { ns } from "./names.ts";
import { quoted, SamlRefusal } from "./refusal.ts";
import { outOfDate, type TrustedKey } from "./trusted-keys.ts";
import { type Canonical, canonicalize, inheritsXmlAttributes } from "./xml/canonicalize.ts";
import { parseXml } from "./xml/parse-xml.ts";
import { attributeOf, childrenOf, isElement, isNamed, textOf, walk, type XmlElement } from "./xml/tree.ts";

/** Whose signatures count, and how they may be made. */
export interface SignaturePolicy {
  readonly keys: readonly TrustedKey[];
  readonly now: number;
  readonly allowsSha1: boolean;
}

export interface Verified {
  /** Read anew from the very text that was digested: what is not in there was not signed. */
  readonly element: XmlElement;
  /** Whose signature it is, for the trail. */
  readonly signer: string;
}

interface Reference {
  readonly uri: string;
  readonly canonical: Canonical;
  readonly hash: Hash;
  readonly digest: Buffer;
}

/**
 * Verifies the signature that is a direct child of `signed`; undefined when there is none.
 *
 * Two texts decide, and each is read from the bytes that were checked: SignedInfo from the bytes under the
 * signature, the element from the bytes under its digest. So a parser or a canonical form that errs can make us
 * refuse, and cannot make us read something else than was signed. XMLDSig §3.2, SAML Core §5.4.
 * @throws {SamlRefusal} It is there and does not hold.
 */
export function verifySignature(signed: XmlElement, policy: SignaturePolicy): Verified | undefined {
  const signatures = childrenOf(signed, ns.signature, "Signature");
  const [signature] = signatures;
  if (signature === undefined) return undefined;
  if (signatures.length > 1) {
    throw new SamlRefusal(
      "saml.signature.single",
      `${signed.local} holds ${signatures.length} signatures`,
      "SAML Core §5.4.1",
    );
  }
  const { signedInfo, value } = partsOf(signature);
  const { text, signer } = verifySignedInfo(signedInfo, value, policy);
  const reference = referenceOf(parseXml(text), policy);
  checkUri(reference.uri, signed);
  if (reference.canonical.form === "inclusive" && inheritsXmlAttributes(signed)) {
    throw new SamlRefusal(
      "saml.signature.transforms",
      "inclusive canonicalisation below xml: attributes",
      "XMLDSig §6.5.1",
    );
  }
  const content = canonicalize(signed, reference.canonical, signature);
  if (!createHash(reference.hash).update(content).digest().equals(reference.digest)) {
    throw new SamlRefusal("saml.signature.digest", `${signed.local} is not what was signed`, "XMLDSig §3.2.1");
  }
  return { element: sameElement(parseXml(content), signed), signer };
}

/** SignedInfo, SignatureValue, perhaps KeyInfo, and nothing else: an Object is where a signed original is hidden (XSW8). */
function partsOf(signature: XmlElement): { readonly signedInfo: XmlElement; readonly value: Buffer } {
  const names = childrenOf(signature).map(({ namespace, local }) => (namespace === ns.signature ? local : "?"));
  const shape = names.join(" ");
  const [signedInfo, signatureValue] = childrenOf(signature);
  const isPlain = shape === "SignedInfo SignatureValue" || shape === "SignedInfo SignatureValue KeyInfo";
  if (!isPlain || signedInfo === undefined || signatureValue === undefined) {
    // CVE-2025-29774: a second SignedInfo, signed by nobody.
    throw new SamlRefusal("saml.signature.shape", `a Signature of other parts: ${quoted(shape)}`, "XMLDSig §4.1");
  }
  if (isLarge(signedInfo)) {
    throw new SamlRefusal(
      "saml.signature.shape",
      `a SignedInfo of more than ${mostOfSignedInfo} parts`,
      "XMLDSig §4.3",
    );
  }
  return { signedInfo, value: base64Of(signatureValue, "saml.signature.value") };
}

/** Elements and attributes. It is put into its canonical form before anybody has proved anything. */
const mostOfSignedInfo = 128;

function isLarge(signedInfo: XmlElement): boolean {
  let parts = 0;
  for (const { attributes, declared } of walk(signedInfo)) {
    parts += 1 + attributes.length + declared.size;
    if (parts > mostOfSignedInfo) return true;
  }
  return false;
}

/** CVE-2025-29775: a comment or an element inside a value split it for one reader and not for another. */
function base64Of(element: XmlElement, check: string): Buffer {
  const bytes = element.children.some(isElement) ? undefined : decodeWrappedBase64(textOf(element));
  if (bytes === undefined) throw new SamlRefusal(check, `${element.local} is no base64`, "XMLDSig §4.2");
  return bytes;
}

function verifySignedInfo(
  signedInfo: XmlElement,
  value: Buffer,
  policy: SignaturePolicy,
): { readonly text: string; readonly signer: string } {
  const method = one(signedInfo, "CanonicalizationMethod");
  const canonical = canonicalOf(method);
  if (canonical === undefined) {
    const named = quoted(attributeOf(method, "Algorithm"));
    throw new SamlRefusal("saml.signature.canonicalization", `canonicalisation by ${named}`, "XMLDSig §4.3.1");
  }
  const text = canonicalize(signedInfo, canonical);
  const algorithm = algorithmOf(one(signedInfo, "SignatureMethod"), policy);
  const signers = policy.keys.filter((trusted) => isSignedBy(trusted, algorithm, Buffer.from(text), value));
  // A renewed certificate may be pinned beside the old one of the same key.
  const signer = signers.find((trusted) => outOfDate(trusted, policy.now) === undefined) ?? signers[0];
  if (signer === undefined) {
    const because = `by none of the ${policy.keys.length} trusted keys`;
    throw new SamlRefusal("saml.signature.key", because, "SAML Core §5.4");
  }
  const expired = outOfDate(signer, policy.now);
  if (expired !== undefined) throw new SamlRefusal("saml.signature.key_validity", expired, "SAML Core §5.4");
  return { text, signer: signer.name };
}

function algorithmOf(method: XmlElement, policy: SignaturePolicy): SignatureAlgorithm {
  const uri = attributeOf(method, "Algorithm");
  const algorithm = signatureAlgorithms.get(uri ?? "");
  // Parameters, such as the length of a truncated HMAC, belong to algorithms that we do not take.
  if (algorithm === undefined || childrenOf(method).length > 0) {
    throw new SamlRefusal("saml.signature.algorithm", `signed by ${quoted(uri)}`, "XMLDSig §6.4");
  }
  refuseSha1(algorithm.hash, policy);
  return algorithm;
}

function refuseSha1(hash: Hash, { allowsSha1 }: SignaturePolicy): void {
  if (hash !== "sha1" || allowsSha1) return;
  const because = "signed with SHA-1, which can be forged; insecureAllowSHA1 takes it all the same";
  throw new SamlRefusal("saml.signature.sha1", because, "NIST SP 800-131A");
}

/** KeyInfo names a key to everybody and is believed by nobody: only the operator's keys are tried. */
function isSignedBy({ key }: TrustedKey, { keyType, hash }: SignatureAlgorithm, text: Buffer, value: Buffer): boolean {
  if (key.asymmetricKeyType !== keyType) return false;
  return verifyBytes(hash, text, keyType === "ec" ? { key, dsaEncoding: "ieee-p1363" } : key, value);
}

/** @throws {SamlRefusal} `signedInfo` was read from the signed bytes; it still may say what we do not take. */
function referenceOf(signedInfo: XmlElement, policy: SignaturePolicy): Reference {
  const shape = childrenOf(signedInfo)
    .map(({ local }) => local)
    .join(" ");
  if (shape !== "CanonicalizationMethod SignatureMethod Reference") {
    throw new SamlRefusal(
      "saml.signature.reference",
      `not exactly one Reference: ${quoted(shape)}`,
      "SAML Core §5.4.2",
    );
  }
  const reference = one(signedInfo, "Reference");
  const digestMethod = attributeOf(one(reference, "DigestMethod"), "Algorithm");
  const hash = digestAlgorithms.get(digestMethod ?? "");
  if (hash === undefined) {
    throw new SamlRefusal("saml.signature.algorithm", `digested by ${quoted(digestMethod)}`, "XMLDSig §6.2");
  }
  refuseSha1(hash, policy);
  return {
    uri: attributeOf(reference, "URI") ?? "",
    canonical: transformsOf(reference),
    hash,
    digest: base64Of(one(reference, "DigestValue"), "saml.signature.digest"),
  };
}

/** Enveloped signature, then one canonical form; inclusive where none is named. SAML Core §5.4.4, XMLDSig §4.3.3.2. */
function transformsOf(reference: XmlElement): Canonical {
  const transforms = childrenOf(one(reference, "Transforms"));
  const [enveloped, form] = transforms;
  const refuse = (): SamlRefusal => {
    const named = transforms.map((each) => attributeOf(each, "Algorithm") ?? "nothing").join(" ");
    return new SamlRefusal("saml.signature.transforms", `transforms ${quoted(named)}`, "SAML Core §5.4.4");
  };
  if (enveloped === undefined || attributeOf(enveloped, "Algorithm") !== envelopedTransform) throw refuse();
  if (transforms.length > 2) throw refuse();
  if (form === undefined) return { form: "inclusive" };
  const canonical = canonicalOf(form);
  if (canonical === undefined) throw refuse();
  return canonical;
}

/** As many as any signer ever listed. */
const mostInclusivePrefixes = 32;

function canonicalOf(method: XmlElement): Canonical | undefined {
  const form = canonicalForms.get(attributeOf(method, "Algorithm") ?? "");
  const [inclusive, ...more] = childrenOf(method);
  if (form === "inclusive") return inclusive === undefined ? { form } : undefined;
  if (form === undefined || more.length > 0) return undefined;
  if (inclusive === undefined) return { form, inclusivePrefixes: [] };
  if (!isNamed(inclusive, ns.exclusive, "InclusiveNamespaces")) return undefined;
  const list = (attributeOf(inclusive, "PrefixList") ?? "").split(/[ \t\r\n]+/).filter((prefix) => prefix !== "");
  if (list.length > mostInclusivePrefixes) return undefined;
  return { form, inclusivePrefixes: list.map((prefix) => (prefix === "#default" ? "" : prefix)) };
}

/** The signature covers the element it stands in, and says so. CVE-2026-33487, XSW1 to XSW8. */
function checkUri(uri: string, signed: XmlElement): void {
  const id = attributeOf(signed, "ID") ?? "";
  const isWhole = uri === "" && signed.parent === undefined;
  if (isWhole || (id !== "" && uri === `#${id}`)) return;
  throw new SamlRefusal(
    "saml.signature.reference",
    `it covers ${quoted(uri)}, not the ${signed.local} it stands in`,
    "SAML Core §5.4.2",
  );
}

function sameElement(read: XmlElement, signed: XmlElement): XmlElement {
  const isSame = isNamed(read, signed.namespace, signed.local) && attributeOf(read, "ID") === attributeOf(signed, "ID");
  if (!isSame) throw new SamlRefusal("saml.signature.content", "what was signed is another element", "XMLDSig §8.1.3");
  return read;
}

function one(parent: XmlElement, local: string): XmlElement {
  const [child, ...more] = childrenOf(parent, ns.signature, local);
  if (child === undefined || more.length > 0) {
    throw new SamlRefusal("saml.signature.shape", `not exactly one ${local} in ${parent.local}`, "XMLDSig §4");
  }
  return child;
}
