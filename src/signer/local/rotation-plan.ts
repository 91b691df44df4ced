import { type Millis, millis } from "../../kernel/ports.ts";
import type { Secret } from "../../kernel/secret.ts";
import { type Keys, type StoredJwk, unsetTime, type VerificationKey } from "../../storage/records.ts";
import { hasPrivateHalf, publicHalf } from "./stored-jwk.ts";

/**
 * When keys change, as pure functions of the stored record and the time. A key passes through four states:
 * published (`extra.next`) → signing → verifying → gone. The record's `nextRotation` is the one moment on which
 * all replicas agree: from then on the published key signs, whether or not somebody has written so yet.
 */

export interface Schedule {
  /** From one rotation to the next. */
  readonly period: Millis;
  /** How long a key verifies after its last signature: the life of a token. */
  readonly retention: Millis;
  /** How long a key is public before it signs. */
  readonly lead: Millis;
  /** What a replica may be late to see a change, and clocks may differ, without a word. */
  readonly slack: Millis;
}

const second = 1_000;

/**
 * The schedule for the operator's settings.
 *
 * A key may sign once nobody is left who could still trust a key set without it. The last such set is served by
 * a replica just before it looks into the store, and then cached for one cache period. Replicas look once a second;
 * the lead is the cache period, one slack for a replica whose looks fail or come late, and another for unequal clocks.
 * The cache period counts as at most half the rotation period, and the slack as an eighth: the lead is then at
 * most three quarters of the period, and the next key is never wanted before the last one has started to sign.
 */
export function scheduleFor(rotationPeriod: Millis, tokenLifetime: Millis, jwksCache: Millis): Schedule {
  const period = periodFor(rotationPeriod);
  const slack = Math.floor(Math.min(15 * second, period / 8));
  const cache = Math.floor(Math.min(Math.max(jwksCache, 0), period / 2));
  return {
    period: millis(period),
    // compat(dex): a lifetime of 0 means the default of 24 h to whoever issues tokens, but Dex's signer takes it
    // literally and drops keys whose tokens live on (cmd/dex/serve.go). Here the keys stay as long as the tokens.
    retention: tokenLifetime === 0 ? millis(24 * 3_600 * second) : tokenLifetime,
    lead: millis(cache + 2 * slack),
    slack: millis(slack),
  };
}

/** compat(dex): 0 and less rotate at every look, every 30 s (server/signer/local.go). Below 5 s keys would change faster than stores do. */
function periodFor(rotationPeriod: Millis): number {
  return rotationPeriod <= 0 ? 30 * second : Math.max(rotationPeriod, 5 * second);
}

/** What a store without keys holds. Some backends say so with an empty record, some with none. */
export const noKeys: Keys = { verificationKeys: [], nextRotation: unsetTime };

/**
 * - `install`: nothing can sign and nothing is published, so a new key signs at once. Nobody has cached anything yet.
 * - `publish`: a new key is shown, and signs once every cache has seen it.
 * - `promote`: the published key signs; the one before it only verifies.
 * - `prune`: keys whose tokens have all expired go.
 */
export type Step = "install" | "publish" | "promote" | "prune";

/** Whether {@link advance} needs a new key for this step. */
export const needsKey = (step: Step): boolean => step === "install" || step === "publish";

/** What is to be done at `now`, if anything. */
export function dueStep(keys: Keys, now: number, schedule: Schedule): Step | undefined {
  const isPublished = keys.extra?.next !== undefined;
  if (!canSign(keys)) return isPublished ? "promote" : "install";
  if (isPublished && now >= keys.nextRotation) return "promote";
  // A key of Dex whose time has passed gets a successor now and goes on signing until that one is known.
  if (!isPublished && now >= keys.nextRotation - schedule.lead) return "publish";
  return keys.verificationKeys.some((key) => isExpired(key, now)) ? "prune" : undefined;
}

/** When {@link dueStep} will next ask for something. */
export function nextStepAt(keys: Keys, schedule: Schedule): number {
  const publication = keys.extra?.next === undefined ? keys.nextRotation - schedule.lead : Infinity;
  return Math.min(publication, nextChangeAt(keys));
}

