import { loadConfig } from "../config/config.ts";
import { printConfig as print } from "../config/print-config.ts";
import { readConfigOrStdin } from "./read-config.ts";
import { refusal } from "./report.ts";
import { CommandError, type Terminal } from "./terminal.ts";

/** The effective configuration on standard output. @throws {CommandError} There is none. */
export async function printConfig(path: string, terminal: Terminal): Promise<number> {
  const loaded = await loadConfig(await readConfigOrStdin(path, terminal), { env: terminal.env });
  if (!loaded.ok) throw new CommandError(refusal(path, loaded.mistakes));
  terminal.out(print(loaded.config));
  return 0;
}
