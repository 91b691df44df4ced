/**
 * A document as our own parser leaves it: elements, attributes and text, with every name resolved. There are no
 * comments, no processing instructions and no entities, so a text is whole wherever it is read.
 */
export interface XmlElement {
  /** As written, prefix and all. */
  readonly name: string;
  readonly prefix: string;
  readonly local: string;
  /** Empty: none. */
  readonly namespace: string;
  readonly attributes: readonly XmlAttribute[];
  /** The namespaces declared on this element, by prefix; "" is the default one. */
  readonly declared: ReadonlyMap<string, string>;
  readonly parent: XmlElement | undefined;
  readonly children: readonly (XmlElement | string)[];
}

/** An attribute that declares no namespace. */
export interface XmlAttribute {
  readonly prefix: string;
  readonly local: string;
  /** Empty: none, as for every attribute without a prefix. */
  readonly namespace: string;
  readonly value: string;
}

export const isElement = (node: XmlElement | string): node is XmlElement => typeof node !== "string";

export const isNamed = (element: XmlElement, namespace: string, local: string): boolean =>
  element.local === local && element.namespace === namespace;

/** The child elements, or those of one name. */
export function childrenOf(element: XmlElement, namespace?: string, local?: string): readonly XmlElement[] {
  const elements = element.children.filter(isElement);
  return namespace === undefined || local === undefined
    ? elements
    : elements.filter((child) => isNamed(child, namespace, local));
}

/** The value of an attribute without a prefix. */
export const attributeOf = (element: XmlElement, local: string): string | undefined =>
  element.attributes.find((each) => each.local === local && each.namespace === "")?.value;

/** The element's own text, its child elements skipped. */
export const textOf = (element: XmlElement): string =>
  element.children.filter((child) => typeof child === "string").join("");

/** The element and all below it, in document order. Generators within generators would cost each element its depth. */
export function* walk(element: XmlElement): Generator<XmlElement> {
  const waiting = [element];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    yield at;
    for (let index = at.children.length - 1; index >= 0; index--) {
      const child = at.children[index];
      if (child !== undefined && isElement(child)) waiting.push(child);
    }
  }
}

/** The namespace that `prefix` stands for at `element`; undefined where it stands for none. */
export function namespaceAt(element: XmlElement | undefined, prefix: string): string | undefined {
  for (let at = element; at !== undefined; at = at.parent) {
    const uri = at.declared.get(prefix);
    if (uri !== undefined) return uri;
  }
  return prefix === "" ? "" : undefined;
}
