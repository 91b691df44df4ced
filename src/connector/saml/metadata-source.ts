import { UnavailableError } from "../../kernel/errors.ts";
import { type Clock, type Logger, type Millis, millis, type Random } from "../../kernel/ports.ts";
import type { Idp, IdpSource } from "./idp.ts";

export interface MetadataSourceDeps {
  readonly id: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Reads and understands the metadata once. @throws Whatever is wrong. */
  read(signal: AbortSignal): Promise<Idp>;
  readonly every: Millis;
}

/** A stranger can send signatures by unknown keys as often as they like. */
const rereadPause = 60_000;
const firstRetry = 5_000;

/**
 * The identity provider by its metadata: read in the background from the start, kept when a later reading fails,
 * and read again early when a signature is by a key it did not list.
 */
export function createMetadataSource(deps: MetadataSourceDeps): IdpSource {
  const { clock, logger } = deps;
  const closing = new AbortController();
  let known: Idp | undefined;
  let fault: unknown;
  let lastReread = Number.NEGATIVE_INFINITY;
  let reading: Promise<boolean> | undefined;

  async function readOnce(): Promise<boolean> {
    try {
      const idp = await deps.read(closing.signal);
      if (fault !== undefined || known === undefined)
        logger.info("saml metadata read", { entity_id: idp.entityId, keys: idp.keys.length });
      known = idp;
      fault = undefined;
      return true;
    } catch (error) {
      if (closing.signal.aborted) return false;
      fault = error;
      logger.warn("saml metadata cannot be read", { keeps_last: known !== undefined }, error);
      return false;
    }
  }

  /** One reading at a time, whoever asks. */
  const read = (): Promise<boolean> => {
    reading ??= readOnce().finally(() => {
      reading = undefined;
    });
    return reading;
  };

  async function keepReading(): Promise<void> {
    let pause: number = firstRetry;
    while (!closing.signal.aborted) {
      const worked = await read();
      const span = worked ? deps.every : Math.min(pause, deps.every);
      pause = worked ? firstRetry : pause * 2;
      try {
        // A fifth earlier or later, so that replicas do not ask together.
        await clock.sleep(
          millis(Math.round(span * (0.8 + ((deps.random.bytes(1)[0] ?? 0) / 255) * 0.4))),
          closing.signal,
        );
      } catch {
        return; // The source was closed.
      }
    }
  }

  void keepReading();
  return {
    async current(signal) {
      // A login waits for the first reading and for no later one.
      if (known === undefined && reading !== undefined) await orAbort(reading, signal);
      if (known !== undefined) return known;
      throw new UnavailableError(`connector ${deps.id}`, "the identity provider's metadata cannot be read", {
        cause: fault,
      });
    },
    async reread(signal) {
      if (clock.now() - lastReread < rereadPause) return undefined;
      lastReread = clock.now();
      return (await orAbort(read(), signal)) ? known : undefined;
    },
    close: () => closing.abort(),
  };
}

/** `promise`, unless `signal` aborts first. */
async function orAbort<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  signal.throwIfAborted();
  let abort: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
