/** What a command sees of the process it runs in, so that `main.ts` alone touches the real one. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Standard output. */
  out(text: string): void;
  /** Standard error. */
  err(text: string): void;
  readStdin(): Promise<Uint8Array>;
  /** Asks whoever sits there for one line, which `isHidden` keeps off the screen. Empty at the end of the input. */
  ask(question: string, isHidden?: boolean): Promise<string>;
}

/** A command failed for a reason that is the operator's to mend: said once on standard error, exit code 2. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}

/** compat(dex): everything that is not success. */
export const failure = 2;
