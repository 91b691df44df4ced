import { parseArgs } from "node:util";

export const usage = `Usage: node bench/main.ts [options]

Measures this server beside others, interleaved in one run, and prints one table per workload.

  --quick              a minute or two: short windows, one round, small counts
  --only NAMES         workloads, comma-separated (see --list)
  --systems NAMES      systems, comma-separated (see --list)
  --clients N          virtual clients                             (16)
  --seconds S          length of one measurement                   (4)
  --rounds N           measurements per system; medians are shown  (3)
  --hits N             anonymous requests of "unauthenticated"     (100000)
  --flows N            logins of "soak"                            (100000)
  --minutes N          length of "endurance"                       (30)
  --deadline S         a request without an answer for so long has failed (10)
  --directory PATH     where servers keep their files; its disk is part of the result (the system's temporary folder)
  --list               name workloads and systems
  --help

DEX_BIN names a Dex binary to compare with, OPENBAO_BIN an OpenBao that signs, KUBE_APISERVER_BIN an API server to keep records in. Exit status 1 means that a request failed; slowness never does.`;

export interface Options {
  readonly isQuick: boolean;
  readonly only: readonly string[] | undefined;
  readonly systems: readonly string[] | undefined;
  readonly clients: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
  readonly rounds: number;
  readonly hits: number;
  readonly flows: number;
  readonly minutes: number;
  readonly starts: number;
  readonly deadlineMs: number;
  readonly directory: string | undefined;
  readonly ask: "run" | "list" | "help";
}

/** The command line, or what is wrong with it. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** @throws {UsageError} */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parsed(args);
  const isQuick = values.quick ?? false;
  const usual = isQuick
    ? { seconds: 1, rounds: 1, hits: 2_000, flows: 1_000, starts: 2 }
    : { seconds: 4, rounds: 3, hits: 100_000, flows: 100_000, starts: 5 };
  const seconds = positive("seconds", values.seconds) ?? usual.seconds;
  return {
    isQuick,
    only: names(values.only),
    systems: names(values.systems),
    clients: whole("clients", values.clients, 32) ?? 16,
    // Doubled in the first round, when just-in-time compilers have most to do.
    warmUpMs: isQuick ? 500 : 1_000,
    measureMs: seconds * 1_000,
    rounds: whole("rounds", values.rounds, 100) ?? usual.rounds,
    hits: whole("hits", values.hits, 10_000_000) ?? usual.hits,
    flows: whole("flows", values.flows, 10_000_000) ?? usual.flows,
    minutes: positive("minutes", values.minutes) ?? 30,
    starts: usual.starts,
    deadlineMs: (positive("deadline", values.deadline) ?? 10) * 1_000,
    directory: values.directory,
    ask: values.help === true ? "help" : values.list === true ? "list" : "run",
  };
}

function parsed(args: readonly string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const options = {
    quick: flag,
    list: flag,
    help: flag,
    only: text,
    systems: text,
    clients: text,
    seconds: text,
    rounds: text,
    hits: text,
    flows: text,
    minutes: text,
    deadline: text,
    directory: text,
  };
  try {
    return parseArgs({ args: [...args], options, strict: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : "bad arguments", { cause: error });
  }
}

const names = (list: string | undefined): readonly string[] | undefined =>
  list
    ?.split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");

function positive(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!(value > 0 && value <= 86_400)) throw new UsageError(`--${name} must be a positive number`);
  return value;
}

function whole(name: string, text: string | undefined, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > most)
    throw new UsageError(`--${name} must be a whole number from 1 to ${most}`);
  return value;
}
