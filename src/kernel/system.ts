import { randomFillSync } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { Clock, Random } from "./ports.ts";

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (span, signal) => {
    await wait(span, undefined, { signal, ref: false });
  },
};

const poolSize = 4096;
const pool = new Uint8Array(poolSize);
let used = poolSize;

/** The operating system's generator, drawn in pages of 4 KiB because one call costs more than the bytes. */
export const systemRandom: Random = {
  bytes(count) {
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
