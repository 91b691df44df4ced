import type { Registry } from "prom-client";
import type { Fields } from "../kernel/ports.ts";

/** As many locks as are followed at once; a botnet that locks more is seen all the same. */
const mostLocks = 10_000;

/**
 * Guesses turned away, locks, and what administrators lift, all read off the decisions. The gauge knows the locks that
 * began in this process; each begins in one, so replicas add up. Another replica's unlock shows when the time is over.
 */
export function lockoutMetrics(
  { Counter, Gauge }: Pick<typeof import("prom-client"), "Counter" | "Gauge">,
  registers: Registry[],
): (check: string, about: Fields) => void {
  const refused = new Counter({
    name: "dex_lockouts_total",
    help: "Guesses turned away, and locks begun (by=lock), by what was guessed at.",
    labelNames: ["kind", "by"],
    registers,
  });
  const unlocked = new Counter({
    name: "dex_unlocks_total",
    help: "Locks that an administrator lifted, by what was guessed at.",
    labelNames: ["kind"],
    registers,
  });
  const locks = new Map<string, number>();
  new Gauge({
    name: "dex_locked_accounts",
    help: "Accounts that wait after wrong passwords or codes, of those that were locked by this process.",
    registers,
    collect() {
      const now = performance.now();
      for (const [account, until] of locks) if (until <= now) locks.delete(account);
      this.set(locks.size);
    },
  });
  const accountOf = ({ kind, connector_id: connector, user, user_id: person }: Fields): string =>
    JSON.stringify([kind, connector, user ?? person]);
  return (check, about) => {
    const kind = String(about.kind ?? "");
    if (check === "attempts.allowed") {
      refused.inc({ kind, by: String(about.by ?? "") });
    } else if (check === "account.locked") {
      refused.inc({ kind, by: "lock" });
      locks.set(accountOf(about), performance.now() + Number(about.ms ?? 0));
      const [oldest] = locks.size > mostLocks ? locks.keys() : [];
      if (oldest !== undefined) locks.delete(oldest);
    } else if (check === "account.unlocked") {
      unlocked.inc({ kind });
      locks.delete(accountOf(about));
    }
  };
}
