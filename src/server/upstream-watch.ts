import { UnavailableError } from "../kernel/errors.ts";
import { type Clock, type Logger, type Millis, millis, type Random } from "../kernel/ports.ts";
import { detached } from "../kernel/span.ts";

/** Whether the upstream of an open connector is there. */
export interface UpstreamWatch {
  /** The upstream is away, as far as anybody knows now. */
  readonly isAway: boolean;
  /** Somebody looks at the sign-in page: asks in the background, unless it was asked a moment ago. */
  glance(): void;
  /** A call has failed as calls to a dead upstream do: asks in the background. */
  doubt(): void;
}

export interface UpstreamWatchDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly closing: AbortSignal;
  /** Is told of each change. */
  readonly changed: (isAway: boolean) => void;
}

/** How long an answer counts while people look at the sign-in page. */
const freshFor = 30_000;
const patience = millis(5_000);
const firstPause = 1_000;
const longestPause = 30_000;
/** One answer can get lost on its way. */
const missesToBelieve = 2;

/**
 * Asks an upstream now and then whether it is there: when somebody looks at the sign-in page and when a call has
 * failed, and from its first miss on until it answers again. Never by two questions at once, and never for nobody: an
 * idle server asks nothing. What a failed call says is a reason to ask and no more, since a stranger can bring one
 * about; the question is always the same, and nobody can spoil the answer for the others.
 */
export function watchUpstream(probe: (signal: AbortSignal) => Promise<void>, deps: UpstreamWatchDeps): UpstreamWatch {
  const { clock, random, logger, closing } = deps;
  let isAway = false;
  let misses = 0;
  let isAsking = false;
  let answeredAt = Number.NEGATIVE_INFINITY;

  async function askUntilItAnswers(): Promise<void> {
    for (let pause = firstPause; ; pause = Math.min(pause * 2, longestPause)) {
      try {
        await inTime(probe, clock, closing);
        break;
      } catch (error) {
        if (closing.aborted) return;
        misses += 1;
        if (!isAway && misses >= missesToBelieve) {
          isAway = true;
          deps.changed(isAway);
          logger.warn("the upstream does not answer", {}, error);
        }
      }
      try {
        await clock.sleep(jittered(pause, random), closing);
      } catch {
        return; // The connector was closed.
      }
    }
    if (isAway) {
      isAway = false;
      deps.changed(isAway);
      logger.info("the upstream answers again");
    }
    misses = 0;
    answeredAt = clock.now();
  }

  function ask(): void {
    if (isAsking || closing.aborted) return;
    isAsking = true;
    void detached(askUntilItAnswers).finally(() => {
      isAsking = false;
    });
  }

  return {
    get isAway() {
      return isAway;
    },
    glance() {
      // A clock that was set back makes no answer young.
      if (Math.abs(clock.now() - answeredAt) >= freshFor) ask();
    },
    doubt() {
      if (isAsking || clock.now() - answeredAt < firstPause) return;
      misses = 1;
      ask();
    },
  };
}

/** Half to all of `pause`, so that replicas do not fall upon a recovering upstream together. */
export function jittered(pause: number, random: Random): Millis {
  return millis(Math.round(pause * (0.5 + (random.bytes(1)[0] ?? 0) / 510)));
}

/** A probe that ignores its signal is not waited for. */
async function inTime(
  probe: (signal: AbortSignal) => Promise<void>,
  clock: Clock,
  closing: AbortSignal,
): Promise<void> {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, closing]);
  const late = clock.sleep(patience, signal).then(() => {
    throw new Error(`no answer within ${patience / 1000} s`);
  });
  try {
    await Promise.race([probe(signal), late]);
  } finally {
    over.abort();
  }
}

/** `target`, whose calls that end in an {@link UnavailableError} are told to `watch`. */
export function watched<T extends object>(target: T, watch: Pick<UpstreamWatch, "doubt">): T {
  const members = Object.entries(target).map(([name, member]) => [name, isCall(member) ? told(member) : member]);
  return Object.fromEntries(members);

  function told(call: Call): Call {
    return async (...args) => {
      try {
        return await call(...args);
      } catch (error) {
        if (error instanceof UnavailableError) watch.doubt();
        throw error;
      }
    };
  }
}

type Call = (...args: readonly never[]) => Promise<unknown>;
const isCall = (member: unknown): member is Call => typeof member === "function";
