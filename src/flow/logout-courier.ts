import { createOutbox } from "../kernel/outbox.ts";
import { type Clock, type Logger, millis } from "../kernel/ports.ts";
import type { Storage } from "../storage/contract.ts";
import type { Client, LogoutDelivery } from "../storage/records.ts";
import type { MintDeps } from "../token/id-token.ts";
import { logoutToken } from "../token/logout-token.ts";
import type { TellClients } from "./end-session.ts";

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
  /** Ends by itself within seconds, and calls no address at which no client may be. */
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How long the person who signs out waits for clients to hear. */
const patience = millis(3000);
const secondsBetween = [5, 15, 60, 300, 900, 3600] as const;

export function createLogoutCourier(deps: CourierDeps): LogoutCourier {
  const { clock, logger, storage } = deps;
  const outbox = createOutbox<LogoutDelivery>({
    store: storage.logoutDeliveries,
    handOver: (delivery) => hasHeard(delivery, deps),
    secondsBetween,
    lookInterval: 5 * 60_000,
    mostAtOnce: 16,
    postponed: ({ clientId }, error) => logger.warn("logout delivery postponed", { client_id: clientId }, error),
    unreadable: (error) => logger.error("logout deliveries could not be read", {}, error),
    clock,
  });
  return {
    async tell(deliveries) {
      const heard = new Set<string>();
      const all = Promise.all(
        deliveries.map(async (delivery) => {
          if (await outbox.attempt(delivery)) heard.add(delivery.clientId);
        }),
      );
      const inTime = new AbortController();
      await Promise.race([all, clock.sleep(patience, inTime.signal).catch(() => undefined)]);
      inTime.abort();
      return new Set(heard);
    },
    run: outbox.run,
  };
}

/** Also where nobody is left to tell. */
async function hasHeard(delivery: LogoutDelivery, deps: CourierDeps): Promise<boolean> {
  const client = await deps.storage.clients.get(delivery.clientId);
  return client === undefined || client.backchannelLogoutUri === "" || post(client, delivery, deps);
}

/** True for any 2xx: RFC 9110 leaves clients the choice between 200 and 204. A redirect is not followed (SSRF). */
async function post(client: Client, delivery: LogoutDelivery, deps: CourierDeps): Promise<boolean> {
  const { id: clientId, backchannelLogoutUri } = client;
  const fields = { client_id: clientId, session_id: delivery.sessionId, attempt: delivery.attempts };
  try {
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
