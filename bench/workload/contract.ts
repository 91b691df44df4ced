/** A workload: what is done to every system under test, in turns, and what is told about it. */
import type { Options } from "../options.ts";
import type { System } from "../system/contract.ts";

/** What one system did. Numbers are NaN where there is nothing to say. */
export interface Row {
  readonly system: string;
  /** What was counted, where a workload counts two things at once. */
  readonly part?: string;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor milliseconds of the server per operation, all its threads. */
  readonly cpuMsPerOperation: number;
  /** Of the server, at the end. */
  readonly rssMiB: number;
  readonly failures: number;
  readonly failed: readonly string[];
  /** The most that others took of the machine in a round, 0 to 1. */
  readonly disturbance: number;
  /** Values of this workload alone, in the order in which they are shown. */
  readonly more: Readonly<Record<string, number | string>>;
  /** Every round's operations per second, so that a reader can judge the spread. */
  readonly rounds: readonly number[];
}

export interface Report {
  readonly workload: string;
  /** What one operation is, in one sentence. */
  readonly operation: string;
  readonly rows: readonly Row[];
  /** Systems that did not take part, and why. */
  readonly absent: Readonly<Record<string, string>>;
}

export interface Bench {
  readonly systems: readonly System[];
  readonly options: Options;
  /** A new empty directory, on the disk that the run is about. */
  newDirectory(): string;
  /** Tells the person who waits. */
  say(text: string): void;
}

export interface Workload {
  readonly name: string;
  readonly operation: string;
  run(bench: Bench): Promise<Report>;
}

/** Who takes part and who does not, by a reason to stay away. */
export function roll(
  systems: readonly System[],
  reasonToStayAway: (system: System) => string | undefined,
): { readonly able: readonly System[]; readonly absent: Readonly<Record<string, string>> } {
  const reasons = systems.map((system) => ({ system, reason: system.missing ?? reasonToStayAway(system) }));
  return {
    able: reasons.filter(({ reason }) => reason === undefined).map(({ system }) => system),
    absent: Object.fromEntries(
      reasons.flatMap(({ system, reason }) => (reason === undefined ? [] : [[system.name, reason]])),
    ),
  };
}

/** A row with nothing but a reason: the system could not be measured at all. */
export const failedRow = (system: string, cause: unknown): Row => ({
  system,
  perSecond: Number.NaN,
  p50Ms: Number.NaN,
  p99Ms: Number.NaN,
  cpuMsPerOperation: Number.NaN,
  rssMiB: Number.NaN,
  failures: 1,
  failed: [cause instanceof Error ? cause.message : String(cause)],
  disturbance: Number.NaN,
  more: {},
  rounds: [],
});
