import { ns } from "../names.ts";
import type { XmlAttribute, XmlElement } from "./tree.ts";

/** The text is no XML that we read. `offset`: characters from its beginning. */
export class XmlError extends Error {
  override readonly name = "XmlError";
  /** What rule it breaks, as a word: tests and the trail name it. */
  readonly rule: XmlRule;

  constructor(rule: XmlRule, message: string, offset: number) {
    super(`${message}, at character ${offset}`);
    this.rule = rule;
  }
}

export type XmlRule =
  | "doctype"
  | "processing_instruction"
  | "comment"
  | "entity"
  | "encoding"
  | "character"
  | "well_formed"
  | "namespace"
  | "limit";

export interface ParseOptions {
  /** `drop`: as canonicalisation does, joining the text around them. Default `refuse`. */
  readonly comments?: "refuse" | "drop";
}

/** Deeper and larger than any honest message; every recursion over a tree rests on the first. */
const limits = { depth: 64, elements: 100_000, attributes: 256 } as const;

const illegal = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;
const space = /[ \t\n]*/y;
const nameToken = /[^\s<>/=&"'!?[\]]+/y;
const ncName =
  "[A-Z_a-z\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u02FF\u0370-\u037D\u037F-\u1FFF\u200C-\u200D\u2070-\u218F\u2C00-\u2FEF\u3001-\uD7FF\uF900-\uFDCF\uFDF0-\uFFFD\u{10000}-\u{EFFFF}][-.0-9A-Z_a-z\u00B7\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u037D\u037F-\u1FFF\u200C-\u200D\u203F-\u2040\u2070-\u218F\u2C00-\u2FEF\u3001-\uD7FF\uF900-\uFDCF\uFDF0-\uFFFD\u{10000}-\u{EFFFF}]*";
const qName = new RegExp(`^(?:(${ncName}):)?(${ncName})$`, "u");
const declaration =
  /^<\?xml[ \t\n]+version[ \t\n]*=[ \t\n]*(["'])1\.[0-9]\1(?:[ \t\n]+encoding[ \t\n]*=[ \t\n]*(["'])([A-Za-z][A-Za-z0-9._-]*)\2)?(?:[ \t\n]+standalone[ \t\n]*=[ \t\n]*(["'])(?:yes|no)\4)?[ \t\n]*\?>/;
const absoluteUri = /^[A-Za-z][A-Za-z0-9+.-]*:/;

interface OpenElement extends XmlElement {
  readonly parent: OpenElement | undefined;
  readonly children: (XmlElement | string)[];
}

interface RawAttribute {
  readonly name: string;
  readonly value: string;
}

/**
 * Reads one document in the small part of XML that SAML needs: UTF-8, elements, attributes, text, CDATA and the five
 * predefined entities. What parsers have disagreed about is refused, not interpreted: DOCTYPE and with it every other
 * entity, processing instructions, comments, undeclared prefixes, relative namespaces. XML 1.0, Namespaces in XML 1.0.
 * @throws {XmlError}
 */
export function parseXml(source: string, options: ParseOptions = {}): XmlElement {
  return new Parser(source, options).document();
}

class Parser {
  readonly #text: string;
  readonly #dropsComments: boolean;
  #at = 0;
  #elements = 0;
  #depth = 0;

  constructor(source: string, { comments }: ParseOptions) {
    const bad = illegal.exec(source);
    if (bad !== null) throw new XmlError("character", "a character that XML does not allow", bad.index);
    // XML 1.0 §2.11: line ends are one character before anything else is read.
    this.#text = source.includes("\r") ? source.replace(/\r\n?/g, "\n") : source;
    this.#dropsComments = comments === "drop";
  }

