import { withClearName } from "./clear-name.ts";
import type { Decryptor } from "./decrypt-assertion.ts";
import { ns } from "./names.ts";
import { checkRoot, checkVersion, readDocument, readMessage, refuseSharedIds } from "./read-message.ts";
import { quoted, SamlRefusal } from "./refusal.ts";
import { type SignaturePolicy, verifySignature } from "./verify-signature.ts";
import { childrenOf, isNamed, walk, type XmlElement } from "./xml/tree.ts";

/** How a response proves itself. */
export interface ResponsePolicy {
  /** Undefined: `insecureSkipSignatureValidation`, nothing is verified. */
  readonly signatures: SignaturePolicy | undefined;
  readonly decrypt: Decryptor;
}

/** A response whose assertion is the upstream's word. */
export interface VerifiedResponse {
  /** The Response around it: signed too, or only as it came, good for refusing and for nothing else. */
  readonly envelope: XmlElement;
  readonly isEnvelopeSigned: boolean;
  /** Absent when the Response carries none, as an error does. */
  readonly assertion: XmlElement | undefined;
  /** What was verified, for the trail. */
  readonly proof: string;
}

/** Names that mean something to us, and where alone they may stand. Anything else of the name is a disguise. */
const homes: ReadonlyMap<string, { readonly namespace: string; readonly parents: readonly string[] }> = new Map([
  ["Response", { namespace: ns.protocol, parents: [] }],
  ["Assertion", { namespace: ns.assertion, parents: ["Response"] }],
  ["EncryptedAssertion", { namespace: ns.assertion, parents: ["Response"] }],
  ["Signature", { namespace: ns.signature, parents: ["Response", "Assertion"] }],
]);

/**
 * Takes a response apart and verifies it. Whatever comes back was read from signed bytes, the envelope of a response
 * whose assertion alone is signed excepted. SAML Core §5, SAML Profiles §4.1.4.2. @throws {SamlRefusal}
 */
export async function readResponse(encoded: string, policy: ResponsePolicy): Promise<VerifiedResponse> {
  const received = readMessage(encoded);
  checkRoot(received, "Response");
  checkPlaces(received);
  const { signatures } = policy;
  const signed = signatures === undefined ? undefined : verifySignature(received, signatures);
  const envelope = signed?.element ?? received;
  const found = assertionOf(envelope);
  if (found === undefined) {
    return { envelope, isEnvelopeSigned: signed !== undefined, assertion: undefined, proof: proofOf(signed?.signer) };
  }
  const isEncrypted = found.local === "EncryptedAssertion";
  const assertion = isEncrypted ? await decrypted(found, policy, signed !== undefined, received) : found;
  // The signature inside is verified where it stood: a canonical form may have dropped namespaces that it lists.
  const whereItStood = isEncrypted ? assertion : (assertionOf(received) ?? assertion);
  const inner = signatures === undefined ? undefined : verifySignature(whereItStood, signatures);
  if (signatures !== undefined && signed === undefined && inner === undefined) {
    throw new SamlRefusal(
      "saml.signature.present",
      "neither the Response nor its Assertion is signed",
      "SAML Profiles §4.1.4.5",
    );
  }
  checkVersion(assertion);
  // From a signed text in any case: the Response's, or the Assertion's own.
  const believed = signed === undefined || isEncrypted ? (inner?.element ?? assertion) : assertion;
  return {
    envelope,
    isEnvelopeSigned: signed !== undefined || signatures === undefined,
    assertion: await withClearName(believed, policy.decrypt, signatures !== undefined),
    proof: proofOf(signed?.signer, inner?.signer, isEncrypted),
  };
}

function proofOf(response?: string, assertion?: string, isEncrypted = false): string {
  const parts = [
    ...(response === undefined ? [] : [`the Response is signed by ${response}`]),
    ...(assertion === undefined ? [] : [`the Assertion is signed by ${assertion}`]),
    ...(isEncrypted ? ["it was encrypted for us"] : []),
  ];
  return parts.length === 0 ? "nothing was verified" : parts.join(", ");
}

/** Signature wrapping needs a second place for a name that we look for. XSW1 to XSW8; DexIdP issue 895. */
function checkPlaces(root: XmlElement): void {
  for (const element of walk(root)) {
    const home = homes.get(element.local);
    if (home === undefined) continue;
    const { parent } = element;
    const isAtHome = parent === undefined ? element === root : home.parents.includes(parent.local);
    // The parents' own places are checked too, so a right name above is the right element.
    if (element.namespace === home.namespace && isAtHome) continue;
    const where = parent === undefined ? "as the root" : `in ${quoted(parent.name)}`;
    const check = element.local === "Signature" ? "saml.signature.place" : "saml.assertion.place";
    throw new SamlRefusal(check, `a ${quoted(element.name)} ${where}`, "SAML Core §5.4.2");
  }
}

/** Exactly one, in clear or encrypted; none only in a response that says no. */
function assertionOf(response: XmlElement): XmlElement | undefined {
  const found = childrenOf(response).filter(
    (child) => isNamed(child, ns.assertion, "Assertion") || isNamed(child, ns.assertion, "EncryptedAssertion"),
  );
  if (found.length > 1) {
    throw new SamlRefusal("saml.assertion.single", `${found.length} assertions`, "SAML Profiles §4.1.4.2");
  }
  return found[0];
}

async function decrypted(
  encrypted: XmlElement,
  { decrypt }: ResponsePolicy,
  isSigned: boolean,
  received: XmlElement,
): Promise<XmlElement> {
  const assertion = readDocument(await decrypt(encrypted, isSigned));
  if (!isNamed(assertion, ns.assertion, "Assertion")) {
    throw new SamlRefusal(
      "saml.assertion.encrypted",
      `a ${quoted(assertion.name)} was encrypted, no Assertion`,
      "SAML Core §6.1",
    );
  }
  const inside = [...walk(assertion)].filter((element) => element !== assertion);
  if (inside.some(({ local, parent }) => homes.has(local) && !(local === "Signature" && parent === assertion))) {
    throw new SamlRefusal("saml.assertion.place", "the encrypted Assertion holds another message", "SAML Core §5.4.2");
  }
  refuseSharedIds({ ...received, children: [...received.children, assertion] });
  return assertion;
}
