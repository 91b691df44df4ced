import { createReadStream, existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { loadConfig } from "../config/config.ts";
import type { Decision } from "../kernel/ports.ts";
import { readLogLine } from "../kernel/read-log-line.ts";
import { renderTrail } from "../kernel/trail.ts";
import { readConfigFile } from "./read-config.ts";
import { CommandError, failure, type Terminal } from "./terminal.ts";

/** `dex explain TRACE FILE...`: the decisions under one trace id, from trail files and logs. */
export async function explain([trace, ...given]: readonly string[], terminal: Terminal): Promise<number> {
  if (trace === undefined || !/^[0-9a-f]{32}$/.test(trace))
    throw new CommandError("a trace id is 32 hexadecimal digits; the error page shows it, and so does X-Trace-Id");
  const decisions: Decision[] = [];
  let time = "";
  for (const source of await sourcesOf(given.length === 0 ? ["-"] : given, terminal)) {
    for await (const line of createInterface({ input: source })) {
      // Reading a whole line is slow, and most are somebody else's.
      const fields: ReturnType<typeof readLogLine> = line.includes(trace) ? readLogLine(line) : undefined;
      if (fields?.trace_id !== trace || fields.msg !== "decision") continue;
      const decision = decisionOf(fields);
      if (decision === undefined || decisions.some((known) => isSame(known, decision))) continue;
      decisions.push(decision);
      time ||= fields.time ?? "";
    }
  }
  if (decisions.length === 0) {
    terminal.err(`nothing is known of ${trace}: it is in another file, older than what is kept, or decided nothing\n`);
    return failure;
  }
  terminal.out(`trace ${trace}  ${time}\n${printable(renderTrail(decisions))}\n`);
  return 0;
}

/** A configuration stands for its `logger.trailFile` and the one before it. */
async function sourcesOf(files: readonly string[], terminal: Terminal): Promise<readonly Readable[]> {
  const paths = await Promise.all(
    files.map(async (file) => (/\.ya?ml$/i.test(file) ? trailFilesOf(file, terminal) : [file])),
  );
  return Promise.all(
    paths.flat().map(async (path) => {
      if (path === "-") return Readable.from([await terminal.readStdin()]);
      if (!existsSync(path)) throw new CommandError(`there is no file ${path}`);
      return createReadStream(path);
    }),
  );
}

async function trailFilesOf(file: string, { env }: Terminal): Promise<readonly string[]> {
  const loaded = await loadConfig(await readConfigFile(file), { env });
  if (!loaded.ok) throw new CommandError(`${file} cannot be read; try: dex validate ${file}`);
  const { trailFile } = loaded.config.logger;
  if (trailFile === undefined)
    throw new CommandError(`${file} keeps no trails: set logger.trailFile, or name a log instead`);
  return [`${trailFile}.1`, trailFile].filter((path) => existsSync(path));
}

const outcomes = ["pass", "fail", "skip", "chose"] as const;

function decisionOf({ check, outcome, because, spec }: Readonly<Record<string, string>>): Decision | undefined {
  const known = outcomes.find((each) => each === outcome);
  if (check === undefined || because === undefined || known === undefined) return undefined;
  return { check, outcome: known, because, ...(spec === undefined ? {} : { spec }) };
}

/** In the log and in the trail file. */
const isSame = (one: Decision, other: Decision): boolean =>
  one.check === other.check && one.outcome === other.outcome && one.because === other.because;

/** A reason may quote what a stranger sent; a terminal must not obey it. */
const printable = (text: string): string => text.replace(/[^\P{C}\n]|[\p{Zl}\p{Zp}]/gu, "\ufffd");
