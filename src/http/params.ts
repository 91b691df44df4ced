import { isUtf8 } from "node:buffer";
import type { Params } from "./contract.ts";
import { MalformedError } from "./contract.ts";

/** More than any form of ours has; a flood of names must not cost us a hash table per request. */
const mostParams = 200;

const none: readonly string[] = [];

class ParamTable implements Params {
  /** Insertion order is the order on the wire. */
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values;
  }

  get(name: string): string | undefined {
    return this.#values.get(name)?.[0];
  }

  all(name: string): readonly string[] {
    return this.#values.get(name) ?? none;
  }

  get repeated(): readonly string[] {
    const names: string[] = [];
    for (const [name, values] of this.#values) if (values.length > 1) names.push(name);
    return names;
  }

  get names(): readonly string[] {
    return [...this.#values.keys()];
  }
}

export const noParams: Params = new ParamTable(new Map());

/**
 * Parses `application/x-www-form-urlencoded` text, a query or a body. Stricter than a browser: a client whose
 * parameter is read differently by us and by a proxy in front of us is a client that can be attacked.
 * An empty piece (`a=1&&b=2`) is skipped and a piece without `=` has an empty value, as in Dex.
 *
 * @throws {MalformedError} A bad escape, bytes that are no UTF-8, a `;` (it once separated pairs, so proxies
 * disagree on it), a NUL (databases refuse it, which would make it a 500), or more than 200 parameters.
 */
export function parseParams(text: string): Params {
  if (text === "") return noParams;
  if (text.includes(";")) throw new MalformedError("parameters must not be separated by a semicolon");
  // Once for all: no other escape decodes to it, since overlong UTF-8 is refused.
  if (text.includes("\0") || text.includes("%00")) throw new MalformedError("parameters contain a NUL character");
  const values = new Map<string, string[]>();
  let count = 0;
  for (let start = 0; start <= text.length; ) {
    const ampersand = text.indexOf("&", start);
    const end = ampersand < 0 ? text.length : ampersand;
    if (end > start) {
      if (++count > mostParams) throw new MalformedError("too many parameters");
      addPair(values, text, start, end);
    }
    start = end + 1;
  }
  return new ParamTable(values);
}

function addPair(values: Map<string, string[]>, text: string, start: number, end: number): void {
  const equals = text.indexOf("=", start);
  const hasValue = equals >= 0 && equals < end;
  const name = decode(text.slice(start, hasValue ? equals : end));
  const value = hasValue ? decode(text.slice(equals + 1, end)) : "";
  const before = values.get(name);
  if (before === undefined) values.set(name, [value]);
  else before.push(value);
}

function decode(piece: string): string {
  const spaced = piece.includes("+") ? piece.replaceAll("+", " ") : piece;
  if (!spaced.includes("%")) return spaced;
  try {
    // Refuses what is no UTF-8: lone and overlong bytes, surrogates, a truncated escape.
    return decodeURIComponent(spaced);
  } catch (cause) {
    throw new MalformedError("parameters contain an invalid escape", { cause });
  }
}

/** @throws {MalformedError} As {@link parseParams}. */
export function parseForm(body: Buffer): Params {
  if (!isUtf8(body)) throw new MalformedError("the form is not UTF-8");
  return parseParams(body.toString("utf8"));
}

/**
 * Node hands over a request target one byte per character. Sloppy clients put raw UTF-8 into it.
 *
 * @throws {MalformedError} As {@link parseParams}.
 */
export function parseQuery(rawQuery: string): Params {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the question is whether it is ASCII.
  return /^[\x00-\x7f]*$/.test(rawQuery) ? parseParams(rawQuery) : parseForm(Buffer.from(rawQuery, "latin1"));
}
