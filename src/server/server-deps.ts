import type { Clock, Logger, Observer, Random } from "../kernel/ports.ts";

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
}

/** What the rooms of a server are given besides. */
export interface RoomDeps extends ServerDeps {
  readonly observer: Observer;
}
