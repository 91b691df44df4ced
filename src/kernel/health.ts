import { type Clock, type Millis, millis } from "./ports.ts";

/** How the last look at the database ended. */
export interface HealthReport {
  readonly error?: string;
  /** When it was looked at, milliseconds since the epoch. */
  readonly at: number;
  readonly took: Millis;
  readonly contiguousFailures: number;
  readonly firstFailureAt?: number;
}

/** Whether the database answers, for probes of any number and frequency. */
export interface Health {
  /** At most five seconds old. Never rejects. */
  look(): Promise<HealthReport>;
}

const freshFor = 5_000;
/** A database that takes longer to answer counts as away. */
const patience = millis(2_000);

/**
 * Asks `ping` when somebody asks and the last answer is old: one question for all probes, with a deadline. (Dex writes
 * and deletes a record every 15 seconds on every replica, without one: a database that hangs stays healthy for ever.)
 */
export function createHealth(ping: (signal: AbortSignal) => Promise<void>, clock: Clock): Health {
  let last: HealthReport | undefined;
  let looking: Promise<HealthReport> | undefined;

  async function lookNow(): Promise<HealthReport> {
    const at = clock.now();
    const began = performance.now();
    const error = await inTime(ping);
    const took = millis(performance.now() - began);
    const healthy = { at, took, contiguousFailures: 0 };
    last =
      error === undefined
        ? healthy
        : {
            ...healthy,
            error,
            contiguousFailures: (last?.contiguousFailures ?? 0) + 1,
            firstFailureAt: last?.firstFailureAt ?? at,
          };
    return last;
  }

  return {
    async look() {
      if (last !== undefined && Math.abs(clock.now() - last.at) < freshFor) return last;
      looking ??= lookNow().finally(() => {
        looking = undefined;
      });
      return looking;
    },
  };
}

/** Undefined, or why not. A ping that ignores its signal is not waited for. */
async function inTime(ping: (signal: AbortSignal) => Promise<void>): Promise<string | undefined> {
  const signal = AbortSignal.timeout(patience);
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(new Error(`no answer within ${patience / 1000} s`)), { once: true });
  });
  try {
    await Promise.race([ping(signal), late]);
    return undefined;
  } catch (error) {
    if (signal.aborted) return `no answer within ${patience / 1000} s`;
    return error instanceof Error ? error.message : String(error);
  }
}
