/**
 * Whether two distinguished names are one: case, blanks around separators, the way a character is escaped and the
 * order within a multi-valued part make no difference. RFC 4514, RFC 4518 §2.6.1. What is no name is compared as text.
 */
export const sameDn = (a: string, b: string): boolean => a === b || normalDn(a) === normalDn(b);

/** One spelling for all spellings of a name. For comparing, never for sending. */
export function normalDn(text: string): string {
  const rdns = partsOf(text);
  return rdns === undefined ? `?${text}` : JSON.stringify(rdns);
}

const special = /^ *([A-Za-z0-9][A-Za-z0-9.;-]*) *= */;

/** The parts from left to right, each a sorted list of attribute and value; undefined where it is no name. */
function partsOf(text: string): readonly (readonly string[])[] | undefined {
  const rdns: string[][] = [];
  let rdn: string[] = [];
  let rest = text;
  if (rest.trim() === "") return [];
  for (;;) {
    const name = special.exec(rest);
    if (name?.[1] === undefined) return undefined;
    const value = valueAt(rest.slice(name[0].length));
    if (value === undefined) return undefined;
    rdn.push(`${name[1].toLowerCase().replace(/^oid\./, "")}=${value.text}`);
    rest = value.rest;
    if (rest[0] !== "+") {
      rdns.push(rdn.sort());
      rdn = [];
    }
    if (rest === "") return rdns;
    rest = rest.slice(1);
  }
}

/** The value at the beginning, unescaped and folded, and what follows from its separator on. */
function valueAt(text: string): { readonly text: string; readonly rest: string } | undefined {
  const bytes: Buffer[] = [];
  let at = 0;
  // How much of it must stay: escaped blanks are part of the value.
  let kept = 0;
  const add = (piece: Buffer): void => {
    bytes.push(piece);
  };
  while (at < text.length && !/[,;+]/.test(text[at] ?? "")) {
    const hex = /^\\([0-9a-fA-F]{2})/.exec(text.slice(at, at + 3));
    if (hex?.[1] !== undefined) {
      add(Buffer.from(hex[1], "hex"));
      at += 3;
      kept = bytes.length;
    } else if (text[at] === "\\") {
      const character = String.fromCodePoint(text.codePointAt(at + 1) ?? 0);
      if (at + 1 >= text.length) return undefined;
      add(Buffer.from(character));
      at += 1 + character.length;
      kept = bytes.length;
    } else {
      const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
      add(Buffer.from(character));
      at += character.length;
      if (character !== " ") kept = bytes.length;
    }
  }
  const value = Buffer.concat(bytes.slice(0, kept)).toString("utf8");
  return { text: value.toLowerCase().replace(/ +/g, " ").trim(), rest: text.slice(at) };
}
