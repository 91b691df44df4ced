import type { Fields } from "../kernel/ports.ts";

/** A place in the configuration file, counted from 1. Line 0: not in the file at all (a flag, the environment). */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export const nowhere: Position = { line: 0, column: 0 };

/** Something an operator should know about one key. */
export interface Note extends Position {
  /** The key is not in the file: the place is that of what would hold it. */
  readonly isAbsent?: true;
  /** The key's path as one would say it: `staticClients[0].redirectURIs`. Empty for the file as a whole. */
  readonly path: string;
  /** What is wrong. Holds Dex's own text where Dex has one, because scripts look for it. Never quotes a secret. */
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
  /** The name that was probably meant. */
  readonly didYouMean?: string;
  /** What the log line of it carries besides place and path. */
  readonly fields?: Fields;
}

/**
 * How Dex frames the text: `parse` and `decode` behind a prefix with the file's name, `check` in one list
 * under "invalid Config:", `setup` bare.
 */
export type Stage = "parse" | "decode" | "check" | "setup";

/** Why the configuration is refused. */
export interface Mistake extends Note {
  readonly stage: Stage;
}

type More = Pick<Note, "hint" | "didYouMean" | "fields">;

/** A place, and whether it is the key's own. */
export type Place = Pick<Note, "line" | "column" | "isAbsent">;

/** Where a key path stands in the file. */
export type Locate = (path: string) => Place;

/** Collects everything there is to say about one configuration, so that it can be said at once. */
export class Findings {
  readonly #locate: Locate;
  readonly #mistakes: Mistake[] = [];
  readonly #mistyped: string[] = [];
  readonly #warnings: Note[] = [];

  constructor(locate: Locate) {
    this.#locate = locate;
  }

  /** Refuses the configuration, unless the value at `path` was refused for its type before: that said enough. */
  refuse(stage: Stage, path: string, message: string, more: More = {}): void {
    if (this.#mistyped.some((ancestor) => isWithin(path, ancestor))) return;
    this.#mistakes.push({ ...this.#locate(path), path, message, stage, ...more });
  }

  /** Refuses a value for its JSON type. It is then treated as absent, and nothing more is said of it. */
  mistype(path: string, message: string, more: More = {}): void {
    this.refuse("decode", path, message, more);
    this.#mistyped.push(path);
  }

  warn(path: string, message: string, more: More = {}): void {
    this.#warnings.push({ ...this.#locate(path), path, message, ...more });
  }

  get mistakes(): readonly Mistake[] {
    return this.#mistakes;
  }

  get warnings(): readonly Note[] {
    return this.#warnings;
  }
}

const isWithin = (path: string, ancestor: string): boolean =>
  path === ancestor || path.startsWith(`${ancestor}.`) || path.startsWith(`${ancestor}[`);
