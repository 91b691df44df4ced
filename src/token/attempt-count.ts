import type { Clock, Millis } from "../kernel/ports.ts";
import { AlreadyExistsError, type Storage } from "../storage/contract.ts";
import { type LoginAttempts, unsetTime } from "../storage/records.ts";

/** The operator's choices, config `lockout`. */
export interface AttemptPolicy {
  readonly disabled: boolean;
  /** Wrong ones before the first lock. */
  readonly attempts: number;
  readonly firstLock: Millis;
  readonly longestLock: Millis;
}

export interface CountDeps {
  readonly policy: AttemptPolicy;
  readonly storage: Pick<Storage, "loginAttempts">;
  readonly clock: Clock;
}

export interface Counted {
  /** Milliseconds for which nobody may try; 0: this one may. */
  readonly wait: number;
  /** Milliseconds for which the account is locked if this one is wrong. */
  readonly lock: number;
}

/** An account that nobody tried for so long begins anew. */
const forgottenAfter = 3_600_000;

/** Counts one try under `id`, as if it were wrong; `sealWho` is asked for when it is one that locks. */
export async function count(id: string, sealWho: () => string, deps: CountDeps): Promise<Counted> {
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
    const [lockedUntil, who] = lock === 0 ? [unsetTime, ""] : [now + lock, sealWho()];
    return { id, failures, lastTry: now, lockedUntil, who, expiry: now + lock + forgottenAfter };
  };
  // Created, or deleted by a right one, between our two looks: once more.
  for (let round = 0; round < 5; round++) {
    if ((await deps.storage.loginAttempts.update(id, next)) !== undefined) return counted;
    try {
      await deps.storage.loginAttempts.create(
        next({ id, failures: 0, lastTry: now, lockedUntil: unsetTime, who: "", expiry: now }),
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

/** One that was counted was never judged. */
export async function uncount(id: string, { storage }: Pick<CountDeps, "storage">): Promise<void> {
  await storage.loginAttempts.update(id, (current) => ({
    ...current,
    failures: Math.max(0, current.failures - 1),
    lockedUntil: unsetTime,
    who: "",
  }));
}
