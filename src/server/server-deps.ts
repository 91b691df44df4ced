import type { Clock, Logger, Random } from "../kernel/ports.ts";

/** What the world gives a server. */
export interface ServerDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts to drain and stop. */
  readonly signal: AbortSignal;
}
