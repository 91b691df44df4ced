/**
 * The load loop: keeps virtual clients busy and counts what they finish.
 *
 * Closed loop: each virtual client starts its next operation when its last one ended, so a slow server gets
 * less load and its latency is never hidden behind a queue of ours. The window opens and closes while the
 * clients run on: an operation counts when it *ends* inside the window, which needs no correction at the edges.
 */
import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { percentile } from "./numbers.ts";
import { machineCpuMs } from "./process-usage.ts";

/** Virtual clients that do the same thing. Each member is one of them; it throws when its operation failed. */
export interface Crew {
  readonly name: string;
  readonly members: readonly (() => Promise<void>)[];
}

/** How long to measure: by time, or until the crews together have finished so many operations. */
export type Window = { readonly warmUpMs: number; readonly measureMs: number } | { readonly operations: number };

export interface CrewResult {
  readonly operations: number;
  readonly perSecond: number;
  /** Milliseconds. NaN when nothing was finished. */
  readonly p50: number;
  readonly p99: number;
  readonly failures: number;
  /** The first few, in words. */
  readonly failed: readonly string[];
}

export interface LoadResult {
  readonly seconds: number;
  readonly crews: Readonly<Record<string, CrewResult>>;
  /** Processor milliseconds that this process used in the window. */
  readonly driverCpuMs: number;
  /** What `serverCpuMs()` grew by in the window. */
  readonly serverCpuMs: number;
  /** The same of the server's database, where it is a program of its own. */
  readonly databaseCpuMs: number;
  /** Share of the machine that neither server, database nor generator used: other people's work, 0 to 1. */
  readonly disturbance: number;
}

/** A client gives up after so many failures in a row: its credential is lost, or the server is. */
const givesUpAfter = 3;
const keptFailures = 5;

interface Watch {
  isMeasuring: boolean;
  isOver: boolean;
  operationsLeft: number;
}

class Tally {
  readonly latencies: number[] = [];
  readonly failed: string[] = [];
  failures = 0;

  fail(cause: unknown): void {
    this.failures++;
    if (this.failed.length < keptFailures) this.failed.push(cause instanceof Error ? cause.message : String(cause));
  }

  result(seconds: number): CrewResult {
    const sorted = this.latencies.sort((a, b) => a - b);
    const { failures, failed } = this;
    return {
      operations: sorted.length,
      perSecond: sorted.length / seconds,
      p50: percentile(sorted, 0.5),
      p99: percentile(sorted, 0.99),
      failures,
      failed,
    };
  }
}

/** Read the processor milliseconds that a process has used so far. */
export interface Meters {
  server(): number;
  database(): number;
}

/** Runs all crews at once over one window. */
export async function drive(crews: readonly Crew[], window: Window, meters: Meters): Promise<LoadResult> {
  const watch: Watch = {
    isMeasuring: false,
    isOver: false,
    operationsLeft: "operations" in window ? window.operations : Number.POSITIVE_INFINITY,
  };
  const tallies = crews.map(() => new Tally());
  const work = (): Promise<unknown> =>
    Promise.all(
      crews.flatMap((crew, index) =>
        crew.members.map((member) => keepBusy(member, tallies[index] ?? new Tally(), watch)),
      ),
    );

  let clients: Promise<unknown> | undefined;
  if ("warmUpMs" in window) {
    clients = work();
    await sleep(window.warmUpMs);
  }
  const before = readMeters(meters);
  watch.isMeasuring = true;
  if ("operations" in window) await work();
  else await sleep(window.measureMs);
  watch.isMeasuring = false;
  const after = readMeters(meters);
  watch.isOver = true;
  await clients;
  const seconds = (after.time - before.time) / 1_000;
  const [driver, server, database] = [
    after.driver - before.driver,
    after.server - before.server,
    after.database - before.database,
  ];
  const others = after.machine - before.machine - driver - server - database;
  return {
    seconds,
    crews: Object.fromEntries(crews.map((crew, index) => [crew.name, (tallies[index] ?? new Tally()).result(seconds)])),
    driverCpuMs: driver,
    serverCpuMs: server,
    databaseCpuMs: database,
    disturbance: Math.max(0, others / (seconds * 1_000 * availableParallelism())),
  };
}

function readMeters({ server, database }: Meters) {
  const { user, system } = process.cpuUsage();
  return {
    time: performance.now(),
    server: server(),
    database: database(),
    driver: (user + system) / 1_000,
    machine: machineCpuMs(),
  };
}

async function keepBusy(operation: () => Promise<void>, tally: Tally, watch: Watch): Promise<void> {
  let failuresInARow = 0;
  while (!watch.isOver && watch.operationsLeft-- > 0) {
    const startedAt = performance.now();
    try {
      await operation();
      if (watch.isMeasuring) tally.latencies.push(performance.now() - startedAt);
      failuresInARow = 0;
    } catch (error) {
      tally.fail(error);
      if (++failuresInARow === givesUpAfter) return;
    }
  }
}
