import type { OtherCounters } from "../kernel/attempt-limiter.ts";
import type { Clock, Logger, Observer, Random } from "../kernel/ports.ts";
import type { Crew, Listener } from "./crew.ts";

/** What the world gives a server. */
export interface ServerDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts to drain and stop. */
  readonly signal: AbortSignal;
  /** Standard output, where the audit may go. Absent: nobody reads it. */
  readonly out?: (text: string) => void;
  /** Takes the decisions of each request as a tree, for `dex serve --explain`. */
  readonly explain?: (text: string) => void;
  /** How many threads serve the same addresses, this one included; 1 when absent. */
  readonly workers?: number;
  /** The others of them, where this is the first. */
  readonly crew?: Crew;
  /** What those of them count that are in memory. */
  readonly others?: OtherCounters;
  /** This is not the first of them: the addresses are open already. */
  readonly isBeside?: boolean;
  /** Hears what happens besides those whom the configuration names. */
  readonly listener?: Listener;
}

/** What the rooms of a server are given besides. */
export interface RoomDeps extends ServerDeps {
  readonly observer: Observer;
}
