import { createHash } from "node:crypto";
import { idFromBytes } from "../kernel/ids.ts";
import { AlreadyExistsError, type Storage } from "../storage/contract.ts";
import type { AuthSession, Client, LogoutDelivery } from "../storage/records.ts";
import { type EndFamilyDeps, endFamily } from "../token/end-family.ts";
import { originSession } from "../token/origin-session.ts";
import { sessionMark } from "../token/revocations.ts";
import { endsWithSession } from "../token/session-life.ts";

/** For how long a client that does not answer is told again. */
const deliveryLifetime = 3 * 24 * 3_600_000;

export interface EndDeps extends EndFamilyDeps {
  readonly storage: Pick<
    Storage,
    "authSessions" | "clients" | "logoutDeliveries" | "refreshTokens" | "offlineSessions"
  >;
  /** Tells the clients now; whatever fails is in storage and tried again. */
  readonly tellClients: TellClients;
}

/** Resolves to the ids of the clients that heard, once each was tried or time is up. Never rejects. */
export type TellClients = (deliveries: readonly LogoutDelivery[]) => Promise<ReadonlySet<string>>;

/** What ended with a session. */
export interface EndedSession {
  readonly session: AuthSession;
  /** The clients that were in it and still exist. */
  readonly clients: readonly Client[];
  /** The clients that are told by us, and those of them that have heard. */
  readonly listening: readonly Client[];
  readonly told: Promise<ReadonlySet<string>>;
}

/**
 * Ends a session because somebody took it back, its person or an administrator: more than a logout, everything that it
 * gave ends with it, whatever its clients' `refreshTokenLifetime` says. Access tokens first: a crash in between leaves
 * the safer state.
 */
export async function revokeSession(session: AuthSession, deps: EndDeps): Promise<void> {
  await deps.revocations.revoke(sessionMark(session.id), deps.clock.now() + deps.mint.lifetime);
  await endSession(session, deps);
  for (const family of await deps.storage.refreshTokens.listOfUser(session)) {
    if ((await originSession(family, deps.storage)) === session.id) await endFamily(family, deps);
  }
}

/**
 * Ends a session: its clients are to hear of it, it is gone, and what was to end with it ends. In this order, so that a
 * crash in between leaves clients that were told too early rather than never. Done twice at once, clients hear once.
 */
export async function endSession(session: AuthSession, deps: EndDeps): Promise<EndedSession> {
  const found = await Promise.all(Object.keys(session.clientStates).map((id) => deps.storage.clients.get(id)));
  const clients = found.filter((client) => client !== undefined);
  const listening = clients.filter(({ backchannelLogoutUri }) => backchannelLogoutUri !== "");
  const deliveries = await noteDeliveries(session, listening, deps);
  await deps.storage.authSessions.delete(session.id);
  const told = deps.tellClients(deliveries);
  await endBoundTokens(session, clients, deps);
  return { session, clients, listening, told };
}

async function noteDeliveries(
  session: AuthSession,
  listening: readonly Client[],
  { storage, clock }: EndDeps,
): Promise<readonly LogoutDelivery[]> {
  const now = clock.now();
  const noted = await Promise.all(
    listening.map(async ({ id: clientId }) => {
      const delivery: LogoutDelivery = {
        id: deliveryId(session.id, clientId),
        clientId,
        sessionId: session.id,
        userId: session.userId,
        connectorId: session.connectorId,
        createdAt: now,
        attempts: 0,
        nextAttempt: now,
        expiry: now + deliveryLifetime,
      };
      try {
        await storage.logoutDeliveries.create(delivery);
        return delivery;
      } catch (error) {
        if (!(error instanceof AlreadyExistsError)) throw error;
        return undefined;
      }
    }),
  );
  return noted.filter((delivery) => delivery !== undefined);
}

/** One per session and client, however many requests end the session at once. */
const deliveryId = (sessionId: string, clientId: string): string =>
  `ld1${idFromBytes(
    createHash("sha256")
      .update(JSON.stringify([sessionId, clientId]))
      .digest()
      .subarray(0, 16),
  )}`;

/** Refresh tokens of clients that asked for it end with the session. compat(dex): all others stay, the asking client's too. */
async function endBoundTokens(session: AuthSession, clients: readonly Client[], deps: EndDeps): Promise<void> {
  const bound = new Set(clients.filter(endsWithSession).map(({ id }) => id));
  if (bound.size === 0) return;
  for (const family of await deps.storage.refreshTokens.listOfUser(session)) {
    if (!bound.has(family.clientId)) continue;
    if ((await originSession(family, deps.storage)) === session.id) await endFamily(family, deps);
  }
}
