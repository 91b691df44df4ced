import { availableParallelism, totalmem } from "node:os";
import type { Config } from "../config/config.ts";

/** What one thread may need under load. Bytes. */
const memoryOfOne = 128 * 1024 * 1024;

/** What a process may use. */
export interface Machine {
  /** As far as affinity and the CPU limit of the container go. */
  readonly cores: number;
  /** Bytes. */
  readonly memory: number;
}

/**
 * How many threads serve people and clients: as many as `web.workers` says. Where it says nothing, one for each core, as
 * far as there is memory, and a connection to the database for each where somebody limits them; but one for a store that
 * one process writes alone, where more of them would wait for each other.
 */
export function workerCount({ web, storage }: Config, machine: () => Machine = thisMachine): number {
  if (web.workers !== undefined) return web.workers;
  if (storage.type === "memory" || storage.type === "sqlite3") return 1;
  const { cores, memory } = machine();
  const most = "maxOpenConns" in storage.config ? storage.config.maxOpenConns : 0;
  const byConnections = most > 0 ? most : Number.POSITIVE_INFINITY;
  return Math.max(1, Math.min(cores, Math.floor(memory / memoryOfOne), byConnections));
}

function thisMachine(): Machine {
  const limit = process.constrainedMemory();
  // Where no limit is set the system names none, or more than any machine has; others run beside us then.
  const memory = limit > 0 && limit < totalmem() ? limit : process.availableMemory();
  return { cores: availableParallelism(), memory };
}
