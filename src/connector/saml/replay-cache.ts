import type { Clock } from "../../kernel/ports.ts";

/**
 * The assertions that were accepted, until they could not be again. SAML Profiles §4.1.4.5.
 *
 * A second guard: an assertion answers one request of ours, the request is sealed for one browser, and what it leads
 * to is stored under the request's own id, which holds across replicas. This one notices within a process what the
 * others would refuse later.
 */
export interface ReplayCache {
  /** Whether `id` is new; from now on it is not, until `until` (milliseconds since the epoch). */
  claim(id: string, until: number): boolean;
}

/** What 24 h of the busiest server can hold in a few megabytes; the oldest go first. */
const most = 50_000;
/** No login lasts longer, so an assertion that says it is good for years is remembered this long. */
const longest = 24 * 60 * 60 * 1000;

export function createReplayCache(clock: Pick<Clock, "now">, size = most): ReplayCache {
  const claimed = new Map<string, number>();
  return {
    claim(id, until) {
      const now = clock.now();
      const known = claimed.get(id);
      if (known !== undefined && known > now) return false;
      claimed.delete(id);
      claimed.set(id, Math.min(until, now + longest));
      // The first were claimed first; those that ended, and those beyond the size, go.
      for (const [old, end] of claimed) {
        if (end > now && claimed.size <= size) break;
        claimed.delete(old);
      }
      return true;
    },
  };
}