/** When {@link keysAt} will next say something else. */
export function nextChangeAt(keys: Keys): number {
  const rotation = keys.extra?.next === undefined ? Infinity : keys.nextRotation;
  return keys.verificationKeys.reduce((soonest, { expiry }) => Math.min(soonest, expiry + 1), rotation);
}

/**
 * The record after the step that is due at `now`, or `keys` itself: when nothing is due, or when the step needs
 * a `fresh` key and none is at hand. Runs inside a compare-and-swap, so it decides anew on what it is given.
 */
export function advance(keys: Keys, now: number, schedule: Schedule, fresh?: Secret<StoredJwk>): Keys {
  const step = dueStep(keys, now, schedule);
  switch (step) {
    case undefined:
      return keys;
    case "install":
      return fresh === undefined ? keys : signWith(fresh, keys, now, now, schedule);
    case "publish":
      return fresh === undefined ? keys : publish(fresh, keys, now, schedule);
    case "promote":
      return keys.extra?.next === undefined ? keys : signWith(keys.extra.next.key, keys, now, now, schedule);
    case "prune":
      return { ...keys, verificationKeys: unexpired(keys.verificationKeys, now) };
  }
}

/**
 * The record as it counts at `now`, although nobody may have written it: past `nextRotation` the published key
 * signs, past its expiry a retired key is gone. All replicas thus change over at one moment, no token is signed
 * with a key that is retired already, and a store that is away delays nothing.
 */
export function keysAt(keys: Keys, now: number, schedule: Schedule): Keys {
  const next = keys.extra?.next;
  if (next === undefined || dueStep(keys, now, schedule) !== "promote") {
    return { ...keys, verificationKeys: unexpired(keys.verificationKeys, now) };
  }
  return signWith(next.key, keys, Math.min(now, keys.nextRotation), now, schedule);
}

/**
 * The record with its rotation no later than needed: when a key published now (or before) has been public for a whole
 * lead. Asked twice, the first stays: a rotation begun is not put off.
 */
export function hastened(keys: Keys, now: number, { lead, slack }: Schedule): Keys {
  const next = keys.extra?.next;
  // Not before every replica has read the new time: all must change over at one moment.
  const soonest = Math.max((next?.publishedAt ?? now) + lead, now + 2 * slack);
  // Until somebody has published the next key, the plan publishes it late and waits a whole lead from then.
  return soonest < keys.nextRotation ? { ...keys, nextRotation: soonest } : keys;
}

/** Whether the key that should sign has a private half. */
export const canSign = ({ signingKey }: Keys): boolean =>
  signingKey !== undefined && hasPrivateHalf(signingKey.reveal());

function publish(fresh: Secret<StoredJwk>, keys: Keys, now: number, schedule: Schedule): Keys {
  return {
    ...keys,
    verificationKeys: unexpired(keys.verificationKeys, now),
    // Late, after an outage or Dex: the change waits until the key was public for long enough.
    nextRotation: Math.max(keys.nextRotation, now + schedule.lead),
    extra: { ...keys.extra, next: { key: fresh, publishedAt: now } },
  };
}

/** `key` signs from `since` on. The private half of the one before is forgotten, its public half verifies to the last token. */
function signWith(key: Secret<StoredJwk>, keys: Keys, since: number, now: number, schedule: Schedule): Keys {
  const before = keys.signingKey === undefined ? keys.signingKeyPub : publicHalf(keys.signingKey.reveal());
  const retired = before === undefined ? [] : [{ publicKey: before, expiry: since + schedule.retention }];
  return {
    signingKey: key,
    signingKeyPub: publicHalf(key.reveal()),
    verificationKeys: unexpired([...keys.verificationKeys, ...retired], now),
    nextRotation: since + schedule.period,
  };
}

/** compat(dex): a key is still good at the very moment of its expiry (server/signer/rotation.go). */
const isExpired = ({ expiry }: VerificationKey, now: number): boolean => expiry < now;

const unexpired = (keys: readonly VerificationKey[], now: number): readonly VerificationKey[] =>
  keys.filter((key) => !isExpired(key, now));
