/**
 * Where each hole of a template stands. A scanner of the few HTML states our own templates use; whatever it
 * does not know it refuses, so a careless template fails in its first test and not in somebody's browser.
 */

/** `text` between tags; `attribute`, `url` and `image` inside quotes; `tag` among the attributes. */
export type Slot = "text" | "attribute" | "url" | "image" | "tag";

const urlAttributes = new Set(["href", "action", "formaction", "cite", "data", "poster", "ping", "xlink:href"]);
// Handlers run script, style and srcdoc parse a second language, srcset holds several URLs: no escaping holds there.
const refusedAttribute = /^(?:on.*|style|srcdoc|srcset|http-equiv)$/;
const attributeName = /^[a-z][a-z0-9:-]*$/;
// Their content is not HTML text. An external script has none; title and textarea take escaped text.
const rawElement = /^(?:script|style|xmp|iframe|noembed|noframes|noscript|plaintext|template)$/;
const space = /[\t\n\f\r ]/;

/** The slot inside the quotes of attribute `name`. @throws {TypeError} No value is safe there. */
export function slotOfAttribute(name: string): Slot {
  if (!attributeName.test(name) || refusedAttribute.test(name)) {
    throw new TypeError(`no value may be put into the attribute ${JSON.stringify(name)}`);
  }
  if (name === "src") return "image";
  return urlAttributes.has(name) ? "url" : "attribute";
}

type State =
  | "text"
  | "raw"
  | "open"
  | "declaration"
  | "closing"
  | "tagName"
  | "inTag"
  | "attributeName"
  | "beforeValue"
  | "quoted";

interface Scanner {
  state: State;
  tag: string;
  attribute: string;
  quote: string;
  /** What stands in the quotes so far. */
  value: string;
}

function refuse(why: string): never {
  throw new TypeError(`unsafe template: ${why}`);
}

function stepOpen(s: Scanner, char: string): void {
  if (char === "!") s.state = "declaration";
  else if (char === "/") s.state = "closing";
  else if (/[a-z]/.test(char)) {
    s.tag = char;
    s.state = "tagName";
  } else refuse("a bare < or an upper-case tag");
}

function stepInTag(s: Scanner, char: string): void {
  if (char === ">") s.state = rawElement.test(s.tag) ? "raw" : "text";
  else if (!space.test(char) && char !== "/") {
    s.attribute = char;
    s.state = "attributeName";
  }
}

function stepAttributeName(s: Scanner, char: string): void {
  if (char === "=") s.state = "beforeValue";
  else if (char === ">" || char === "/" || space.test(char)) {
    s.state = "inTag";
    stepInTag(s, char);
  } else s.attribute += char;
}

function step(s: Scanner, char: string): void {
  switch (s.state) {
    case "text":
      if (char === "<") s.state = "open";
      return;
    case "raw":
      if (char !== "<") refuse(`<${s.tag}> with content`);
      s.state = "open";
      return;
    case "open":
      stepOpen(s, char);
      return;
    case "declaration":
    case "closing":
      if (char === ">") s.state = "text";
      return;
    case "tagName":
      if (char !== ">" && char !== "/" && !space.test(char)) s.tag += char;
      else {
        s.state = "inTag";
        stepInTag(s, char);
      }
      return;
    case "inTag":
      stepInTag(s, char);
      return;
    case "attributeName":
      stepAttributeName(s, char);
      return;
    case "beforeValue":
      if (char !== '"' && char !== "'") refuse("an unquoted attribute");
      s.quote = char;
      s.value = "";
      s.state = "quoted";
      return;
    case "quoted":
      if (char === s.quote) s.state = "inTag";
      else s.value += char;
      return;
    default:
      s.state satisfies never;
  }
}

function slotHere(s: Scanner, next: string): Slot {
  if (s.state === "text") return "text";
  if (s.state === "inTag") return "tag";
  if (s.state !== "quoted") return refuse(`a hole in ${s.state}`);
  const slot = slotOfAttribute(s.attribute);
  if (slot === "attribute") return slot;
  // A scheme split between template and value would escape the checker, so a URL is one hole and nothing else.
  if (s.value !== "" || !next.startsWith(s.quote)) refuse(`part of a URL in ${s.attribute}`);
  return s.tag === "script" || s.tag === "iframe" ? "url" : slot;
}

/** One slot for each hole between `parts`. @throws {TypeError} A hole, or the template's end, is in an unsafe place. */
export function slotsOf(parts: readonly string[]): readonly Slot[] {
  const s: Scanner = { state: "text", tag: "", attribute: "", quote: "", value: "" };
  const slots: Slot[] = [];
  for (const [i, part] of parts.entries()) {
    if (part.includes("<!--")) refuse("a comment");
    for (const char of part) step(s, char);
    const next = parts[i + 1];
    if (next !== undefined) slots.push(slotHere(s, next));
  }
  if (s.state !== "text") refuse(`it ends in ${s.state}`);
  return slots;
}
