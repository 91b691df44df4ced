import { Worker } from "node:worker_threads";
import type { Overrides } from "../config/config.ts";
import type { Logger } from "../kernel/ports.ts";
import { type Crew, type CrewBeginning, hear, type Told } from "../server/crew.ts";

/** What a thread is given to begin with. */
export interface MateData {
  /** From 2: the first is the process's own thread. */
  readonly number: number;
  /** Of how many. */
  readonly count: number;
  readonly content: Uint8Array;
  readonly overrides: Overrides;
  readonly isHeard: boolean;
}

/** What a thread is told. */
export type MateOrder =
  | { readonly kind: "change"; readonly content: Uint8Array }
  | { readonly kind: "reload" }
  | { readonly kind: "stop" };

/** What a thread tells. */
export type MateWord = { readonly kind: "listening" } | { readonly kind: "told"; readonly told: readonly Told[] };

export interface WebCrew extends Crew {
  /** All of them go on with the configuration that the first has taken over. */
  change(content: Uint8Array): void;
}

interface CrewOptions {
  /** With the process's own thread. */
  readonly count: number;
  readonly content: Uint8Array;
  readonly overrides: Overrides;
  readonly logger: Logger;
  /** A thread died of a fault: so does the process, to be started anew by whoever watches it. */
  readonly onFault: (error: unknown) => void;
}

/** The threads beside the first, which start when the first listens. */
export function openWebCrew({ count, content, overrides, logger, onFault }: CrewOptions): WebCrew {
  let latest = content;
  let mates: readonly Worker[] = [];
  const order = (what: MateOrder): void => {
    for (const mate of mates) mate.postMessage(what);
  };
  return {
    async start(beginning) {
      mates = Array.from({ length: count - 1 }, (_, index) => {
        const data = mateData(index + 2, count, latest, overrides, beginning);
        return new Worker(new URL("./web-worker.ts", import.meta.url), { workerData: data });
      });
      try {
        await Promise.all(mates.map((mate) => untilItListens(mate, beginning)));
      } catch (error) {
        await Promise.all(mates.map((mate) => mate.terminate()));
        throw error;
      }
      for (const mate of mates) mate.on("error", onFault);
      logger.info("web workers", { count });
    },
    change(changed) {
      latest = changed;
      order({ kind: "change", content: changed });
    },
    reload: () => order({ kind: "reload" }),
    async close() {
      const ended = mates.map((mate) => new Promise((resolve) => mate.once("exit", resolve)));
      order({ kind: "stop" });
      await Promise.all(ended);
    },
  };
}

function mateData(
  number: number,
  count: number,
  content: Uint8Array,
  overrides: Overrides,
  { addresses: { http = "", https = "" }, listener }: CrewBeginning,
): MateData {
  const isHeard = listener.isAnybody;
  return { number, count, content, overrides: { ...overrides, webHttp: http, webHttps: https }, isHeard };
}

/** @throws {Error} It cannot start. */
function untilItListens(mate: Worker, { listener }: CrewBeginning): Promise<void> {
  return new Promise((resolve, reject) => {
    mate.once("error", reject);
    mate.once("exit", () => reject(new Error("a web worker ended while it started")));
    mate.on("message", (word: MateWord) => {
      if (word.kind === "told") hear(word.told, listener);
      else {
        mate.off("error", reject);
        resolve();
      }
    });
  });
}
