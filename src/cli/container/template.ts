/**
 * Reads the templates that container configurations are written in: the part of gomplate's language that they use.
 * Text with actions between `{{` and `}}`: a pipeline to print, `if`/`else if`/`else`/`end`, comments; `{{-` and `-}}`
 * eat the white space beside them. Whatever else a template says is refused with its line, never printed as it is.
 */
import { TemplateError } from "./template-error.ts";
import { lexAction, type Token } from "./template-tokens.ts";

/** A call of a function, or one value alone: `getenv "X" "default"`, `"text"`, `.Env.X`. */
export interface Command {
  readonly head: Operand;
  readonly args: readonly Operand[];
}
/** Each command gets what the one before it made as its last argument. */
export type Pipeline = readonly Command[];
export type Operand =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "truth"; readonly value: boolean }
  | { readonly kind: "variable"; readonly name: string }
  | { readonly kind: "function"; readonly name: string }
  | { readonly kind: "pipeline"; readonly pipeline: Pipeline };
export type Part =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "print"; readonly line: number; readonly pipeline: Pipeline }
  | { readonly kind: "if"; readonly branches: readonly Branch[] };
/** Without a test: what stands after `else`. */
export interface Branch {
  readonly line: number;
  readonly test?: Pipeline;
  readonly body: readonly Part[];
}

interface Open {
  readonly line: number;
  readonly branches: { line: number; test?: Pipeline; body: Part[] }[];
  hasElse: boolean;
}

/** @throws {TemplateError} It is not a template, or uses what we do not have. */
export function parseTemplate(source: string): readonly Part[] {
  const top: Part[] = [];
  const open: Open[] = [];
  const body = (): Part[] => open.at(-1)?.branches.at(-1)?.body ?? top;
  for (const piece of split(source)) {
    if (piece.kind === "text") {
      if (piece.text !== "") body().push(piece);
      continue;
    }
    const { line, tokens } = piece;
    const [first] = tokens;
    // A comment.
    if (first === undefined) continue;
    const word = first.kind === "word" ? first.text : "";
    if (word === "if")
      open.push({ line, branches: [{ line, test: pipelineOf(tokens.slice(1), line), body: [] }], hasElse: false });
    else if (word === "else") addBranch(open.at(-1), tokens.slice(1), line);
    else if (word === "end") close(open.pop(), body, tokens, line);
    else body().push({ kind: "print", line, pipeline: pipelineOf(tokens, line) });
  }
  const left = open.at(-1);
  if (left !== undefined) throw new TemplateError(left.line, "this `if` has no `end`");
  return top;
}

function addBranch(open: Open | undefined, tokens: readonly Token[], line: number): void {
  if (open === undefined || open.hasElse) throw new TemplateError(line, "`else` without an `if`");
  const [first] = tokens;
  if (first === undefined) {
    open.hasElse = true;
    open.branches.push({ line, body: [] });
  } else if (first.kind === "word" && first.text === "if") {
    open.branches.push({ line, test: pipelineOf(tokens.slice(1), line), body: [] });
  } else throw new TemplateError(line, "after `else` comes `if` or nothing");
}

function close(open: Open | undefined, body: () => Part[], tokens: readonly Token[], line: number): void {
  if (open === undefined) throw new TemplateError(line, "`end` without an `if`");
  if (tokens.length > 1) throw new TemplateError(line, "nothing comes after `end`");
  body().push({ kind: "if", branches: open.branches });
}

type Piece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "action"; readonly line: number; readonly tokens: readonly Token[] };

/** Text and actions in turn, the white space that the actions eat gone. */
function split(source: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  let eatsNext = false;
  let line = 1;
  while (at < source.length) {
    const start = source.indexOf("{{", at);
    const raw = source.slice(at, start < 0 ? source.length : start);
    const isTrimmed = start >= 0 && /^\{\{-\s/.test(source.slice(start, start + 4));
    let text = eatsNext ? raw.trimStart() : raw;
    if (isTrimmed) text = text.trimEnd();
    pieces.push({ kind: "text", text });
    line += raw.split("\n").length - 1;
    if (start < 0) break;
    const inside = start + (isTrimmed ? 3 : 2);
    const { tokens, end, eatsAfter } = lexAction(source, inside, line);
    pieces.push({ kind: "action", line, tokens });
    line += source.slice(start, end).split("\n").length - 1;
    at = end;
    eatsNext = eatsAfter;
  }
  return pieces;
}

/** A reader of `tokens` that must use them all. */
function pipelineOf(tokens: readonly Token[], line: number): Pipeline {
  const left = [...tokens];
  const pipeline = readPipeline(left, line, 0);
  if (left.length > 0) throw new TemplateError(line, "`)` without `(`");
  return pipeline;
}

/** Deeper than this nobody nests; without a limit the stack would decide. */
const maxDepth = 50;

function readPipeline(left: Token[], line: number, depth: number): Pipeline {
  if (depth > maxDepth) throw new TemplateError(line, "too many parentheses");
  const commands: Command[] = [];
  let operands: Operand[] = [];
  const finish = (): void => {
    const [head, ...args] = operands;
    if (head === undefined) throw new TemplateError(line, "a value is missing");
    if (head.kind !== "function" && (args.length > 0 || commands.length > 0))
      throw new TemplateError(line, "only a function takes arguments");
    commands.push({ head, args });
    operands = [];
  };
  for (let token = left.shift(); token !== undefined; token = left.shift()) {
    if (token.kind === "close") {
      left.unshift(token);
      break;
    }
    if (token.kind === "pipe") finish();
    else if (token.kind === "open") {
      operands.push({ kind: "pipeline", pipeline: readPipeline(left, line, depth + 1) });
      if (left.shift()?.kind !== "close") throw new TemplateError(line, "`(` without `)`");
    } else if ("text" in token) operands.push(operandOf(token, line));
  }
  finish();
  return commands;
}

function operandOf(token: Extract<Token, { text: string }>, line: number): Operand {
  if (token.kind === "text") return token;
  const { text } = token;
  if (text === "true" || text === "false") return { kind: "truth", value: text === "true" };
  // compat(gomplate): a number is printed as it was written.
  if (/^-?\d+(\.\d+)?$/.test(text)) return { kind: "text", text };
  const variable = /^\.Env\.([A-Za-z_][A-Za-z0-9_]*)$/.exec(text)?.[1];
  if (variable !== undefined) return { kind: "variable", name: variable };
  if (/^[A-Za-z][A-Za-z0-9]*(\.[A-Za-z][A-Za-z0-9]*)?$/.test(text)) return { kind: "function", name: text };
  throw new TemplateError(line, `\`${text}\` is not supported here`);
}
