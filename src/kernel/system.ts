import { randomFillSync } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { Clock, Random } from "./ports.ts";

/** What a timer of Node's can hold, 24.8 days. A longer one fires at once, and a loop around it would spin. */
const longestTimer = 2 ** 31 - 1;

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (span, signal) => {
    try {
      let left: number = span;
      for (; left > longestTimer; left -= longestTimer) await wait(longestTimer, undefined, { signal, ref: false });
      await wait(left, undefined, { signal, ref: false });
    } catch (error) {
      // Node rejects with an error of its own; ours is the reason that was given.
      throw signal.aborted ? signal.reason : error;
    }
  },
};

const poolSize = 4096;
const pool = new Uint8Array(poolSize);
let used = poolSize;

/** The operating system's generator, drawn in pages of 4 KiB because one call costs more than the bytes. */
export const systemRandom: Random = {
  bytes(count) {
    // A negative count would hand out the same bytes again, and NaN would leave every later caller without any.
    if (!Number.isSafeInteger(count) || count < 0) throw new RangeError(`no such number of bytes: ${count}`);
    if (count > 256) return randomFillSync(new Uint8Array(count));
    if (used + count > poolSize) {
      randomFillSync(pool);
      used = 0;
    }
    const drawn = pool.slice(used, used + count);
    // What was handed out must not be read again from memory.
    pool.fill(0, used, used + count);
    used += count;
    return drawn;
  },
};
