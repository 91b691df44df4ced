import { readFile } from "node:fs/promises";
import { CommandError, type Terminal } from "./terminal.ts";

/** The file's bytes. @throws {CommandError} In Dex's words. */
export async function readConfigFile(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new CommandError(`failed to read config file ${path}: ${reason(path, error)}`, { cause: error });
  }
}

/** As {@link readConfigFile}, and `-` is standard input. */
export const readConfigOrStdin = (path: string, terminal: Terminal): Promise<Uint8Array> =>
  path === "-" ? terminal.readStdin() : readConfigFile(path);

const reasons: ReadonlyMap<unknown, (path: string) => string> = new Map([
  ["ENOENT", (path: string) => `open ${path}: no such file or directory`],
  ["ENOTDIR", (path: string) => `open ${path}: not a directory`],
  ["EACCES", (path: string) => `open ${path}: permission denied`],
  ["EISDIR", (path: string) => `read ${path}: is a directory`],
]);

function reason(path: string, error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return reasons.get(code)?.(path) ?? (error instanceof Error ? error.message : String(error));
}
