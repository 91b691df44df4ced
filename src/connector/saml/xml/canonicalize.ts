import { ns } from "../names.ts";
import { isElement, namespaceAt, type XmlAttribute, type XmlElement } from "./tree.ts";

/** Which canonical form: Exclusive XML Canonicalization 1.0, or Canonical XML 1.0 and 1.1, which are one without `xml:` attributes. */
export type Canonical =
  | { readonly form: "exclusive"; readonly inclusivePrefixes: readonly string[] }
  | { readonly form: "inclusive" };

/** The namespaces that the output has declared so far: this element's, then its ancestors'. */
interface Rendered {
  readonly own: ReadonlyMap<string, string>;
  readonly above: Rendered | undefined;
}

/**
 * The canonical text of `apex` and what is below it, `without` one child of it (the enveloped signature).
 * A fault here can make a good signature fail; it can make no bad one hold, because whoever reads the element reads
 * it from this very text.
 */
export function canonicalize(apex: XmlElement, canonical: Canonical, without?: XmlElement): string {
  const parts: string[] = [];
  write(apex, canonical, undefined, without, parts);
  return parts.join("");
}

function write(
  element: XmlElement,
  canonical: Canonical,
  above: Rendered | undefined,
  without: XmlElement | undefined,
  parts: string[],
): void {
  const declared = newNamespaces(element, canonical, above);
  parts.push("<", element.name);
  for (const [prefix, uri] of declared) {
    parts.push(prefix === "" ? " xmlns" : ` xmlns:${prefix}`, '="', escapeAttribute(uri), '"');
  }
  for (const { prefix, local, value } of element.attributes.toSorted(byNamespaceThenName)) {
    parts.push(" ", prefix === "" ? local : `${prefix}:${local}`, '="', escapeAttribute(value), '"');
  }
  parts.push(">");
  const rendered: Rendered | undefined = declared.length === 0 ? above : { own: new Map(declared), above };
  for (const child of element.children) {
    if (!isElement(child)) parts.push(escapeText(child));
    else if (child !== without) write(child, canonical, rendered, undefined, parts);
  }
  parts.push("</", element.name, ">");
}

/** The namespaces to declare at `element`, sorted by prefix. Exclusive C14N §3, Canonical XML §2.3. */
function newNamespaces(
  element: XmlElement,
  canonical: Canonical,
  above: Rendered | undefined,
): readonly (readonly [string, string])[] {
  const wanted =
    canonical.form === "exclusive" ? visiblyUsed(element, canonical.inclusivePrefixes) : inScope(element, above);
  const fresh: [string, string][] = [];
  for (const prefix of wanted) {
    const uri = namespaceAt(element, prefix);
    // An inclusive prefix that stands for nothing here is not rendered.
    if (uri !== undefined && uri !== renderedAt(above, prefix)) fresh.push([prefix, uri]);
  }
  return fresh.sort(([one], [other]) => byCodePoint(one, other));
}

function visiblyUsed({ prefix, attributes }: XmlElement, inclusive: readonly string[]): ReadonlySet<string> {
  const used = new Set([prefix, ...inclusive]);
  for (const attribute of attributes) if (attribute.prefix !== "") used.add(attribute.prefix);
  used.delete("xml");
  return used;
}

/** Of the apex all that its ancestors declared; below it only what the element adds. */
function inScope(element: XmlElement, above: Rendered | undefined): ReadonlySet<string> {
  const prefixes = new Set(element.declared.keys());
  if (above === undefined) {
    for (let at = element.parent; at !== undefined; at = at.parent)
      for (const prefix of at.declared.keys()) prefixes.add(prefix);
  }
  prefixes.delete("xml");
  return prefixes;
}

function renderedAt(above: Rendered | undefined, prefix: string): string | undefined {
  for (let at = above; at !== undefined; at = at.above) {
    const uri = at.own.get(prefix);
    if (uri !== undefined) return uri;
  }
  return prefix === "" ? "" : undefined;
}

const byNamespaceThenName = (one: XmlAttribute, other: XmlAttribute): number =>
  byCodePoint(one.namespace, other.namespace) || byCodePoint(one.local, other.local);

/** UTF-16 order differs from that of code points where surrogates meet U+E000 and above. */
function byCodePoint(one: string, other: string): number {
  if (one === other) return 0;
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}

const escapeText = (text: string): string =>
  /[&<>\r]/.test(text) ? text.replace(/[&<>\r]/g, (character) => escapes[character] ?? character) : text;

const escapeAttribute = (text: string): string =>
  /[&<"\t\n\r]/.test(text) ? text.replace(/[&<"\t\n\r]/g, (character) => escapes[character] ?? character) : text;

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "\t": "&#x9;",
  "\n": "&#xA;",
  "\r": "&#xD;",
};

/** `xml:` attributes above the element would be drawn into its inclusive form; nobody who signs SAML has any. Canonical XML §2.4. */
export function inheritsXmlAttributes(element: XmlElement): boolean {
  for (let at = element.parent; at !== undefined; at = at.parent) {
    if (at.attributes.some(({ namespace }) => namespace === ns.xml)) return true;
  }
  return false;
}
