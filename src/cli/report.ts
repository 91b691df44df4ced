import type { Mistake, Note, Stage } from "../config/mistake.ts";

/** How findings about a configuration are put into words for a terminal. */

/** A line for people and editors: `config.yaml:3:5: web.http: message (did you mean "https"?)`. */
export function findingLine(file: string, note: Note, kind?: "warning"): string {
  const place = note.line === 0 ? file : `${file}:${note.line}:${note.column}`;
  return printable(
    [place, kind, note.path, note.message + advice(note)]
      .filter((part) => part !== undefined && part !== "")
      .join(": "),
  );
}

/** In the file's order. What belongs to no line comes first. */
export const inFileOrder = <N extends Note>(notes: readonly N[]): readonly N[] =>
  notes.toSorted((a, b) => a.line - b.line || a.column - b.column);

/**
 * Why `serve` refuses, in Dex's words, each on a line of its own because scripts look for them; below it
 * the place, where the file has one. One mistake stands as Dex prints it, several in Dex's list.
 */
export function refusal(file: string, mistakes: readonly Mistake[]): string {
  const [only] = mistakes;
  if (mistakes.length === 1 && only !== undefined && only.stage !== "check")
    return framed(file, only) + where(file, only, "\n\t");
  return `invalid Config:${mistakes.map((mistake) => `\n\t-\t${framed(file, mistake)}${where(file, mistake, "\n\t\t")}`).join("")}`;
}

const prefixes: Readonly<Record<Stage, (file: string) => string>> = {
  parse: (file) => `error parse config file ${file}: `,
  decode: (file) => `error unmarshalling config file ${file}: `,
  check: () => "",
  setup: () => "",
};

const framed = (file: string, { stage, message }: Mistake): string => printable(prefixes[stage](file) + message);

function where(file: string, note: Note, separator: string): string {
  const place =
    note.isAbsent === true || note.line === 0 || note.path === ""
      ? ""
      : `${file}:${note.line}:${note.column}: ${note.path}`;
  const told = printable(place + advice(note)).trimStart();
  return told === "" ? "" : separator + told;
}

function advice({ hint, didYouMean }: Note): string {
  const parts = [didYouMean === undefined ? undefined : `did you mean "${didYouMean}"?`, hint].filter(
    (part) => part !== undefined,
  );
  return parts.length === 0 ? "" : ` (${parts.join("; ")})`;
}

/** Keys and values of the file may hold escape sequences; a terminal must not obey them. */
const printable = (text: string): string =>
  text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