  document(): XmlElement {
    this.#declaration();
    this.#between();
    if (this.#text[this.#at] !== "<") throw this.#fault("well_formed", "no element");
    const root = this.#tree();
    this.#between();
    if (this.#at < this.#text.length) throw this.#fault("well_formed", "something after the root element");
    return root;
  }

  #declaration(): void {
    if (!this.#text.startsWith("<?xml") || !/[ \t\n]/.test(this.#text[5] ?? "")) return;
    const match = declaration.exec(this.#text);
    if (match === null) throw this.#fault("well_formed", "a malformed XML declaration");
    const encoding = match[3];
    if (encoding !== undefined && encoding.toUpperCase() !== "UTF-8") {
      throw this.#fault("encoding", "an encoding other than UTF-8");
    }
    this.#at = match[0].length;
  }

  /** What may stand before and after the root. */
  #between(): void {
    for (;;) {
      this.#skipSpace();
      if (!this.#text.startsWith("<!", this.#at) && !this.#text.startsWith("<?", this.#at)) return;
      this.#markup();
    }
  }

  #tree(): XmlElement {
    const root = this.#startTag(undefined);
    let open: OpenElement | undefined = root.isEmpty ? undefined : root.element;
    while (open !== undefined) {
      const next = this.#text.indexOf("<", this.#at);
      if (next < 0) throw this.#fault("well_formed", "an element without an end");
      if (next > this.#at) this.#characters(open, next);
      if (this.#text[this.#at + 1] === "/") open = this.#endTag(open);
      else if (this.#text.startsWith("<![CDATA[", this.#at)) this.#cdata(open);
      else if (this.#text[this.#at + 1] === "!" || this.#text[this.#at + 1] === "?") this.#markup();
      else {
        const child: { element: OpenElement; isEmpty: boolean } = this.#startTag(open);
        open.children.push(child.element);
        if (!child.isEmpty) open = child.element;
      }
    }
    return root.element;
  }

  #characters(open: OpenElement, end: number): void {
    const raw = this.#text.slice(this.#at, end);
    if (raw.includes("]]>")) throw this.#fault("well_formed", '"]]>" in a text');
    append(open, this.#resolve(raw));
    this.#at = end;
  }

  #cdata(open: OpenElement): void {
    const start = this.#at + "<![CDATA[".length;
    const end = this.#text.indexOf("]]>", start);
    if (end < 0) throw this.#fault("well_formed", "a CDATA section without an end");
    append(open, this.#text.slice(start, end));
    this.#at = end + 3;
  }

  /** Comments, processing instructions, DOCTYPE and whatever else begins with `<!` or `<?`. */
  #markup(): void {
    if (!this.#text.startsWith("<!--", this.#at)) {
      if (this.#text[this.#at + 1] === "?") throw this.#fault("processing_instruction", "a processing instruction");
      throw this.#text.startsWith("<!DOCTYPE", this.#at)
        ? this.#fault("doctype", "a document type declaration")
        : this.#fault("well_formed", "an unknown declaration");
    }
    // CVE-2017-11428 and its kind: a comment in a name made libraries read the half of it.
    if (!this.#dropsComments) throw this.#fault("comment", "a comment");
    const end = this.#text.indexOf("--", this.#at + 4);
    if (end < 0 || this.#text[end + 2] !== ">") throw this.#fault("well_formed", "a malformed comment");
    this.#at = end + 3;
  }

  #endTag(open: OpenElement): OpenElement | undefined {
    this.#at += 2;
    if (!this.#text.startsWith(open.name, this.#at)) throw this.#fault("well_formed", "an end tag of another element");
    this.#at += open.name.length;
    this.#skipSpace();
    this.#expect(">");
    this.#depth--;
    return open.parent;
  }

  #startTag(parent: OpenElement | undefined): { element: OpenElement; isEmpty: boolean } {
    if (++this.#elements > limits.elements) throw this.#fault("limit", "too many elements");
    this.#at++;
    const name = this.#token();
    const written: RawAttribute[] = [];
    let hadSpace = this.#skipSpace();
    while (this.#text[this.#at] !== ">" && this.#text[this.#at] !== "/") {
      if (!hadSpace) throw this.#fault("well_formed", "no space before an attribute");
      if (written.length === limits.attributes) throw this.#fault("limit", "too many attributes");
      written.push(this.#attribute());
      hadSpace = this.#skipSpace();
    }
    const isEmpty = this.#text[this.#at] === "/";
    if (isEmpty) this.#at++;
    this.#expect(">");
    if (!isEmpty && ++this.#depth > limits.depth) throw this.#fault("limit", "elements nested too deep");
    return { element: this.#named(name, written, parent), isEmpty };
  }

  #attribute(): RawAttribute {
    const name = this.#token();
    this.#skipSpace();
    this.#expect("=");
    this.#skipSpace();
    const quote = this.#text[this.#at];
    if (quote !== '"' && quote !== "'") throw this.#fault("well_formed", "an attribute value without quotes");
    const end = this.#text.indexOf(quote, this.#at + 1);
    if (end < 0) throw this.#fault("well_formed", "an attribute value without an end");
    const raw = this.#text.slice(this.#at + 1, end);
    if (raw.includes("<")) throw this.#fault("well_formed", '"<" in an attribute value');
    // XML 1.0 §3.3.3: literal white space becomes spaces; what a reference names stays.
    const value = this.#resolve(raw.replace(/[\t\n]/g, " "));
    this.#at = end + 1;
    return { name, value };
  }

  #named(name: string, written: readonly RawAttribute[], parent: OpenElement | undefined): OpenElement {
    const declared = new Map<string, string>();
    for (const attribute of written) this.#declare(attribute, declared);
    const split = this.#split(name);
    const element = { name, ...split, declared, parent, children: [] };
    const namespaceOf = (prefix: string): string => this.#namespaceOf(prefix, declared, parent);
    const attributes = written.filter((each) => !isDeclaration(each)).map((each) => this.#resolved(each, namespaceOf));
    if (new Set(attributes.map((each) => `${each.namespace} ${each.local}`)).size < attributes.length) {
      throw this.#fault("well_formed", "an attribute given twice");
    }
    return { ...element, namespace: namespaceOf(split.prefix), attributes };
  }

  #resolved({ name, value }: RawAttribute, namespaceOf: (prefix: string) => string): XmlAttribute {
    const { prefix, local } = this.#split(name);
    return { prefix, local, namespace: prefix === "" ? "" : namespaceOf(prefix), value };
  }

  /** Namespaces in XML §3, §5. */
  #declare({ name, value }: RawAttribute, declared: Map<string, string>): void {
    if (!isDeclaration({ name })) return;
    const prefix = name === "xmlns" ? "" : this.#split(name).local;
    if (declared.has(prefix)) throw this.#fault("well_formed", "a namespace declared twice");
    if (prefix === "xmlns" || value === "http://www.w3.org/2000/xmlns/" || (prefix === "xml") !== (value === ns.xml)) {
      throw this.#fault("namespace", "a reserved namespace redefined");
    }
    // Canonical XML 1.0 §1: a relative namespace has no canonical form.
    if (value === "" ? prefix !== "" : !absoluteUri.test(value)) {
      throw this.#fault("namespace", "a namespace that is empty or relative");
    }
    declared.set(prefix, value);
  }

  #namespaceOf(prefix: string, declared: ReadonlyMap<string, string>, parent: XmlElement | undefined): string {
    if (prefix === "xml") return ns.xml;
    const own = declared.get(prefix);
    if (own !== undefined) return own;
    for (let at = parent; at !== undefined; at = at.parent) {
      const uri = at.declared.get(prefix);
      if (uri !== undefined) return uri;
    }
    if (prefix !== "") throw this.#fault("namespace", "a prefix that was not declared");
    return "";
  }

  #split(name: string): { readonly prefix: string; readonly local: string } {
    const match = qName.exec(name);
    if (match === null) throw this.#fault("well_formed", "a malformed name");
    return { prefix: match[1] ?? "", local: match[2] ?? "" };
  }

  #token(): string {
    nameToken.lastIndex = this.#at;
    const token = nameToken.exec(this.#text)?.[0];
    if (token === undefined) throw this.#fault("well_formed", "a name is missing");
    this.#at += token.length;
    return token;
  }

  #skipSpace(): boolean {
    space.lastIndex = this.#at;
    const length = space.exec(this.#text)?.[0].length ?? 0;
    this.#at += length;
    return length > 0;
  }

  #expect(character: string): void {
    if (this.#text[this.#at] !== character) throw this.#fault("well_formed", `no ${JSON.stringify(character)}`);
    this.#at++;
  }

  /** Character references and the predefined entities; there are no others without a DOCTYPE. */
  #resolve(raw: string): string {
    if (!raw.includes("&")) return raw;
    return raw.replace(/&([^;&]*)(;?)/g, (_, name: string, end: string) => {
      const named = end === ";" ? entities.get(name) : undefined;
      if (named !== undefined) return named;
      const match = end === ";" ? /^#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}))$/.exec(name) : null;
      if (match === null) throw this.#fault("entity", "an entity that nobody declared");
      const code = match[1] === undefined ? Number(match[2]) : Number.parseInt(match[1], 16);
      const isScalar = code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
      const character = isScalar ? String.fromCodePoint(code) : "";
      if (character === "" || illegal.test(character)) throw this.#fault("character", "a reference to no character");
      return character;
    });
  }

  #fault(rule: XmlRule, message: string): XmlError {
    return new XmlError(rule, message, this.#at);
  }
}

const entities: ReadonlyMap<string, string> = new Map([
  ["amp", "&"],
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"],
]);

const isDeclaration = ({ name }: Pick<RawAttribute, "name">): boolean => name === "xmlns" || name.startsWith("xmlns:");

/** A text is one child however many pieces it was written in. */
function append({ children }: OpenElement, text: string): void {
  const last = children.at(-1);
  if (typeof last === "string") children[children.length - 1] = last + text;
  else if (text !== "") children.push(text);
}
