import { TemplateError } from "./template-error.ts";

export type Token =
  | { readonly kind: "word"; readonly text: string }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "open" | "close" | "pipe" };

export interface Action {
  /** None: a comment. */
  readonly tokens: readonly Token[];
  /** Where the text goes on, after `}}`. */
  readonly end: number;
  /** It ended in `-}}`. */
  readonly eatsAfter: boolean;
}

const signs = { "(": "open", ")": "close", "|": "pipe" } as const;
/** One token or the end of the action, at the place where the expression is set. */
const next = /\s*(?:(-?)\}\}|([()|])|("(?:[^"\\\n]|\\.)*")|`([^`]*)`|([^\s()|"`{}]+))/y;
const comment = /\s*\/\*[\s\S]*?\*\/\s*(-?)\}\}/y;

/** Reads from behind `{{` to the end of the action, which a string may not end. @throws {TemplateError} It has no end. */
export function lexAction(source: string, from: number, line: number): Action {
  comment.lastIndex = from;
  const said = comment.exec(source);
  if (said !== null) return { tokens: [], end: comment.lastIndex, eatsAfter: said[1] === "-" };
  const tokens: Token[] = [];
  for (let at = from; ; ) {
    next.lastIndex = at;
    const found = next.exec(source);
    if (found === null) throw new TemplateError(line, "this action has no `}}`, or holds what is not supported");
    const [, dash, sign, quoted, raw, word] = found;
    at = next.lastIndex;
    if (dash !== undefined) {
      if (tokens.length === 0) throw new TemplateError(line, "an empty action");
      return { tokens, end: at, eatsAfter: dash === "-" };
    }
    if (sign !== undefined) tokens.push({ kind: signs[sign as keyof typeof signs] });
    else if (quoted !== undefined) tokens.push({ kind: "text", text: unquote(quoted, line) });
    else if (raw !== undefined) tokens.push({ kind: "text", text: raw });
    else if (word !== undefined) tokens.push({ kind: "word", text: word });
  }
}

/** Go's quoted strings, as far as JSON has the same escapes. */
function unquote(quoted: string, line: number): string {
  try {
    return String(JSON.parse(quoted));
  } catch (error) {
    throw new TemplateError(line, "a string with an escape that is not supported", { cause: error });
  }
}
