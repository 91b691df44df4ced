import { ns } from "./names.ts";

/** A hash as `node:crypto` names it. */
export type Hash = "sha1" | "sha256" | "sha384" | "sha512";

export interface SignatureAlgorithm {
  readonly keyType: "rsa" | "ec";
  readonly hash: Hash;
}

const more = "http://www.w3.org/2001/04/xmldsig-more#";

/**
 * What a signature may be made with; no HMAC, whose key would be the public certificate, no DSA and no MD5.
 * SHA-1 is here to be named in a refusal, or allowed by the operator. XMLDSig §6.4, RFC 9231 §2.3.
 */
export const signatureAlgorithms: ReadonlyMap<string, SignatureAlgorithm> = new Map([
  [`${ns.signature}rsa-sha1`, { keyType: "rsa", hash: "sha1" }],
  [`${more}rsa-sha256`, { keyType: "rsa", hash: "sha256" }],
  [`${more}rsa-sha384`, { keyType: "rsa", hash: "sha384" }],
  [`${more}rsa-sha512`, { keyType: "rsa", hash: "sha512" }],
  [`${more}ecdsa-sha1`, { keyType: "ec", hash: "sha1" }],
  [`${more}ecdsa-sha256`, { keyType: "ec", hash: "sha256" }],
  [`${more}ecdsa-sha384`, { keyType: "ec", hash: "sha384" }],
  [`${more}ecdsa-sha512`, { keyType: "ec", hash: "sha512" }],
]);

/** XMLDSig §6.2, RFC 9231 §2.1. */
export const digestAlgorithms: ReadonlyMap<string, Hash> = new Map([
  [`${ns.signature}sha1`, "sha1"],
  [`${ns.encryption}sha256`, "sha256"],
  [`${more}sha384`, "sha384"],
  [`${ns.encryption}sha512`, "sha512"],
]);

export const envelopedTransform = `${ns.signature}enveloped-signature`;

/** Canonical forms. Those "with comments" are the same here, since a document with comments is refused. XMLDSig §6.5. */
export const canonicalForms: ReadonlyMap<string, "exclusive" | "inclusive"> = new Map([
  [ns.exclusive, "exclusive"],
  [`${ns.exclusive}WithComments`, "exclusive"],
  ["http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "inclusive"],
  ["http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments", "inclusive"],
  ["http://www.w3.org/2006/12/xml-c14n11", "inclusive"],
  ["http://www.w3.org/2006/12/xml-c14n11#WithComments", "inclusive"],
]);
