/** The text of a search filter (RFC 4515) as the bytes that travel (RFC 4511 §4.5.1). */
import { boolean, element, octets, sequence } from "./ber.ts";

/** A filter that says nothing. The message quotes it: write no secret into one. */
export class FilterError extends Error {
  override readonly name = "FilterError";
}

const kinds = { and: 0xa0, or: 0xa1, not: 0xa2, equal: 0xa3, substrings: 0xa4, atLeast: 0xa5, atMost: 0xa6 } as const;
const present = 0x87;
const approx = 0xa8;
const extensible = 0xa9;

/** Deeper ones are somebody's mistake, and would exhaust the stack. */
const maxDepth = 100;

/** @throws {FilterError} */
export function parseFilter(text: string): Buffer {
  const parser = new FilterParser(text);
  const filter = parser.filter(0);
  parser.end();
  return filter;
}

class FilterParser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Blanks may stand between the parts, since YAML folds lines; RFC 4515 has none. */
  filter(depth: number): Buffer {
    if (depth > maxDepth) throw this.#fault("it is nested too deeply");
    this.#skipBlanks();
    this.#expect("(");
    this.#skipBlanks();
    const filter = this.#component(depth);
    this.#skipBlanks();
    this.#expect(")");
    return filter;
  }

  end(): void {
    this.#skipBlanks();
    if (this.#at < this.#text.length) throw this.#fault("something follows it");
  }

  #component(depth: number): Buffer {
    switch (this.#text[this.#at]) {
      case "&":
        return element(kinds.and, ...this.#list(depth));
      case "|":
        return element(kinds.or, ...this.#list(depth));
      case "!":
        this.#at += 1;
        return element(kinds.not, this.filter(depth + 1));
      default:
        return this.#item();
    }
  }

  #list(depth: number): readonly Buffer[] {
    this.#at += 1;
    const parts: Buffer[] = [];
    for (this.#skipBlanks(); this.#text[this.#at] === "("; this.#skipBlanks()) parts.push(this.filter(depth + 1));
    return parts;
  }

  #item(): Buffer {
    const end = this.#text.indexOf(")", this.#at);
    if (end < 0) throw this.#fault('a ")" is missing');
    const item = this.#text.slice(this.#at, end);
    this.#at = end;
    const match = /^([^=<>~*()\\]*?)([<>~:]?=)(.*)$/s.exec(item);
    if (match === null) throw this.#fault(`${JSON.stringify(item)} compares nothing`);
    const [, name = "", operator, value = ""] = match;
    if (operator === ":=") return this.#extensible(name.trim(), value);
    const attribute = name.trim();
    if (!attributePattern.test(attribute)) throw this.#fault(`${JSON.stringify(attribute)} is no attribute`);
    switch (operator) {
      case ">=":
        return element(kinds.atLeast, octets(attribute), octets(this.#value(value)));
      case "<=":
        return element(kinds.atMost, octets(attribute), octets(this.#value(value)));
      case "~=":
        return element(approx, octets(attribute), octets(this.#value(value)));
      default:
        return this.#equality(attribute, value);
    }
  }

  #equality(attribute: string, value: string): Buffer {
    if (value === "*") return octets(attribute, present);
    const pieces = value.split("*").map((piece) => this.#value(piece));
    if (pieces.length === 1) return element(kinds.equal, octets(attribute), octets(this.#value(value)));
    const last = pieces.length - 1;
    const parts = pieces.flatMap((piece, index) =>
      piece.length === 0 ? [] : [octets(piece, index === 0 ? 0x80 : index === last ? 0x82 : 0x81)],
    );
    if (parts.length === 0) throw this.#fault(`${JSON.stringify(value)} matches everything`);
    return element(kinds.substrings, octets(attribute), sequence(...parts));
  }

  /** `attr:dn:rule`, each of them optional. */
  #extensible(name: string, value: string): Buffer {
    const match = /^([^:]*)(:dn)?(?::([^:]+))?$/i.exec(name);
    const [, attribute = "", dn, rule] = match ?? [];
    if (match === null || (attribute === "" ? rule === undefined : !attributePattern.test(attribute)))
      throw this.#fault(`${JSON.stringify(name)} names no matching rule`);
    return element(
      extensible,
      ...(rule === undefined ? [] : [octets(rule, 0x81)]),
      ...(attribute === "" ? [] : [octets(attribute, 0x82)]),
      octets(this.#value(value), 0x83),
      ...(dn === undefined ? [] : [boolean(true, 0x84)]),
    );
  }

  /** The bytes that an assertion value stands for. RFC 4515 §3 `valueencoding`. */
  #value(text: string): Buffer {
    const pieces = text.split(/\\([0-9a-fA-F]{2})/);
    return Buffer.concat(
      pieces.map((piece, index) => {
        if (index % 2 === 1) return Buffer.from(piece, "hex");
        if (/[\\(]/.test(piece)) throw this.#fault(`${JSON.stringify(text)} is not escaped`);
        return Buffer.from(piece);
      }),
    );
  }

  #skipBlanks(): void {
    while (/\s/.test(this.#text[this.#at] ?? "")) this.#at += 1;
  }

  #expect(character: string): void {
    if (this.#text[this.#at] !== character) throw this.#fault(`a ${JSON.stringify(character)} is missing`);
    this.#at += 1;
  }

  #fault(reason: string): FilterError {
    return new FilterError(`bad LDAP filter ${JSON.stringify(this.#text)}: ${reason}`);
  }
}

/** A name or an OID, with options. Underscores are against RFC 4512 §2.5, and some directories have them. */
const attributePattern = /^[A-Za-z0-9][A-Za-z0-9._-]*(?:;[A-Za-z0-9-]+)*$/;
