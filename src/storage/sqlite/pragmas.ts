import type { DatabaseSync } from "node:sqlite";

/** Whether another process holds what we need: SQLITE_BUSY or SQLITE_LOCKED, whichever of their reasons. */
export const isBusy = (error: unknown): boolean =>
  error instanceof Error &&
  "errcode" in error &&
  typeof error.errcode === "number" &&
  [5, 6].includes(error.errcode & 0xff);

/**
 * WAL lets readers go on while the writer works; FULL waits for the disk at every commit, so that what was
 * acknowledged survives a power cut. Another process may hold the file for five seconds.
 */
export function preparePragmas(database: DatabaseSync): void {
  database.exec("pragma busy_timeout = 5000");
  database.exec("pragma journal_mode = wal");
  database.exec("pragma synchronous = full");
}
