/**
 * The local signer: its keys lie in storage, where every replica finds them. Storage is read in the background
 * alone; requests are served from memory. `rotation-plan.ts` says when keys change, `keep-keys.ts` writes it,
 * `key-ring.ts` makes the record usable, and this file holds the ring and keeps it fresh.
 */
import { UnavailableError } from "../../kernel/errors.ts";
import { type Clock, type Logger, type Millis, millis, type Random } from "../../kernel/ports.ts";
import type { Collection } from "../../storage/contract.ts";
import type { Keys } from "../../storage/records.ts";
import type { Signer } from "../contract.ts";
import { parseCompactJws } from "../shared/compact-jws.ts";
import { verifyJws } from "../shared/verification-key.ts";
import type { LocalAlgorithm } from "./generate-key.ts";
import { type KeepDeps, keepKeys } from "./keep-keys.ts";
import { type KeyRing, openKeyRing } from "./key-ring.ts";
import { nextStepAt, type Schedule, scheduleFor } from "./rotation-plan.ts";

export interface LocalSignerOptions {
  readonly keys: Collection<"keys", Keys>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Of keys yet to be made; a stored key keeps its own. */
  readonly algorithm: LocalAlgorithm;
  readonly rotationPeriod: Millis;
  /** Of the longest-lived token that the keys sign. */
  readonly tokenLifetime: Millis;
  /** How long clients may keep a copy of `/keys`. */
  readonly jwksCache?: Millis;
}

const tenMinutes = millis(600_000);
/** Requests make the signer look into the store no more often than this. */
const lookAgainAfter = 1_000;
const firstRetry = 250;

/** Opens at once; the first look into the store has begun, and whoever needs a key before it ends waits for it. */
export function openLocalSigner(options: LocalSignerOptions): Signer {
  const { clock, rotationPeriod, tokenLifetime, jwksCache = tenMinutes } = options;
  const schedule = scheduleFor(rotationPeriod, tokenLifetime, jwksCache);
  const store = watchKeys({ ...options, schedule });

  const ring = async (): Promise<KeyRing> => {
    const held = store.ring() ?? ((await store.lookAgain()) ? store.ring() : undefined);
    if (held === undefined)
      throw new UnavailableError("signer", "no signing key is loaded", { cause: store.failure() });
    return held;
  };

  return {
    current: async () => (await ring()).signing,
    publicKeys: async () => (await ring()).publicKeys,
    verify: async (jwt) => {
      const jws = parseCompactJws(jwt);
      if (jws === undefined) return undefined;
      let key = (await ring()).byKid.get(jws.kid);
      // Another replica may have begun with a key that we have not read yet.
      if (key === undefined && (await store.lookAgain())) key = (await ring()).byKid.get(jws.kid);
      return key === undefined ? undefined : verifyJws(jws, key);
    },
    run: (signal) => keepLooking(store, clock, schedule, signal),
  };
}

/** What is known of the stored keys, and the ways to learn more. */
interface WatchedKeys {
  /** As it counts now. Undefined until a look has succeeded. */
  ring(): KeyRing | undefined;
  /** Reads, and writes what is due. True when that worked. Callers at the same time share one look. Never rejects. */
  look(): Promise<boolean>;
  /** {@link look} for requests: whoever sends made-up tokens must not load the store, so at most once a second. */
  lookAgain(): Promise<boolean>;
  /** When the next step is due, as far as is known. */
  nextStepAt(): number;
  /** Why the last look failed. */
  failure(): unknown;
}

function watchKeys(deps: Omit<KeepDeps, "check">): WatchedKeys {
  const { clock, logger, schedule } = deps;
  let held: { readonly keys: Keys; readonly ring: KeyRing } | undefined;
  let looking: Promise<boolean> | undefined;
  let lookedAt = 0;
  let failure: unknown;

  const open = (keys: Keys): KeyRing | undefined => openKeyRing(keys, clock.now(), schedule, held?.ring);

  const hold = (keys: Keys): KeyRing => {
    const ring = open(keys);
    if (ring === undefined) throw new Error("no key to sign payload with");
    // Said once, not at every look.
    if (ring.unreadable.join() !== held?.ring.unreadable.join()) {
      for (const reason of ring.unreadable) logger.warn("verification key ignored", { reason });
    }
    held = { keys, ring };
    return ring;
  };

  const lookOnce = async (): Promise<boolean> => {
    try {
      hold(await keepKeys({ ...deps, check: open }));
      return true;
    } catch (error) {
      failure = error;
      logger.error("failed to rotate keys", {}, error);
      return false;
    } finally {
      looking = undefined;
    }
  };

  const look = (): Promise<boolean> => {
    lookedAt = clock.now();
    looking ??= lookOnce();
    return looking;
  };
  void look();

  return {
    ring: () => (held === undefined || clock.now() < held.ring.until ? held?.ring : hold(held.keys)),
    look,
    lookAgain: async () => looking ?? (clock.now() - lookedAt >= lookAgainAfter ? look() : false),
    nextStepAt: () => (held === undefined ? clock.now() : nextStepAt(held.keys, schedule)),
    failure: () => failure,
  };
}

/**
 * Looks into the store at every reread interval, sooner when something is due, and after a failure again and again
 * with growing pauses, until `signal` aborts. Signing goes on from memory meanwhile.
 */
async function keepLooking(store: WatchedKeys, clock: Clock, schedule: Schedule, signal: AbortSignal): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    failures = (await untilAborted(store.look(), signal)) === false ? failures + 1 : 0;
    const pause = failures > 0 ? firstRetry * 2 ** Math.min(failures - 1, 10) : store.nextStepAt() - clock.now();
    const span = millis(Math.max(1, Math.min(schedule.reread, pause)));
    // It rejects only when the signal aborts, which ends the loop.
    await clock.sleep(span, signal).catch(() => undefined);
  }
}

/** `work`'s result, or undefined once `signal` aborts: a store that hangs must not hold up the end of the process. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const stop = (): void => resolve(undefined);
    signal.addEventListener("abort", stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
