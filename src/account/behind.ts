import type { Logger } from "../kernel/ports.ts";

/** Work that goes on after its answer, and that a stop waits for. */
export interface Behind {
  readonly start: (name: string, work: () => Promise<void>) => void;
  /** Resolves when all of it is done. */
  settled(): Promise<void>;
}

export function createBehind(logger: Logger): Behind {
  const running = new Set<Promise<void>>();
  return {
    start(name, work) {
      // In a turn of its own: not even its first steps cost the answer time.
      const done: Promise<void> = new Promise<void>((resolve) => setImmediate(resolve))
        .then(work)
        .catch((error: unknown) => logger.error("work behind an answer failed", { work: name }, error))
        .finally(() => running.delete(done));
      running.add(done);
    },
    async settled() {
      // Work may have started more.
      while (running.size > 0) await Promise.all(running);
    },
  };
}
