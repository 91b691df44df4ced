import { UnavailableError } from "../../kernel/errors.ts";
import { type Clock, type Logger, type Millis, millis } from "../../kernel/ports.ts";
import type { PublicJwk, Signer, SigningKey } from "../contract.ts";
import { parseCompactJws } from "./compact-jws.ts";
import { type VerificationKey, verifyJws } from "./verification-key.ts";

/** Keys made ready for use, as they count until {@link until}. */
export interface KeyRing {
  readonly signing: SigningKey;
  /** The signing key, those that will sign, those that did. */
  readonly publicKeys: readonly PublicJwk[];
  readonly byKid: ReadonlyMap<string, VerificationKey>;
  /** From here on it must be opened anew. */
  readonly until: number;
  /** What it was made from: nothing else comes of the same. */
  readonly fingerprint: string;
}

/** What is known of keys that lie elsewhere. */
export interface KnownKeys {
  /** Asks who keeps them, does what is due there, and remembers. Rejects where that fails; what was known stays. */
  read(): Promise<void>;
  /** As it counts now, from memory. Undefined until a read has worked. */
  ring(): KeyRing | undefined;
  /** When the next read has something to do, as far as is known. */
  nextReadAt?(): number;
}

export interface WatchOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Absent: {@link lookEvery}. */
  readonly every?: Millis;
  /** The log's words for a keeper that is away, and for one that is back. */
  readonly says: { readonly away: string; readonly back: string };
}

/** A signer of watched keys, and a way to hurry. */
export interface WatchedSigner extends Omit<Signer, "rotate"> {
  /** A look that begins now: what was written before it is known after it. @throws {UnavailableError} It failed. */
  look(): Promise<void>;
  /** Has the keys looked at because of a request, in the background. */
  doubt(): void;
}

/** With the time that a look takes, even on a busy machine, what is written elsewhere counts here within a second. */
export const lookEvery = millis(700);
/** Requests cause a look no more often than this: whoever sends made-up tokens must not load the keeper. */
const doubtAfter = 1_000;

/**
 * The signer of keys that lie elsewhere. Requests are served from memory; the keeper is looked at in the background,
 * more than once a second, whether or not it answers, and once more when a token names a key that is not known yet.
 * The first look begins at once, and whoever needs a key before it ends waits for it.
 */
export function watchKeys(keys: KnownKeys, { clock, logger, every = lookEvery, says }: WatchOptions): WatchedSigner {
  let looking: Promise<boolean> | undefined;
  let doubtedAt = Number.NEGATIVE_INFINITY;
  let doubting = Promise.resolve(false);
  let failure: unknown;

  const lookOnce = async (): Promise<boolean> => {
    try {
      await keys.read();
      if (failure !== undefined) logger.info(says.back);
      failure = undefined;
      return true;
    } catch (error) {
      // Said once, not at every look; again where it is another thing that is wrong.
      if (nameOf(error) !== nameOf(failure)) logger.error(says.away, {}, error);
      failure = error;
      return false;
    } finally {
      looking = undefined;
    }
  };
  const share = (): Promise<boolean> => {
    looking ??= lookOnce();
    return looking;
  };
  const lookAnew = async (): Promise<boolean> => {
    // One that is under way may have read already.
    await looking;
    return share();
  };
  /** All who doubt within a second share one look, and its outcome. */
  const lookInDoubt = (): Promise<boolean> => {
    const age = clock.now() - doubtedAt;
    if (age < 0 || age >= doubtAfter) {
      doubtedAt = clock.now();
      doubting = lookAnew();
    }
    return doubting;
  };
  void share();

  const ring = async (): Promise<KeyRing> => {
    const known = keys.ring() ?? ((await (looking ?? lookInDoubt())) ? keys.ring() : undefined);
    if (known === undefined) throw unavailable("no signing key is loaded", failure);
    return known;
  };

  return {
    current: async () => (await ring()).signing,
    publicKeys: async () => (await ring()).publicKeys,
    async verify(jwt) {
      const jws = parseCompactJws(jwt);
      if (jws === undefined) return undefined;
      let key = (await ring()).byKid.get(jws.kid);
      // Another replica may have begun with a key that we have not seen yet.
      if (key === undefined && (await lookInDoubt())) key = (await ring()).byKid.get(jws.kid);
      return key === undefined ? undefined : verifyJws(jws, key);
    },
    async look() {
      if (!(await lookAnew())) throw unavailable(says.away, failure);
    },
    doubt: () => void lookInDoubt(),
    async run(signal) {
      while (!signal.aborted) {
        const isDone = await untilAborted(share(), signal);
        const due = isDone ? (keys.nextReadAt?.() ?? Infinity) - clock.now() : Infinity;
        // It rejects only when the signal aborts, which ends the loop.
        await clock.sleep(millis(Math.max(1, Math.min(every, due))), signal).catch(() => undefined);
      }
    },
  };
}

function unavailable(message: string, cause: unknown): UnavailableError {
  const why = cause instanceof Error ? `: ${cause.message}` : "";
  return new UnavailableError("signer", `${message}${why}`, { cause });
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : typeof error);

/** `work`'s result, or undefined once `signal` aborts: a keeper that hangs must not hold up the end of the process. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const stop = (): void => resolve(undefined);
    signal.addEventListener("abort", stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
