import { type Config, loadConfig } from "../config/config.ts";
import { levels } from "../kernel/log-level.ts";
import { createLogger } from "../kernel/logger.ts";
import { systemClock, systemRandom } from "../kernel/system.ts";
import { readConfigFile } from "./read-config.ts";
import { refusal } from "./report.ts";
import { CommandError, failure, type Terminal } from "./terminal.ts";

/** `dex storage check CONFIG`, `dex storage copy --from CONFIG --to CONFIG`. @throws {CommandError} Misuse. */
export async function storage(
  [verb = "", path = ""]: readonly string[],
  { from = "", to = "" }: Readonly<Record<string, string>>,
  terminal: Terminal,
): Promise<number> {
  if (verb === "check" && path !== "") return check(path, terminal);
  if (verb === "copy" && from !== "" && to !== "") return copy(from, to, terminal);
  throw new CommandError("usage: dex storage check CONFIG\n       dex storage copy --from CONFIG --to CONFIG");
}

async function check(path: string, terminal: Terminal): Promise<number> {
  const { checkStorage } = await import("../server/storage-tools.ts");
  const config = await configOf(path, terminal);
  const { schema, pending, counts } = await checkStorage(config, depsOf(terminal));
  terminal.out(`storage  ${config.storage.type}\n`);
  if (schema !== "") terminal.out(`schema   ${schema}\n`);
  terminal.out("\nrecords\n");
  for (const [kind, count] of Object.entries(counts)) terminal.out(`${String(count).padStart(9)}  ${kind}\n`);
  if (pending.length === 0) terminal.out("\nnothing to migrate\n");
  else terminal.out(`\nserving would migrate it first\n${pending.map((line) => `  ${line}\n`).join("")}`);
  return 0;
}

async function copy(from: string, to: string, terminal: Terminal): Promise<number> {
  const { copyStorages } = await import("../server/storage-tools.ts");
  const [source, target] = [await configOf(from, terminal), await configOf(to, terminal)];
  const results = await copyStorages(source, target, depsOf(terminal), (kind, done, total) => {
    // A line that is drawn over and over, no oftener than a person sees.
    if (done === total || done % 100 === 0) terminal.err(`\r${bar(done, total)} ${kind.padEnd(18)}`);
    if (done === total) terminal.err("\n");
  });
  terminal.out("   copied     there   differs\n");
  for (const { kind, copied, same, different } of results)
    terminal.out(`${[copied, same, different].map((count) => String(count).padStart(9)).join(" ")}  ${kind}\n`);
  const different = results.reduce((sum, result) => sum + result.different, 0);
  if (different === 0) return 0;
  terminal.err(`${different} records in the target differ from the source and were left as they are\n`);
  return failure;
}

const barWidth = 24;

function bar(done: number, total: number): string {
  const filled = Math.round((done / total) * barWidth);
  return `[${"#".repeat(filled)}${".".repeat(barWidth - filled)}] ${done}/${total}`;
}

/** @throws {CommandError} The file is wrong. */
async function configOf(path: string, terminal: Terminal): Promise<Config> {
  const loaded = await loadConfig(await readConfigFile(path), { env: terminal.env });
  if (!loaded.ok) throw new CommandError(refusal(path, loaded.mistakes));
  return loaded.config;
}

const depsOf = (terminal: Terminal) => ({
  clock: systemClock,
  random: systemRandom,
  logger: createLogger({
    level: levels.warn,
    format: "text",
    excludeFields: [],
    write: (line) => terminal.err(line),
    clock: systemClock,
  }),
});
