import { decodeBase64 } from "./base64.ts";
import { ns } from "./names.ts";
import { quoted, SamlRefusal } from "./refusal.ts";
import { parseXml, XmlError } from "./xml/parse-xml.ts";
import { attributeOf, isNamed, walk, type XmlElement } from "./xml/tree.ts";

/** Bytes of a message at the most. The largest honest one lists thousands of groups. */
export const mostBytes = 1024 * 1024;

/** A protocol message as the POST binding carries it. SAML Bindings §3.5.4. @throws {SamlRefusal} */
export function readMessage(encoded: string): XmlElement {
  if (encoded.length > (mostBytes / 3) * 4) {
    throw new SamlRefusal("saml.message.size", `${encoded.length} characters`);
  }
  // compat(dex): Go's decoder skips line ends, and some senders wrap.
  const bytes = decodeBase64(encoded.replace(/[\r\n]+/g, ""));
  if (bytes === undefined) throw new SamlRefusal("saml.message.base64", "not base64", "SAML Bindings §3.5.4");
  return readDocument(bytes);
}

/** @throws {SamlRefusal} `bytes` is no document that we read. */
export function readDocument(bytes: Uint8Array): XmlElement {
  const root = parseDocument(decodeUtf8(bytes));
  refuseSharedIds(root);
  return root;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    // A byte order mark stays and is then no part of any XML: nobody needs one before UTF-8.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new SamlRefusal("saml.xml.encoding", "not UTF-8", "SAML Bindings §3.1.1", { cause });
  }
}

function parseDocument(text: string): XmlElement {
  try {
    return parseXml(text);
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    throw new SamlRefusal(`saml.xml.${error.rule}`, error.message, "XML 1.0", { cause: error });
  }
}

/** Two elements of one ID make "the element with this ID" mean different things to different readers. */
export function refuseSharedIds(root: XmlElement): void {
  const seen = new Set<string>();
  for (const { attributes } of walk(root)) {
    for (const { local, value } of attributes) {
      // `Id`, `id` and `xml:id` are IDs to some libraries, so they must not collide either.
      if (local.toLowerCase() !== "id") continue;
      if (seen.has(value)) throw new SamlRefusal("saml.id.unique", `the ID ${quoted(value)} twice`, "SAML Core §1.3.4");
      seen.add(value);
    }
  }
}

/** SAML Core §3.2.1, §3.2.2: what every message is, and a `what` in particular. @throws {SamlRefusal} */
export function checkRoot(root: XmlElement, what: "Response" | "LogoutRequest"): void {
  if (!isNamed(root, ns.protocol, what)) {
    throw new SamlRefusal("saml.message.root", `it is a ${quoted(root.name)}, no samlp:${what}`, "SAML Core §3.1");
  }
  checkVersion(root);
}

/** @throws {SamlRefusal} `element` is not of SAML 2.0, or has no name. */
export function checkVersion(element: XmlElement): void {
  const version = attributeOf(element, "Version");
  if (version !== "2.0") {
    const because = `${element.local}: saml version expected "2.0" got ${quoted(version)}`;
    throw new SamlRefusal("saml.message.version", because, "SAML Core §4.1");
  }
  if ((attributeOf(element, "ID") ?? "") === "") {
    throw new SamlRefusal("saml.id.present", `${element.local} has no ID`, "SAML Core §1.3.4");
  }
}
