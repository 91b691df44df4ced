import { type Clock, type Logger, type Millis, millis } from "../kernel/ports.ts";
import type { Storage } from "../storage/contract.ts";
import type { Client, LogoutDelivery } from "../storage/records.ts";
import type { MintDeps } from "../token/id-token.ts";
import { logoutToken } from "../token/logout-token.ts";
import type { TellClients } from "./end-session.ts";
import { mayCall } from "./may-call.ts";

/**
 * Brings word of ended sessions to their clients. Every delivery is in storage before it is tried and leaves it only
 * when the client has heard, so a client that is away, or a server that dies in between, loses none. Replicas share the
 * work: whoever moves `nextAttempt` on is the one that tries. OIDC Back-Channel Logout §2.5, §2.8.
 */
export interface LogoutCourier {
  readonly tell: TellClients;
  /** Tries again what is due, until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export interface CourierDeps {
  readonly storage: Pick<Storage, "logoutDeliveries" | "clients">;
  readonly mint: Omit<MintDeps, "lifetime">;
  /** Ends by itself within seconds. */
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How long the person who signs out waits for clients to hear. */
const patience = millis(3000);
const secondsBetween = [5, 15, 60, 300, 900, 3600];
/** After the attempt numbered `attempts`. */
export const pauseAfter = (attempts: number): Millis =>
  millis((secondsBetween[Math.min(Math.max(attempts, 1), secondsBetween.length) - 1] ?? 3600) * 1000);

/** What other replicas and earlier lives of this one left is looked for this often. */
const lookInterval = 5 * 60_000;
const shortestPause = 1_000;
const mostAtOnce = 16;

export function createLogoutCourier(deps: CourierDeps): LogoutCourier {
  const { clock, logger, storage } = deps;
  /** What waits for its next attempt, by id. */
  const waiting = new Map<string, LogoutDelivery>();
  const trying = new Set<string>();
  let wake = new AbortController();

  const wait = (delivery: LogoutDelivery): void => {
    waiting.set(delivery.id, delivery);
    wake.abort();
  };

  /** True: the client has heard. */
  async function attempt(delivery: LogoutDelivery): Promise<boolean> {
    if (trying.has(delivery.id)) return false;
    trying.add(delivery.id);
    waiting.delete(delivery.id);
    try {
      return await tryOnce(delivery);
    } catch (error) {
      // Storage is away: the record is still due, and found again.
      logger.warn("logout delivery postponed", { client_id: delivery.clientId }, error);
      wait({ ...delivery, nextAttempt: clock.now() + pauseAfter(delivery.attempts + 1) });
      return false;
    } finally {
      trying.delete(delivery.id);
    }
  }

  async function tryOnce(delivery: LogoutDelivery): Promise<boolean> {
    const claimed = await claim(delivery, deps);
    if (claimed === undefined) return false;
    const client = await storage.clients.get(claimed.clientId);
    // Nobody is left to tell.
    const isOver = client === undefined || client.backchannelLogoutUri === "";
    const hasHeard = isOver || (await post(client, claimed, deps));
    if (hasHeard) await storage.logoutDeliveries.delete(claimed.id);
    else wait(claimed);
    return hasHeard;
  }

  async function tryDue(): Promise<void> {
    const now = clock.now();
    const due = [...waiting.values()].filter(({ nextAttempt }) => nextAttempt <= now);
    for (let at = 0; at < due.length; at += mostAtOnce) await Promise.all(due.slice(at, at + mostAtOnce).map(attempt));
  }

  async function look(): Promise<void> {
    const now = clock.now();
    for (const delivery of await storage.logoutDeliveries.list()) {
      if (delivery.expiry > now && !trying.has(delivery.id)) waiting.set(delivery.id, delivery);
    }
  }

  /** Until something is due, or waits that did not before. */
  async function rest(nextLook: number, signal: AbortSignal): Promise<void> {
    let until = nextLook;
    for (const { nextAttempt } of waiting.values()) until = Math.min(until, nextAttempt);
    const pause = millis(Math.max(shortestPause, until - clock.now()));
    await clock.sleep(pause, AbortSignal.any([signal, wake.signal])).catch(() => undefined);
  }

  return {
    async tell(deliveries) {
      const heard = new Set<string>();
      const all = Promise.all(
        deliveries.map(async (delivery) => {
          if (await attempt(delivery)) heard.add(delivery.clientId);
        }),
      );
      const inTime = new AbortController();
      await Promise.race([all, clock.sleep(patience, inTime.signal).catch(() => undefined)]);
      inTime.abort();
      return new Set(heard);
    },
    async run(signal) {
      for (let nextLook = clock.now(); !signal.aborted; ) {
        wake = new AbortController();
        try {
          if (clock.now() >= nextLook) {
            nextLook = clock.now() + lookInterval;
            await look();
          }
          await tryDue();
        } catch (error) {
          logger.error("logout deliveries could not be read", {}, error);
        }
        await rest(nextLook, signal);
      }
    },
  };
}

/** Moves the next attempt on; undefined: somebody else has the delivery, or the client has heard. */
async function claim(delivery: LogoutDelivery, { storage, clock }: CourierDeps): Promise<LogoutDelivery | undefined> {
  let claimed: LogoutDelivery | undefined;
  await storage.logoutDeliveries.update(delivery.id, (current) => {
    claimed = undefined;
    if (current.attempts !== delivery.attempts) return current;
    const attempts = current.attempts + 1;
    claimed = { ...current, attempts, nextAttempt: clock.now() + pauseAfter(attempts) };
    return claimed;
  });
  return claimed;
}

/** True for any 2xx: RFC 9110 leaves clients the choice between 200 and 204. A redirect is not followed (SSRF). */
async function post(client: Client, delivery: LogoutDelivery, deps: CourierDeps): Promise<boolean> {
  const { id: clientId, backchannelLogoutUri } = client;
  const fields = { client_id: clientId, session_id: delivery.sessionId, attempt: delivery.attempts };
  try {
    await mayCall(backchannelLogoutUri);
    const token = await logoutToken(delivery, { clientId, sessionId: delivery.sessionId }, deps.mint);
    const response = await deps.fetch(backchannelLogoutUri, {
      method: "POST",
      redirect: "manual",
      headers: { "content-type": "application/x-www-form-urlencoded", "cache-control": "no-cache, no-store" },
      body: new URLSearchParams({ logout_token: token }).toString(),
    });
    await response.body?.cancel();
    if (response.ok) {
      deps.logger.info("client heard of the logout", fields);
      return true;
    }
    deps.logger.warn("client refused to hear of the logout", { ...fields, status: response.status });
  } catch (error) {
    deps.logger.warn("client could not be told of the logout", fields, error);
  }
  return false;
}
