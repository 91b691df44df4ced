import { type Clock, type Logger, millis } from "../kernel/ports.ts";
import type { Storage } from "../storage/contract.ts";

/** The first run comes soon after the start, so that a server that restarts often collects too. */
const firstAfter = millis(30_000);
/** compat(dex): every five minutes, on every replica. */
const interval = millis(5 * 60_000);

/** Deletes what expired, until `signal` aborts. A failing run is logged and tried again at the next. */
export async function collectGarbage(
  storage: Storage,
  clock: Clock,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  for (let pause = firstAfter; !signal.aborted; pause = interval) {
    try {
      await clock.sleep(pause, signal);
    } catch {
      return;
    }
    try {
      const deleted = await storage.collectGarbage(clock.now());
      if (Object.values(deleted).some((count) => (count ?? 0) > 0)) logger.info("garbage collection run", { deleted });
    } catch (error) {
      logger.error("garbage collection failed", {}, error);
    }
  }
}
