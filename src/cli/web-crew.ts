import { Worker } from "node:worker_threads";
import type { Overrides } from "../config/config.ts";
import type { CountedElsewhere } from "../kernel/attempt-limiter.ts";
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

/** What a thread is told. Changes have numbers: a thread answers with that of the change it is ready for or has made. */
export type MateOrder =
  | { readonly kind: "prepare"; readonly change: number; readonly content: Uint8Array }
  | { readonly kind: "commit"; readonly change: number }
  | { readonly kind: "abandon"; readonly change: number }
  | { readonly kind: "counted"; readonly counted: readonly CountedElsewhere[] }
  | { readonly kind: "stop" };

/** What a thread tells. */
export type MateWord =
  | { readonly kind: "listening" }
  | { readonly kind: "told"; readonly told: readonly Told[] }
  | { readonly kind: "counted"; readonly counted: readonly CountedElsewhere[] }
  | { readonly kind: "prepared"; readonly change: number; readonly refusal?: string }
  | { readonly kind: "changed"; readonly change: number };

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
export function openWebCrew({ count, content, overrides, logger, onFault }: CrewOptions): Crew {
  let mates: readonly Worker[] = [];
  let changes = 0;
  let hearCounted: (counted: readonly CountedElsewhere[]) => void = () => {};
  /** What one of them counts, all the others count too. */
  const passOn = (from: Worker, counted: readonly CountedElsewhere[]): void => {
    hearCounted(counted);
    for (const mate of mates) if (mate !== from) mate.postMessage({ kind: "counted", counted } satisfies MateOrder);
  };
  const order = (what: MateOrder): void => {
    for (const mate of mates) mate.postMessage(what);
  };
  /** What each of them answers to the change with this number. */
  const answers = <K extends "prepared" | "changed">(kind: K, change: number) =>
    Promise.all(mates.map((mate) => answerOf(mate, kind, change)));
  return {
    async start(beginning) {
      mates = Array.from({ length: count - 1 }, (_, index) => {
        const data = mateData(index + 2, count, content, overrides, beginning);
        return new Worker(new URL("./web-worker.ts", import.meta.url), { workerData: data });
      });
      try {
        await Promise.all(mates.map((mate) => untilItListens(mate, beginning)));
      } catch (error) {
        await Promise.all(mates.map((mate) => mate.terminate()));
        throw error;
      }
      for (const mate of mates) {
        mate.on("error", onFault);
        mate.on("message", (word: MateWord) => void (word.kind === "counted" && passOn(mate, word.counted)));
      }
      logger.info("web workers", { count });
    },
    counters: {
      tell: (counted) => order({ kind: "counted", counted }),
      hear(listener) {
        hearCounted = listener;
      },
    },
    async prepare(changed) {
      changes += 1;
      const change = changes;
      const ready = answers("prepared", change);
      order({ kind: "prepare", change, content: changed });
      const refused = (await ready).flatMap(({ refusal }, at) => (refusal === undefined ? [] : [{ refusal, at }]));
      const abandon = (): void => order({ kind: "abandon", change });
      const [first] = refused;
      if (first !== undefined) {
        abandon();
        throw new Error(`web worker ${first.at + 2} cannot go on with it: ${first.refusal}`);
      }
      return {
        abandon,
        async commit() {
          const done = answers("changed", change);
          order({ kind: "commit", change });
          await done;
        },
      };
    },
    async close() {
      const ended = mates.map((mate) => new Promise((resolve) => mate.once("exit", resolve)));
      order({ kind: "stop" });
      await Promise.all(ended);
    },
  };
}

type Answer<K extends MateWord["kind"]> = Extract<MateWord, { readonly kind: K }>;

/** A thread that dies instead takes the process with it. */
function answerOf<K extends "prepared" | "changed">(mate: Worker, kind: K, change: number): Promise<Answer<K>> {
  const isIt = (word: MateWord): word is Answer<K> => word.kind === kind && "change" in word && word.change === change;
  return new Promise((resolve) => {
    const listen = (word: MateWord): void => {
      if (!isIt(word)) return;
      mate.off("message", listen);
      resolve(word);
    };
    mate.on("message", listen);
  });
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
      if (word.kind === "listening") {
        mate.off("error", reject);
        resolve();
      }
    });
  });
}
