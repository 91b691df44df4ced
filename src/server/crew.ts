import type { Observation } from "../http/site.ts";
import type { OtherCounters } from "../kernel/attempt-limiter.ts";
import type { Observer } from "../kernel/ports.ts";

/**
 * Threads that serve the same addresses beside this one, each a whole server of its own: they share the storage and
 * nothing else. docs/adr: workers.
 */
export interface Crew {
  /** Resolves once all of them listen. @throws {Error} One cannot: none is left running. */
  start(beginning: CrewBeginning): Promise<void>;
  /** What they count, and are to count. */
  readonly counters: OtherCounters;
  /** All of them get ready to go on with the configuration in `content`. @throws {Error} One cannot: none will. */
  prepare(content: Uint8Array): Promise<PreparedCrew>;
  /** They drain, as the first of them does. Resolves once they are done. */
  close(): Promise<void>;
}

export interface PreparedCrew {
  /** Resolves once all of them have changed. */
  commit(): Promise<void>;
  abandon(): void;
}

export interface CrewBeginning {
  /** Where the first listens, with real ports. */
  readonly addresses: { readonly http?: string; readonly https?: string };
  /** Hears what happens in all of them, so that metrics, audit and trails are those of the whole process. */
  readonly listener: Listener;
}

/** Who is told what happens, and whether anybody is. */
export interface Listener {
  readonly observer: Observer;
  readonly answered: ((observation: Observation) => void) | undefined;
  readonly isAnybody: boolean;
}

/** One thing that a thread tells: the name of the call and what it is called with. */
export type Told = readonly ["answered", Observation] | readonly [keyof Observer, ...unknown[]];

/** A listener in another thread: what it hears goes to `post`, as much at once as one turn brings. */
export function distantListener(post: (told: readonly Told[]) => void): Listener {
  let told: Told[] = [];
  const tell = (one: Told): void => {
    if (told.length === 0) {
      setImmediate(() => {
        const batch = told;
        told = [];
        post(batch);
      });
    }
    told.push(one);
  };
  return {
    observer: {
      decided: (decision, { traceId, clientIp }) => tell(["decided", decision, { traceId, clientIp }]),
      stored: (...args) => tell(["stored", ...args]),
      called: (...args) => tell(["called", ...args]),
      reached: (...args) => tell(["reached", ...args]),
      collected: (...args) => tell(["collected", ...args]),
      reloaded: (...args) => tell(["reloaded", ...args]),
      rpcStarted: (...args) => tell(["rpcStarted", ...args]),
      rpcHandled: (...args) => tell(["rpcHandled", ...args]),
      rpcServed: (...args) => tell(["rpcServed", ...args]),
    },
    answered: (observation) => tell(["answered", observation]),
    isAnybody: true,
  };
}

/** The other end of {@link distantListener}. */
export function hear(told: readonly Told[], { observer, answered }: Listener): void {
  for (const [name, ...args] of told) {
    const call: unknown = name === "answered" ? answered : Reflect.get(observer, name);
    if (typeof call === "function") call(...args);
  }
}
