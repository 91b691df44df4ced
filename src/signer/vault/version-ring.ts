import type { Clock, Logger } from "../../kernel/ports.ts";
import type { PublicJwk, SigningKey } from "../contract.ts";
import type { VerificationKey } from "../shared/verification-key.ts";
import { openSignBatches, type SignOne } from "./sign-batches.ts";
import type { Transit } from "./transit.ts";
import type { TransitKey, TransitVersion } from "./transit-key.ts";
import { planVersions, type VersionPlan, type VersionSchedule } from "./version-plan.ts";

/** The key's versions made ready for use. */
export interface VersionRing {
  readonly signing: SigningKey;
  readonly publicKeys: readonly PublicJwk[];
  readonly byKid: ReadonlyMap<string, VerificationKey>;
  /** From here on it must be opened anew. */
  readonly until: number;
  /** What it was made from. */
  readonly fingerprint: string;
}

/** What is known of the key, and the ways to learn more. */
export interface WatchedRing {
  /** As it counts now. Undefined until a look has succeeded. */
  now(): VersionRing | undefined;
  /** Asks Vault. True when that worked. Callers at the same time share one look. Never rejects. */
  look(): Promise<boolean>;
  /** {@link look} for requests: whoever sends made-up tokens must not load Vault, so at most once a second. */
  lookAgain(): Promise<boolean>;
  /** Why the last look failed; undefined when it did not. */
  failure(): unknown;
}

export interface RingDeps {
  readonly transit: Transit;
  readonly schedule: VersionSchedule;
  readonly clock: Clock;
  readonly logger: Logger;
}

const lookAgainAfter = 1_000;

export function openVersionRing({ transit, schedule, clock, logger }: RingDeps): WatchedRing {
  let key: TransitKey | undefined;
  let ring: VersionRing | undefined;
  const noticed = new Map<string, number | undefined>();
  let looking: Promise<boolean> | undefined;
  let lookedAt = -lookAgainAfter;
  let failure: unknown;

  const versionOf = (number: number): TransitVersion | undefined =>
    key?.versions.find((each) => each.version === number);
  const signOne = openSignBatches(async (number, inputs) => {
    const version = versionOf(number);
    if (version === undefined) return inputs.map(() => new Error("the version is gone"));
    const results = await transit.sign(version, inputs);
    // Vault may have been told to sign with no version below a new one: then that one is due now.
    if (results.some((result) => typeof result !== "string")) void look();
    return results;
  });

  const open = (from: TransitKey): VersionRing => {
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

  const lookOnce = async (): Promise<boolean> => {
    try {
      hold(await transit.read());
      if (failure !== undefined) logger.info("vault answers again");
      failure = undefined;
      return true;
    } catch (error) {
      if (failure === undefined) logger.error("failed to read key from vault", {}, error);
      failure = error;
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
    now: () => (key === undefined || ring === undefined || clock.now() < ring.until ? ring : open(key)),
    look,
    lookAgain: async () => looking ?? (clock.now() - lookedAt >= lookAgainAfter ? look() : false),
    failure: () => failure,
  };
}

/** `before` comes back when nothing has changed, so that nobody's cached `/keys` or header is dropped. */
function ringOf({ signing, shown, until }: VersionPlan, sign: SignOne, before: VersionRing | undefined): VersionRing {
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
