import type { Clock } from "../kernel/ports.ts";
import type { Collection } from "../storage/contract.ts";
import type { UserIdentity, UserKey } from "../storage/records.ts";

/** Until when an account is locked, as every way to tokens must ask. */
export interface BlockedUsers {
  /** Milliseconds since the epoch; in the past, or 0 for somebody unknown, when it is not. At most a second old. */
  until(user: UserKey): Promise<number>;
  /** What somebody else read, asking at `readAt`: nobody need read it again within the second. */
  learn(user: UserKey, identity: UserIdentity | undefined, readAt: number): void;
  /** The account has just been locked or unlocked here: nobody waits for the second to pass. */
  forget(user: UserKey): void;
}

const freshFor = 1000;
/** A login storm asks for this many people within the second at the most; more are read again. */
const mostKept = 10_000;

interface Known {
  readonly until: number;
  readonly readAt: number;
}

/** Reads each account at most once a second, however many requests ask. */
export function openBlockedUsers(
  identities: Pick<Collection<UserKey, UserIdentity>, "get">,
  clock: Clock,
): BlockedUsers {
  const known = new Map<string, Known>();
  const keep = (key: string, until: number, readAt: number): void => {
    // Taken out first, so that the oldest stand in front.
    known.delete(key);
    known.set(key, { until, readAt });
    const [oldest] = known.size > mostKept ? known.keys() : [];
    if (oldest !== undefined) known.delete(oldest);
  };
  return {
    async until(user) {
      const key = keyOf(user);
      const before = known.get(key);
      const now = clock.now();
      if (before !== undefined && Math.abs(now - before.readAt) < freshFor) return before.until;
      const identity = await identities.get(user);
      const until = identity?.blockedUntil ?? 0;
      keep(key, until, now);
      return until;
    },
    learn: (user, identity, readAt) => keep(keyOf(user), identity?.blockedUntil ?? 0, readAt),
    forget: (user) => {
      known.delete(keyOf(user));
    },
  };
}

const keyOf = ({ userId, connectorId }: UserKey): string => `${connectorId.length}:${connectorId}${userId}`;
