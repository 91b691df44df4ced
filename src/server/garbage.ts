import { type Clock, type Logger, millis, type Observer } from "../kernel/ports.ts";
import type { Storage } from "../storage/contract.ts";

/** The first run comes soon after the start, so that a server that restarts often collects too. */
const firstAfter = millis(30_000);
/** compat(dex): every five minutes, on every replica. */
const interval = millis(5 * 60_000);
/** Records of one kind that one step of a run may delete. */
const batch = 500;

/** Deletes what expired, until `signal` aborts. A failing run is logged and tried again at the next. */
export async function collectGarbage(
  storage: Storage,
  clock: Clock,
  logger: Logger,
  observer: Observer,
  signal: AbortSignal,
): Promise<void> {
  for (let pause = firstAfter; !signal.aborted; pause = interval) {
    try {
      await clock.sleep(pause, signal);
    } catch {
      return;
    }
    try {
      await collectOnce(storage, clock, logger, observer, signal);
    } catch (error) {
      logger.error("garbage collection failed", {}, error);
    }
  }
}

/** Batch by batch, so that no request waits long behind one, until nothing is left. */
async function collectOnce(
  storage: Storage,
  clock: Clock,
  logger: Logger,
  observer: Observer,
  signal: AbortSignal,
): Promise<void> {
  const total: Record<string, number> = {};
  for (let isDone = false; !isDone && !signal.aborted; ) {
    const collected = await storage.collectGarbage(clock.now(), batch);
    for (const [kind, count] of Object.entries(collected.deleted)) total[kind] = (total[kind] ?? 0) + (count ?? 0);
    isDone = collected.isDone;
    observer.collected(collected.deleted);
  }
  if (Object.keys(total).length > 0) logger.info("garbage collection run", { deleted: total });
}
