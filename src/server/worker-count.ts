import { availableParallelism } from "node:os";
import type { Config } from "../config/config.ts";

/** What one thread may need under load. Bytes. */
const memoryOfOne = 128 * 1024 * 1024;
/** More are a matter of asking: a large machine is seldom there for its identity service alone. */
const mostUnasked = 8;

/**
 * How many threads serve people and clients: as many as `web.workers` says. Where it says nothing, one for every two
 * cores, because signatures and passwords, which threads of their own compute, fill the others; at most one for each
 * 128 MiB that the container may use; but one for a store that one process writes alone, where more of them
 * would wait for each other.
 */
export function workerCount({ web, storage }: Config): number {
  if (web.workers !== undefined) return web.workers;
  if (storage.type === "memory" || storage.type === "sqlite3") return 1;
  const allowed = process.constrainedMemory();
  // Where no limit is set the system names none, or more than any machine has.
  const byMemory = allowed > 0 ? Math.floor(allowed / memoryOfOne) : mostUnasked;
  return Math.max(1, Math.min(Math.ceil(availableParallelism() / 2), mostUnasked, byMemory));
}
