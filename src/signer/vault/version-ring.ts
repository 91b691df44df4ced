import type { Clock, Logger } from "../../kernel/ports.ts";
import type { KeyRing, KnownKeys } from "../shared/watched-keys.ts";
import { openSignBatches, type SignOne } from "./sign-batches.ts";
import type { Transit } from "./transit.ts";
import type { TransitKey, TransitVersion } from "./transit-key.ts";
import { planVersions, type VersionPlan, type VersionSchedule } from "./version-plan.ts";

export interface RingDeps {
  readonly transit: Transit;
  readonly schedule: VersionSchedule;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What is known of the key may be old. */
  doubt(): void;
}

/** The versions of the key, as far as Vault has told. */
export function openVersionRing({ transit, schedule, clock, logger, doubt }: RingDeps): KnownKeys {
  let key: TransitKey | undefined;
  let ring: KeyRing | undefined;
  const noticed = new Map<string, number | undefined>();

  const versionOf = (number: number): TransitVersion | undefined =>
    key?.versions.find((each) => each.version === number);
  const signOne = openSignBatches(async (number, inputs) => {
    const version = versionOf(number);
    if (version === undefined) return inputs.map(() => new Error("the version is gone"));
    const results = await transit.sign(version, inputs);
    // Vault may have been told to sign with no version below a new one: then that one is due now.
    if (results.some((result) => typeof result !== "string")) doubt();
    return results;
  });

  const open = (from: TransitKey): KeyRing => {
    const plan = planVersions(from, (kid) => noticed.get(kid), clock.now(), schedule);
    const after = ringOf(plan, signOne, ring);
    const { kid } = after.signing;
    if (kid !== ring?.signing.kid) logger.info("keys rotated", { kid, version: plan.signing.version });
    ring = after;
    return after;
  };

  const hold = (read: TransitKey): void => {
    const isFirst = key === undefined;
    const fresh = read.versions.filter(({ jwk }) => !noticed.has(jwk.kid));
    for (const { jwk } of fresh) noticed.set(jwk.kid, isFirst ? undefined : clock.now());
    for (const kid of noticed.keys()) if (!read.versions.some(({ jwk }) => jwk.kid === kid)) noticed.delete(kid);
    // Said once, not at every look.
    if (read.unreadable.join() !== key?.unreadable.join()) {
      for (const reason of read.unreadable) logger.warn("verification key ignored", { reason });
    }
    key = read;
    const after = open(read);
    for (const { version, jwk } of isFirst ? [] : fresh) {
      logger.info("next signing key published", { kid: jwk.kid, version, next_rotation: new Date(after.until) });
    }
  };

  return {
    read: async () => hold(await transit.read()),
    ring: () => (key === undefined || ring === undefined || clock.now() < ring.until ? ring : open(key)),
  };
}

/** `before` comes back when nothing has changed, so that nobody's cached `/keys` or header is dropped. */
function ringOf({ signing, shown, until }: VersionPlan, sign: SignOne, before: KeyRing | undefined): KeyRing {
  const fingerprint = [signing.version, until, ...shown.map(({ version, jwk }) => `${version}:${jwk.kid}`)].join(" ");
  if (fingerprint === before?.fingerprint) return before;
  const { kid, alg } = signing.jwk;
  return {
    signing: { kid, alg, sign: (input) => sign(signing.version, input) },
    publicKeys: shown.map(({ jwk }) => jwk),
    byKid: new Map(shown.map(({ jwk, key }) => [jwk.kid, { jwk, key }])),
    until,
    fingerprint,
  };
}
