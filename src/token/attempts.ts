/**
 * Guesses at passwords and codes: each try is counted before it is made, so that a hundred at the same time are a hundred,
 * and forgotten when it was right. Counts of an account are in storage, which replicas share; those of a network are in
 * memory. What was typed may be no account at all: it is counted alike, so a lock tells nothing.
 *
 * A lock must not keep the owner out. Browsers in which somebody got in before hold a token (a "device cookie") and are
 * counted by themselves, whatever network they are in; so whoever guesses elsewhere locks all browsers but those.
 */
import { networkOf } from "../kernel/addresses.ts";
import type { AttemptLimiter } from "../kernel/attempt-limiter.ts";
import { TooManyAttemptsError } from "../kernel/errors.ts";
import type { Logger, Trail } from "../kernel/ports.ts";
import { type CountDeps, count, uncount } from "./attempt-count.ts";
import { aboutTarget, isOfAccount, isOfKnownDevice, type Target, type TargetNames } from "./attempt-target.ts";

/** Where a try comes from. */
export interface Origin {
  /** Undefined: from a program that speaks for many people. */
  readonly address?: string;
  /** What the browser's device token says, where it has one for this account. */
  readonly device?: string;
}

/** Who is told of it. */
export interface Told {
  readonly logger: Logger;
  readonly trail: Trail;
}

/** A try that was let through. One of its methods is called, once. */
export interface Attempt {
  /** It was right: the account's count begins anew. */
  right(): Promise<void>;
  /** It was wrong; it is counted already. */
  wrong(): void;
  /** It was never judged: the upstream or the database was away. */
  unmade(): Promise<void>;
}

/** An account that waits. Times in milliseconds since the epoch. */
export interface Lock {
  readonly target: Target;
  readonly failures: number;
  readonly lockedUntil: number;
  /** Of one browser in which the owner got in before; else of everybody. */
  readonly isOfKnownDevice: boolean;
}

export interface Attempts {
  /** @throws {TooManyAttemptsError} Not now. */
  begin(target: Target, origin: Origin, told: Told): Promise<Attempt>;
  /** What is locked now. Reads every record of tries: for administrators. */
  locks(): Promise<readonly Lock[]>;
  /** Lifts the locks of an account, also those of known devices, and forgets its tries. Resolves to how many counts there were. */
  unlock(target: Target, trail: Trail): Promise<number>;
  /** The account as device tokens name it. */
  accountOf(target: Target): string;
}

export interface AttemptDeps extends CountDeps {
  readonly addresses: AttemptLimiter;
  readonly names: TargetNames;
}

export function createAttempts(deps: AttemptDeps): Attempts {
  const { names, addresses, storage, clock } = deps;
  return {
    accountOf: names.accountOf,
    async begin(target, { address, device }, told) {
      if (deps.policy.disabled) return unlimited;
      const account = names.accountOf(target);
      const id = device === undefined ? account : names.deviceOf(account, device);
      const by = device === undefined ? "account" : "device";
      const place = address === undefined || device !== undefined ? undefined : networkOf(address);
      const wait = place === undefined ? 0 : addresses.begin(place);
      if (wait > 0) throw refused(wait, "address", target, told);
      const takeBack = (): void => {
        if (place !== undefined) addresses.takeBack(place);
      };
      const counted = await count(id, () => names.sealWho(id, target), deps);
      if (counted.wait > 0) throw refused(counted.wait, by, target, told);
      return {
        async right() {
          takeBack();
          await storage.loginAttempts.delete(id);
        },
        wrong() {
          if (counted.lock > 0) noteLock(counted.lock, by, target, told);
        },
        async unmade() {
          takeBack();
          await uncount(id, deps);
        },
      };
    },
    async locks() {
      const now = clock.now();
      const records = (await storage.loginAttempts.list()).filter(({ lockedUntil }) => lockedUntil > now);
      return records.flatMap((record) => {
        const target = names.openWho(record);
        const { failures, lockedUntil } = record;
        return target ? [{ target, failures, lockedUntil, isOfKnownDevice: isOfKnownDevice(record) }] : [];
      });
    },
    async unlock(target, trail) {
      const account = names.accountOf(target);
      const counts = (await storage.loginAttempts.list()).filter((record) => isOfAccount(record, account));
      for (const { id } of counts) await storage.loginAttempts.delete(id);
      if (counts.length > 0) {
        const because = "an administrator lifted the lock";
        trail.note({ check: "account.unlocked", outcome: "pass", because, about: aboutTarget(target) });
      }
      return counts.length;
    },
  };
}

const unlimited: Attempt = { right: async () => {}, wrong: () => {}, unmade: async () => {} };

const seconds = (ms: number): number => Math.ceil(ms / 1000);

function refused(wait: number, by: string, target: Target, { logger, trail }: Told): TooManyAttemptsError {
  const about = aboutTarget(target);
  const because = `too many wrong ones, counted by ${by}: not before ${seconds(wait)} seconds`;
  trail.note({ check: "attempts.allowed", outcome: "fail", because, about: { ...about, by } });
  logger.warn("too many attempts", { kind: target.kind, by, connector_id: target.connectorId });
  return new TooManyAttemptsError(wait);
}

function noteLock(lock: number, by: string, target: Target, { logger, trail }: Told): void {
  const about = { ...aboutTarget(target), by, ms: lock };
  const because = `it was one wrong one too many: locked for ${seconds(lock)} seconds`;
  trail.note({ check: "account.locked", outcome: "chose", because, about });
  logger.warn("account locked", { kind: target.kind, by, connector_id: target.connectorId, ms: lock });
}
