/** `xmlsec1`, a third implementation of XML signatures: it signs with EC keys, and what we accept it must accept too. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { missing } from "../peer/peer.ts";
import { enveloped, exclusive, type KeyPair } from "./saml-documents.ts";

/** For `{ skip }`. */
export const noXmlsec = missing({ xmlsec1: "xmlsec1" });

const idAttributes = ["Response", "Assertion"].flatMap((local) => ["--id-attr:ID", local]);

function inFolder<Value>(work: (folder: string) => Value): Value {
  const folder = mkdtempSync(join(tmpdir(), "dex-xmlsec-"));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** `document`, its Response signed with ECDSA. */
export function signWithXmlsec(document: string, { key, certificate }: KeyPair, id = "_response"): string {
  const template = `<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="${exclusive}"/><ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"/><ds:Reference URI="#${id}"><ds:Transforms><ds:Transform Algorithm="${enveloped}"/><ds:Transform Algorithm="${exclusive}"/></ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/><ds:KeyInfo><ds:X509Data/></ds:KeyInfo></ds:Signature>`;
  return inFolder((folder) => {
    const [keyFile, certFile, input, output] = ["key", "cert", "in", "out"].map((name) => join(folder, name));
    writeFileSync(keyFile ?? "", key);
    writeFileSync(certFile ?? "", certificate);
    writeFileSync(input ?? "", document.replace("</saml:Issuer>", `</saml:Issuer>${template}`));
    const args = [
      "--sign",
      "--output",
      `${output}`,
      "--privkey-pem",
      `${keyFile},${certFile}`,
      ...idAttributes,
      `${input}`,
    ];
    const { status, stderr } = spawnSync("xmlsec1", args, { encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
    return readFileSync(output ?? "", "utf8");
  });
}

/** Whether the signature that stands in the element of this ID holds under `certificate`. */
export function verifyWithXmlsec(document: string, certificate: string, signedId: string): boolean {
  return inFolder((folder) => {
    const [certFile, input] = [join(folder, "cert"), join(folder, "in")];
    writeFileSync(certFile, certificate);
    writeFileSync(input, document);
    const place = `//*[@ID='${signedId}']/*[local-name()='Signature']`;
    const args = ["--verify", "--pubkey-cert-pem", certFile, "--node-xpath", place, ...idAttributes, input];
    return spawnSync("xmlsec1", args).status === 0;
  });
}
