import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { verifyChain } from "../kernel/audit-chain.ts";
import { CommandError, failure, type Terminal } from "./terminal.ts";

/** `dex audit verify FILE`: exit code 0 for a chain without a break. */
export async function audit([verb = "", path = ""]: readonly string[], terminal: Terminal): Promise<number> {
  if (verb !== "verify") throw new CommandError(`there is no "audit ${verb}"; try: dex audit verify FILE`);
  const input = createReadStream(path);
  const { lines, first, last, broken } = await verifyChain(createInterface({ input, crlfDelay: 0 })).catch(
    (error: unknown) => {
      throw new CommandError(`cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`);
    },
  );
  if (broken !== undefined) {
    terminal.err(`${path}:${broken.line}: the chain is broken: ${broken.why}\n`);
    return failure;
  }
  if (first === undefined) {
    terminal.out(`${path}: no events\n`);
    return 0;
  }
  const beginning = first.seq === 1 ? "from the first" : `from event ${first.seq} on; what came before is not here`;
  terminal.out(`${path}: ${lines} events, unchanged, ${beginning}\nlast: event ${last.seq}, ${last.hash}\n`);
  return 0;
}
