import { readdirSync, readFileSync } from "node:fs";
import { setPriority } from "node:os";

const threads = "/proc/self/task";
/** A core that both want is the loop's for three quarters of the time. nice(2). */
const niceness = 5;

/**
 * Lets the event loop go before the threads that sign. With as many of them as cores the loop would stand in line behind
 * signatures, and with it every request that needs none, and the next one that does. Linux gives each thread a niceness
 * of its own; elsewhere nothing changes. Call it once the pool has worked: libuv makes its threads with the first task.
 */
export function lowerThreadPool(): void {
  try {
    for (const thread of readdirSync(threads)) {
      if (readFileSync(`${threads}/${thread}/comm`, "utf8") === "libuv-worker\n") setPriority(Number(thread), niceness);
    }
  } catch {
    // No Linux, or not allowed: all threads are alike, as they were.
  }
}
