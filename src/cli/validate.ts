import { loadConfig } from "../config/config.ts";
import { readConfigOrStdin } from "./read-config.ts";
import { findingLine, inFileOrder } from "./report.ts";
import { failure, type Terminal } from "./terminal.ts";

/** Says everything there is to say about the file, on standard error, and `ok` if it can be served. Opens nothing. */
export async function validate(path: string, terminal: Terminal): Promise<number> {
  const loaded = await loadConfig(await readConfigOrStdin(path, terminal), { env: terminal.env });
  if (!loaded.ok) {
    for (const mistake of inFileOrder(loaded.mistakes)) terminal.err(`${findingLine(path, mistake)}\n`);
  }
  for (const warning of inFileOrder(loaded.warnings)) terminal.err(`${findingLine(path, warning, "warning")}\n`);
  if (!loaded.ok) return failure;
  terminal.out("ok\n");
  return 0;
}
