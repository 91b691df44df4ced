import { createHash } from "node:crypto";
import { type Clock, type Millis, millis } from "./ports.ts";

/** Counts tries by who makes them, so that guessing ends early. In memory, per process: a brake, no wall. */
export interface AttemptLimiter {
  /**
   * Counts a try of `key` before it is made, so that no parallel one slips through. 0: it may be made. Else the
   * milliseconds for which `key` must wait, and it was not counted.
   */
  begin(key: string): number;
  /** The last one was none after all: it was right, or never judged. */
  takeBack(key: string): void;
}

/** What `createAttemptLimiter` counts. */
export interface Limit {
  /** Tries within `window` from the first of them; then comes a wait as long as the window. */
  readonly most: number;
  readonly window: Millis;
}

/** Tries that another thread of this process has counted, or taken back where `count` is negative. */
export interface CountedElsewhere {
  /** Whose limit it is. */
  readonly kind: string;
  readonly limit: Limit;
  readonly key: string;
  readonly count: number;
}

/** The other threads that serve the same addresses: who guesses must not have as many tries at each of them. */
export interface OtherCounters {
  tell(counted: readonly CountedElsewhere[]): void;
  /** Called once. */
  hear(listener: (counted: readonly CountedElsewhere[]) => void): void;
}

/** Who runs into the wait again and again waits twice as long each time, up to so many windows. */
const longestWait = 8;
/** A key may be whatever somebody sent. Longer ones are hashed, or ten thousand of them would be our memory. */
const longestKey = 64;

interface Tries {
  readonly count: number;
  /** When the window ends, and, once all tries are spent, the wait. */
  readonly until: number;
  /** Waits one after the other, this one not among them. */
  readonly waits: number;
}

export function createAttemptLimiter({ most, window }: Limit, clock: Clock, mostKeys = 10_000): AttemptLimiter {
  const known = new Map<string, Tries>();
  const isSpent = ({ count }: Tries): boolean => count >= most;
  const current = (key: string): Tries => {
    const now = clock.now();
    const tries = known.get(key);
    if (tries !== undefined && tries.until > now) return tries;
    const waits = tries !== undefined && isSpent(tries) ? tries.waits + 1 : 0;
    return { count: 0, until: now + window, waits };
  };
  const keep = (key: string, tries: Tries): void => {
    // The one that did nothing for the longest time goes.
    known.delete(key);
    known.set(key, tries);
    const [oldest] = known.size > mostKeys ? known.keys() : [];
    if (oldest !== undefined) known.delete(oldest);
  };
  return {
    begin(text) {
      const key = keptKey(text);
      const tries = current(key);
      if (isSpent(tries)) return tries.until - clock.now();
      const next = { ...tries, count: tries.count + 1 };
      const wait = millis(window * Math.min(longestWait, 2 ** tries.waits));
      keep(key, isSpent(next) ? { ...next, until: clock.now() + wait } : next);
      return 0;
    },
    takeBack(text) {
      const key = keptKey(text);
      const tries = current(key);
      if (tries.count === 0) return;
      const next = { ...tries, count: tries.count - 1 };
      // Who was never wrong takes nobody's place.
      if (next.count === 0 && next.waits === 0) return void known.delete(key);
      // The wait that had begun was for nothing.
      keep(key, isSpent(tries) && !isSpent(next) ? { ...next, until: clock.now() + window } : next);
    },
  };
}

/** What is kept of a key: the same again for what it gave. */
export const keptKey = (text: string): string =>
  text.length <= longestKey ? text : createHash("sha256").update(text).digest("base64");
