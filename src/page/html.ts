/**
 * The page room turns typed props into HTML: login, password, consent, device, logout, error and
 * forwarding pages, with their themes and static files. It owns what a person sees and reads, and
 * decides nothing: no storage, no protocol, no HTTP.
 *
 * This file is the only place where a string becomes markup. A value is escaped unless it already is
 * {@link Html}; `html-slots.ts` works out where each hole stands, so that no value lands where escaping
 * cannot hold it (unquoted attributes, handlers, styles, scripts); URL attributes pass `safe-url.ts`.
 */
import { type Slot, slotOfAttribute, slotsOf } from "./html-slots.ts";
import { safeImageUrl, safeUrl } from "./safe-url.ts";

let trust: (text: string) => Html;

/** Markup that is complete and safe to nest. Only {@link html} makes it. */
export class Html {
  readonly #text: string;

  private constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }

  static {
    trust = (text) => new Html(text);
  }
}

let trustAttributes: (text: string) => Attributes;

/** A run of attributes for a hole inside a tag. Only {@link attributes} makes it. */
export class Attributes {
  readonly #text: string;

  private constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }

  static {
    trustAttributes = (text) => new Attributes(text);
  }
}

/** What may stand between tags. `undefined` and `false` render nothing. */
export type Child = string | number | Html | false | undefined | readonly Child[];

/** What may stand in any hole; a run of attributes only inside a tag. */
export type HoleValue = Child | Attributes;

const special = /[&<>"']/;
const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&#34;",
  "'": "&#39;",
};

/** `text` for element content and for attributes in either kind of quote. HTML §13.1.2.3, §13.3. */
export function escapeHtml(text: string): string {
  return special.test(text) ? text.replace(/[&<>"']/g, (char) => entities[char] ?? "") : text;
}

function childText(value: HoleValue): string {
  if (typeof value === "string") return escapeHtml(value);
  if (value instanceof Html) return value.toString();
  if (value === undefined || value === false) return "";
  if (typeof value === "number") return String(value);
  if (value instanceof Attributes) throw new TypeError("attributes stand between tags");
  let out = "";
  for (const child of value) out += childText(child);
  return out;
}

/** The plain string of an attribute. Markup is refused: it may hold the quote that ends the attribute. */
function plainText(value: HoleValue): string {
  if (typeof value === "string") return value;
  if (value === undefined || value === false) return "";
  if (typeof value === "number") return String(value);
  throw new TypeError("an attribute takes a string or a number");
}

function slotText(slot: Slot, value: HoleValue): string {
  switch (slot) {
    case "text":
      return childText(value);
    case "attribute":
      return escapeHtml(plainText(value));
    case "url":
      return escapeHtml(safeUrl(plainText(value)));
    case "image":
      return escapeHtml(safeImageUrl(plainText(value)));
    case "tag":
      if (value === undefined || value === false) return "";
      if (value instanceof Attributes) return value.toString();
      throw new TypeError("a hole inside a tag takes attributes()");
    default:
      return slot satisfies never;
  }
}

const knownSlots = new WeakMap<TemplateStringsArray, readonly Slot[]>();

function slotsOfTemplate(parts: TemplateStringsArray): readonly Slot[] {
  const slots = slotsOf(parts);
  knownSlots.set(parts, slots);
  return slots;
}

/**
 * Markup from a template. A template whose holes stand in an unsafe place, or which ends inside a tag,
 * throws at its first use. Templates are read once; after that a page is one string concatenation.
 */
export function html(parts: TemplateStringsArray, ...values: readonly HoleValue[]): Html {
  const slots = knownSlots.get(parts) ?? slotsOfTemplate(parts);
  let out = parts[0] ?? "";
  for (let i = 0; i < slots.length; i++) {
    out += slotText(slots[i] ?? "text", values[i]) + (parts[i + 1] ?? "");
  }
  return trust(out);
}

/** Attributes that come and go: `true` writes the bare name, `false` and `undefined` nothing. */
export function attributes(wanted: Readonly<Record<string, string | number | boolean | undefined>>): Attributes {
  let out = "";
  for (const [name, value] of Object.entries(wanted)) {
    const slot = slotOfAttribute(name);
    if (value === undefined || value === false) continue;
    out += value === true ? ` ${name}` : ` ${name}="${slotText(slot, value)}"`;
  }
  return trustAttributes(out);
}
