import { type Clock, type Millis, millis } from "../../kernel/ports.ts";
import type { Collection } from "../../storage/contract.ts";
import type { Keys } from "../../storage/records.ts";
import { type Schedule, scheduleFor } from "./rotation-plan.ts";

const jwksCache = millis(600_000);

/**
 * Brings the next rotation forward to the earliest moment at which no client is surprised: when a key published now
 * (or before) has been public for a whole lead. Only the record's time moves; whoever keeps the keys does the rest.
 * Resolves to when the next key signs.
 * @throws {Error} There are no keys yet.
 */
export async function hastenRotation(
  keys: Collection<"keys", Keys>,
  rotationPeriod: Millis,
  tokenLifetime: Millis,
  clock: Pick<Clock, "now">,
): Promise<number> {
  const schedule = scheduleFor(rotationPeriod, tokenLifetime, jwksCache);
  const written = await keys.update("keys", (current) => hastened(current, clock.now(), schedule));
  if (written === undefined) throw new Error("there are no signing keys yet");
  return written.nextRotation;
}

/** The record with its rotation no later than needed. Asked twice, the first stays: a rotation begun is not put off. */
export function hastened(keys: Keys, now: number, { lead, reread }: Schedule): Keys {
  const next = keys.extra?.next;
  // Not before every replica has read the new time: all must change over at one moment.
  const soonest = Math.max((next?.publishedAt ?? now) + lead, now + 2 * reread);
  // Until somebody has published the next key, the plan publishes it late and waits a whole lead from then.
  return soonest < keys.nextRotation ? { ...keys, nextRotation: soonest } : keys;
}
