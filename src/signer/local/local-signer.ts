/**
 * The local signer: its keys lie in storage, where every replica finds them. Storage is read in the background
 * alone; requests are served from memory. `rotation-plan.ts` says when keys change, `keep-keys.ts` writes it,
 * `key-ring.ts` makes the record usable, and `shared/watched-keys.ts` keeps it fresh.
 */
import { type Clock, type Logger, type Millis, millis, type Random } from "../../kernel/ports.ts";
import type { Collection } from "../../storage/contract.ts";
import type { Keys } from "../../storage/records.ts";
import type { Signer } from "../contract.ts";
import { type KnownKeys, lookEvery, watchKeys } from "../shared/watched-keys.ts";
import type { LocalAlgorithm } from "./generate-key.ts";
import { type KeepDeps, keepKeys } from "./keep-keys.ts";
import { type LocalKeyRing, openKeyRing } from "./key-ring.ts";
import { hastened, nextStepAt, scheduleFor } from "./rotation-plan.ts";

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
  /** From one look into the store to the next. Absent: so that what others write counts here within a second. */
  readonly every?: Millis;
}

const tenMinutes = millis(600_000);

/** Opens at once; the first look into the store has begun. */
export function openLocalSigner(options: LocalSignerOptions): Required<Signer> {
  const { keys, clock, logger, rotationPeriod, tokenLifetime, jwksCache = tenMinutes } = options;
  const schedule = scheduleFor(rotationPeriod, tokenLifetime, jwksCache);
  const stored = openStoredKeys({ ...options, schedule });
  const says = { away: "failed to rotate keys", back: "the signing keys can be read again" };
  const every = millis(Math.min(options.every ?? lookEvery, schedule.slack));
  const { look, current, publicKeys, verify, run } = watchKeys(stored, { clock, logger, every, says });
  return {
    current,
    publicKeys,
    verify,
    run,
    async rotate() {
      const written = await keys.update("keys", (known) => hastened(known, clock.now(), schedule));
      if (written === undefined) throw new Error("there are no signing keys yet");
      // It is the look that publishes the next key, and whoever asked shall find it published.
      await look();
      return stored.nextRotation() ?? written.nextRotation;
    },
  };
}

interface StoredKeys extends KnownKeys {
  /** When the next key signs, as far as is known. */
  nextRotation(): number | undefined;
}

function openStoredKeys(deps: Omit<KeepDeps, "check">): StoredKeys {
  const { clock, logger, schedule } = deps;
  let held: { readonly keys: Keys; readonly ring: LocalKeyRing } | undefined;

  const open = (keys: Keys): LocalKeyRing | undefined => openKeyRing(keys, clock.now(), schedule, held?.ring);

  const hold = (keys: Keys): LocalKeyRing => {
    const ring = open(keys);
    if (ring === undefined) throw new Error("no key to sign payload with");
    // Said once, not at every look.
    if (ring.unreadable.join() !== held?.ring.unreadable.join()) {
      for (const reason of ring.unreadable) logger.warn("verification key ignored", { reason });
    }
    held = { keys, ring };
    return ring;
  };

  return {
    read: async () => void hold(await keepKeys({ ...deps, check: open })),
    ring: () => (held === undefined || clock.now() < held.ring.until ? held?.ring : hold(held.keys)),
    nextReadAt: () => (held === undefined ? clock.now() : nextStepAt(held.keys, schedule)),
    nextRotation: () => held?.keys.nextRotation,
  };
}
