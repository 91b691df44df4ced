import type { Clock, Millis } from "./ports.ts";

/** Counts failures by who made them, so that guessing ends early. In memory, per process: a brake, no wall. */
export interface AttemptLimiter {
  isBlocked(key: string): boolean;
  /** Milliseconds until `key` may try again; 0: now. */
  blockedFor(key: string): number;
  /** One more failure of `key`. */
  failed(key: string): void;
  /** The last one was none after all: who counts before looking lets no parallel request slip through. */
  takeBack(key: string): void;
}

/** Whoever fails `most` times within `window` from the first failure is blocked until the window ends. */
export function createAttemptLimiter(most: number, window: Millis, clock: Clock, mostKeys = 10_000): AttemptLimiter {
  const failures = new Map<string, { count: number; readonly until: number }>();
  const current = (key: string) => {
    const known = failures.get(key);
    return known === undefined || known.until <= clock.now() ? undefined : known;
  };
  const blockedFor = (key: string): number => {
    const known = current(key);
    return known === undefined || known.count < most ? 0 : known.until - clock.now();
  };
  return {
    isBlocked: (key) => blockedFor(key) > 0,
    blockedFor,
    takeBack(key) {
      const known = current(key);
      if (known !== undefined) known.count--;
    },
    failed(key) {
      const known = current(key);
      if (known !== undefined) {
        known.count++;
        return;
      }
      failures.delete(key);
      failures.set(key, { count: 1, until: clock.now() + window });
      // The oldest goes: windows are alike, so it would end first.
      const [oldest] = failures.size > mostKeys ? failures.keys() : [];
      if (oldest !== undefined) failures.delete(oldest);
    },
  };
}
