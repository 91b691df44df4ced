/**
 * Go's `strconv.Quote`: how Dex's logs and error texts show a string. What comes out is one line of
 * printable characters, so a value chosen by a stranger can neither end a log line nor drive a terminal.
 */

/** Letters, marks, numbers, punctuation, symbols and the plain space. Go's `unicode.IsPrint`. */
const unprintable = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u;
const special = /["\\]|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu;

const named: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\x07", "\\a"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\v", "\\v"],
]);

/** `text` in double quotes, with escapes for whatever is not printable. */
export function quoteGo(text: string): string {
  return `"${text.toWellFormed().replace(special, escapeGo)}"`;
}

function escapeGo(character: string): string {
  const known = named.get(character);
  if (known !== undefined) return known;
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, "0")}` : `\\U${code.toString(16).padStart(8, "0")}`;
}

/** Plain ASCII that a `key=value` line holds as it is: by far the most values. */
const plain = /^[!#-<>-~]+$/;

/** `text` as Go's `slog` puts it into a text line: bare where that is unambiguous, else quoted. */
export function quoteIfNeeded(text: string): string {
  if (plain.test(text)) return text;
  const isAmbiguous = text === "" || /[ ="\u{fffd}]/u.test(text) || unprintable.test(text);
  return isAmbiguous ? quoteGo(text) : text;
}
