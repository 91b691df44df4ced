import type { Clock } from "../../src/kernel/ports.ts";

/** A clock that stands still until a test winds it. */
export interface HandClock extends Clock {
  /**
   * Winds the clock forward by `ms`, stopping at every sleeper's moment on the way: it wakes, and runs before the
   * clock goes on. Code that awaits more than promises and `setImmediate` (a thread, a socket) needs `resting`:
   * the clock then moves only while at least so many sleep.
   */
  advance(ms: number, resting?: number): Promise<void>;
  /** Resolves once at least `count` sleep: the code under test has come to rest. */
  asleep(count: number): Promise<void>;
}

interface Sleeper {
  readonly at: number;
  wake(): void;
}

/** Starts at `start` milliseconds since the epoch; 2026-01-01 unless told. */
export function handClock(start = 1_767_225_600_000): HandClock {
  let now = start;
  const sleepers = new Set<Sleeper>();

  const first = (until: number): Sleeper | undefined => {
    let found: Sleeper | undefined;
    for (const sleeper of sleepers) {
      if (sleeper.at <= until && (found === undefined || sleeper.at < found.at)) found = sleeper;
    }
    return found;
  };

  const asleep = async (count: number): Promise<void> => {
    // A few turns at least, so that whoever was just woken can go to sleep again.
    for (let turn = 0; turn < 5 || sleepers.size < count; turn++) await eventLoopTurn();
  };

  return {
    now: () => now,
    sleep: (span, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const abort = (): void => {
          sleepers.delete(sleeper);
          reject(signal.reason);
        };
        const sleeper: Sleeper = {
          at: now + span,
          wake: () => {
            sleepers.delete(sleeper);
            signal.removeEventListener("abort", abort);
            resolve();
          },
        };
        sleepers.add(sleeper);
        signal.addEventListener("abort", abort, { once: true });
      }),
    advance: async (ms, resting = 0) => {
      const end = now + ms;
      await asleep(resting);
      for (let next = first(end); next !== undefined; next = first(end)) {
        now = Math.max(now, next.at);
        next.wake();
        await asleep(resting);
      }
      now = end;
    },
    asleep,
  };
}

const eventLoopTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
