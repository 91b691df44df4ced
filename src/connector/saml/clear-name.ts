import type { Decryptor } from "./decrypt-assertion.ts";
import { ns } from "./names.ts";
import { readDocument } from "./read-message.ts";
import { quoted, SamlRefusal } from "./refusal.ts";
import { childrenOf, isElement, isNamed, type XmlElement } from "./xml/tree.ts";

/** `assertion` with the name of its Subject in clear. SAML Core §2.2.4, §2.4.1. @throws {SamlRefusal} */
export async function withClearName(
  assertion: XmlElement,
  decrypt: Decryptor,
  isAuthentic: boolean,
): Promise<XmlElement> {
  const children = await Promise.all(
    assertion.children.map((child) =>
      isElement(child) && isNamed(child, ns.assertion, "Subject") ? clearNameIn(child, decrypt, isAuthentic) : child,
    ),
  );
  return { ...assertion, children };
}

/**
 * `parent` with a NameID in the place of its EncryptedID, if it has one; a Subject, or a LogoutRequest. `isAuthentic`: it
 * stands in what was verified. @throws {SamlRefusal}
 */
export async function clearNameIn(parent: XmlElement, decrypt: Decryptor, isAuthentic: boolean): Promise<XmlElement> {
  const encrypted = childrenOf(parent, ns.assertion, "EncryptedID");
  const [first] = encrypted;
  if (first === undefined) return parent;
  const refuse = (because: string): SamlRefusal =>
    new SamlRefusal("saml.subject.encrypted", because, "SAML Core §2.2.4");
  const others = childrenOf(parent, ns.assertion, "NameID").length + childrenOf(parent, ns.assertion, "BaseID").length;
  if (encrypted.length + others > 1) throw refuse("an EncryptedID is not the only name");
  const name = readDocument(await decrypt(first, isAuthentic));
  // Another message in here would be one that nobody has checked.
  if (!isNamed(name, ns.assertion, "NameID")) throw refuse(`a ${quoted(name.name)} was encrypted, no NameID`);
  if (name.children.some(isElement)) throw refuse("the encrypted NameID holds more than a name");
  return { ...parent, children: parent.children.map((child) => (child === first ? name : child)) };
}
