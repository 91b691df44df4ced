import { revokeSession } from "../flow/end-session.ts";
import type { AuthSession, UserKey } from "../storage/records.ts";
import { endFamily } from "../token/end-family.ts";
import { personMark } from "../token/revocations.ts";
import { encodeSubject } from "../token/subject.ts";
import type * as api from "./api-messages.ts";
import type { AdminDeps, Methods } from "./contract.ts";
import { endFamiliesOf } from "./refresh-tokens.ts";
import { demand, demandPeopleFlag, doing, Refusal } from "./refusal.ts";
import { seconds } from "./seconds.ts";

/** Where people are signed in. */
export const sessionMethods: Pick<
  Methods<api.DexMethods>,
  | "GetAuthSession"
  | "ListAuthSessions"
  | "DeleteAuthSession"
  | "TerminateSessionsByConnector"
  | "TerminateSessionsByUser"
> = {
  async GetAuthSession({ id }, deps) {
    demandPeopleFlag(deps);
    demand(id, "no id supplied");
    const session = await doing("get auth session", deps.storage.authSessions.get(id));
    if (session === undefined) throw new Refusal("not found");
    return { session: shown(session) };
  },

  async ListAuthSessions({ user_id: userId, connector_id: connectorId }, deps) {
    demandPeopleFlag(deps);
    const { authSessions } = deps.storage;
    const isOnePerson = userId !== "" && connectorId !== "";
    const found = isOnePerson ? authSessions.listOfUser({ userId, connectorId }) : authSessions.list();
    const sessions = await doing("list auth sessions", found);
    const wanted = sessions.filter(
      (session) =>
        (userId === "" || session.userId === userId) && (connectorId === "" || session.connectorId === connectorId),
    );
    return { sessions: wanted.map(shown) };
  },

  async DeleteAuthSession({ id }, deps) {
    demandPeopleFlag(deps);
    demand(id, "no id supplied");
    const session = await doing("get auth session", deps.storage.authSessions.get(id));
    if (session === undefined) return { not_found: true };
    await doing("delete auth session", endWithTokens(session, deps));
    return { not_found: false };
  },

  async TerminateSessionsByConnector({ connector_id: connectorId }, deps) {
    demandPeopleFlag(deps);
    demand(connectorId, "no connector_id supplied");
    return terminate((owner) => owner.connectorId === connectorId, deps);
  },

  async TerminateSessionsByUser({ user_id: userId }, deps) {
    demandPeopleFlag(deps);
    demand(userId, "no user_id supplied");
    return terminate((owner) => owner.userId === userId, deps);
  },
};

/** Cuts off somebody who is gone: their sessions, their refresh tokens, and whatever else was issued for them until now. */
export async function revokePerson(user: UserKey, deps: AdminDeps): Promise<void> {
  const now = deps.clock.now();
  await deps.revocations.revoke(personMark(encodeSubject(user)), now + deps.mint.lifetime, now);
  for (const session of await deps.storage.authSessions.listOfUser(user)) await endWithTokens(session, deps);
  await endFamiliesOf(user, "", deps);
}

/** Refresh tokens too whose session grew old and went: who ends everything means those first of all. */
async function terminate(
  isMeant: (owner: UserKey) => boolean,
  deps: AdminDeps,
): Promise<api.TerminateSessionsByUserResp> {
  const sessions = await doing("list auth sessions", deps.storage.authSessions.list());
  let terminated = 0;
  for (const session of sessions.filter(isMeant)) {
    await doing("delete auth session", endWithTokens(session, deps));
    terminated++;
  }
  const families = await doing("list refresh tokens", deps.storage.refreshTokens.list());
  for (const family of families) {
    if (isMeant({ userId: family.claims.userId, connectorId: family.connectorId }))
      await doing("revoke refresh token", endFamily(family, deps));
  }
  return { sessions_terminated: terminated };
}

/** compat(dex): an administrator who ends a session means the person: whatever they hold ends, at other clients and on other devices too. */
async function endWithTokens(session: AuthSession, deps: AdminDeps): Promise<void> {
  await revokeSession(session, deps);
  await endFamiliesOf(session, "", deps);
}

const shown = (session: AuthSession): api.AuthSession => ({
  id: session.id,
  user_id: session.userId,
  connector_id: session.connectorId,
  client_states: Object.entries(session.clientStates).map(([clientId, state]) => ({
    client_id: clientId,
    authenticated_at: seconds(state.authenticatedAt),
    last_activity: seconds(state.lastActivity),
    last_token_issued_at: seconds(state.lastTokenIssuedAt),
    via_sso: state.viaSso,
  })),
  created_at: seconds(session.createdAt),
  last_activity: seconds(session.lastActivity),
  ip_address: session.ipAddress,
  user_agent: session.userAgent,
  absolute_expiry: seconds(session.absoluteExpiry),
  idle_expiry: seconds(session.idleExpiry),
});
