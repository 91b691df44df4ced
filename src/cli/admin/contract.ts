/**
 * `dex admin`: everything that the gRPC API does, from a terminal or a script. One table of commands; parsing, help
 * and printing are made from it. Secrets come from standard input or from a variable, never from the arguments, which
 * every user of the machine can read.
 */
import type { AdminClient } from "../../server/admin-client.ts";
import type { Terminal } from "../terminal.ts";

export interface AdminFlag {
  /** `switch` takes no value; `list` may be repeated. */
  readonly kind: "text" | "list" | "switch";
  readonly summary: string;
}

/** What a command was given. */
export interface Given {
  readonly args: readonly string[];
  /** The text of a flag; empty where it was not given. */
  text(flag: string): string;
  list(flag: string): readonly string[];
  has(flag: string): boolean;
  readonly terminal: Terminal;
}

/** What a command shows. `answer` is the API's own, printed by `--json`. */
export interface Shown {
  readonly answer: object;
  /** A table: column names and rows. */
  readonly table?: { readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] };
  /** Or lines of "name: value". */
  readonly facts?: Readonly<Record<string, string>>;
  /** Or one sentence. */
  readonly said?: string;
  /** Other than success. */
  readonly code?: number;
}

export interface AdminCommand {
  /** "client create". */
  readonly words: string;
  readonly summary: string;
  /** Names of its arguments, all needed. */
  readonly args: readonly string[];
  readonly flags: Readonly<Record<string, AdminFlag>>;
  run(client: AdminClient, given: Given): Promise<Shown>;
}

/** Exit codes beside 0 and the 2 of every other failure. */
export const exitCodes = { notVerified: 1, notFound: 3, alreadyExists: 4, unreachable: 5 } as const;

export const notFound = (answer: object, what: string): Shown => ({
  answer,
  said: `${what} not found`,
  code: exitCodes.notFound,
});

/** `said`, unless the answer has `not_found` set. */
export const unlessMissing = (answer: { readonly not_found: boolean }, what: string, said: string): Shown =>
  answer.not_found ? notFound(answer, what) : { answer, said };
