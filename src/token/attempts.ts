/**
 * Guesses at passwords and codes: each try is counted before it is made, so that a hundred at the same time are a hundred,
 * and forgotten when it was right. Counts of an account are in storage, which replicas share; those of a network address
 * are in memory. What was typed may be no account at all: it is counted alike, so a lock tells nothing.
 *
 * A lock must not keep the owner out. Browsers in which somebody got in before hold a token (a "device cookie") and are
 * counted by themselves, so whoever guesses elsewhere locks all browsers but those.
 */
import type { AttemptLimiter } from "../kernel/attempt-limiter.ts";
import { keyedHash } from "../kernel/derive.ts";
import { TooManyAttemptsError } from "../kernel/errors.ts";
import type { Clock, Logger, Millis, Observer } from "../kernel/ports.ts";
import { AlreadyExistsError, type Storage } from "../storage/contract.ts";
import { type LoginAttempts, unsetTime } from "../storage/records.ts";

/** What is guessed at: a password at a connector, by the name typed; a second factor, by the person it belongs to. */
export type Target =
  | { readonly kind: "password"; readonly connectorId: string; readonly username: string }
  | { readonly kind: "factor"; readonly connectorId: string; readonly userId: string };

/** The operator's choices, config `lockout`. */
export interface AttemptPolicy {
  readonly disabled: boolean;
  /** Wrong ones before the first lock. */
  readonly attempts: number;
  readonly firstLock: Millis;
  readonly longestLock: Millis;
}

/** Where a try comes from. */
export interface Origin {
  /** Undefined: from a program that speaks for many people. */
  readonly address?: string;
  /** What the browser's device token says, where it has one for this account. */
  readonly device?: string;
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

export interface Attempts {
  /** @throws {TooManyAttemptsError} Not now. */
  begin(target: Target, origin: Origin, logger: Logger): Promise<Attempt>;
  /** Lifts a lock at an administrator's word. False: there was none. */
  unlock(target: Target): Promise<boolean>;
  /** The account as device tokens name it: a hash, for what is typed as a name is sometimes a password. */
  accountOf(target: Target): string;
}

export interface AttemptDeps {
  readonly policy: AttemptPolicy;
  readonly storage: Pick<Storage, "loginAttempts">;
  readonly addresses: AttemptLimiter;
  readonly key: Uint8Array;
  readonly clock: Clock;
  readonly observer?: Pick<Observer, "held">;
}

/** An account that nobody tried for so long begins anew. */
const forgottenAfter = 3_600_000;

export function createAttempts(deps: AttemptDeps): Attempts {
  const accountOf = (target: Target): string => `la${keyedHash(deps.key, ...partsOf(target)).toString("hex")}`;
  return {
    accountOf,
    async begin(target, origin, logger) {
      if (deps.policy.disabled) return unlimited;
      const by = origin.device === undefined ? "account" : "device";
      const id = origin.device === undefined ? accountOf(target) : deviceOf(accountOf(target), origin.device, deps);
      const place = origin.address === undefined ? undefined : networkOf(origin.address);
      const refuse = (limit: string, wait: number): never => {
        deps.observer?.held(target.kind, limit);
        logger.warn("too many attempts", { kind: target.kind, by: limit, connector_id: target.connectorId });
        throw new TooManyAttemptsError(wait);
      };
      const blocked = place === undefined ? 0 : deps.addresses.blockedFor(place);
      if (blocked > 0) return refuse("address", blocked);
      if (place !== undefined) deps.addresses.failed(place);
      const takeBack = (): void => {
        if (place !== undefined) deps.addresses.takeBack(place);
      };
      const counted = await count(id, deps);
      if (counted.wait > 0) return refuse(by, counted.wait);
      return {
        async right() {
          takeBack();
          await deps.storage.loginAttempts.delete(id);
        },
        wrong() {
          if (counted.lock > 0) {
            deps.observer?.held(target.kind, "lock");
            logger.warn("account locked", {
              kind: target.kind,
              by,
              connector_id: target.connectorId,
              ms: counted.lock,
            });
          }
        },
        async unmade() {
          takeBack();
          await uncount(id, deps);
        },
      };
    },
    unlock: (target) => deps.storage.loginAttempts.delete(accountOf(target)),
  };
}

const unlimited: Attempt = { right: async () => {}, wrong: () => {}, unmade: async () => {} };

/** One account in any spelling that an upstream may take for the same. */
const spelling = (name: string): string => name.normalize("NFKC").toLowerCase().replace(/\s+/g, " ").trim();

const partsOf = (target: Target): readonly string[] =>
  target.kind === "password"
    ? [target.kind, target.connectorId, spelling(target.username)]
    : [target.kind, target.connectorId, target.userId];

const deviceOf = (account: string, device: string, { key }: AttemptDeps): string =>
  `la${keyedHash(key, "device", account, device).toString("hex")}`;

/** Whoever has an IPv6 address has 2^64 of them. RFC 6177. */
function networkOf(address: string): string {
  if (!address.includes(":") || address.startsWith("::ffff:")) return address;
  const [head = "", tail] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  const rest = tail === undefined || tail === "" ? [] : tail.split(":");
  const whole =
    tail === undefined
      ? groups
      : [...groups, ...Array(Math.max(0, 8 - groups.length - rest.length)).fill("0"), ...rest];
  return whole.slice(0, 4).join(":");
}

interface Counted {
  /** Milliseconds for which nobody may try; 0: this one may. */
  readonly wait: number;
  /** Milliseconds for which the account is locked if this one is wrong. */
  readonly lock: number;
}

async function count(id: string, deps: AttemptDeps): Promise<Counted> {
  const now = deps.clock.now();
  let counted: Counted = { wait: 0, lock: 0 };
  const next = (current: LoginAttempts): LoginAttempts => {
    if (current.lockedUntil > now) {
      counted = { wait: current.lockedUntil - now, lock: 0 };
      return current;
    }
    const failures = now - current.lastTry > forgottenAfter ? 1 : current.failures + 1;
    const lock = lockAfter(failures, deps.policy);
    counted = { wait: 0, lock };
    const lockedUntil = lock === 0 ? unsetTime : now + lock;
    return { id, failures, lastTry: now, lockedUntil, expiry: now + lock + forgottenAfter };
  };
  // Created, or deleted by a right one, between our two looks: once more.
  for (let round = 0; round < 5; round++) {
    if ((await deps.storage.loginAttempts.update(id, next)) !== undefined) return counted;
    try {
      await deps.storage.loginAttempts.create(
        next({ id, failures: 0, lastTry: now, lockedUntil: unsetTime, expiry: now }),
      );
      return counted;
    } catch (error) {
      if (!(error instanceof AlreadyExistsError)) throw error;
    }
  }
  // Nobody loses five races but in a storm of guesses.
  return { wait: 1_000, lock: 0 };
}

/** The lock doubles with each wrong one beyond those that are free. */
function lockAfter(failures: number, { attempts, firstLock, longestLock }: AttemptPolicy): number {
  const beyond = failures - attempts;
  return beyond < 0 ? 0 : Math.min(longestLock, firstLock * 2 ** Math.min(beyond, 30));
}

async function uncount(id: string, { storage }: AttemptDeps): Promise<void> {
  await storage.loginAttempts.update(id, (current) => ({
    ...current,
    failures: Math.max(0, current.failures - 1),
    lockedUntil: unsetTime,
  }));
}
