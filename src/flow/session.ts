import type { AuthSession, Client, ClientState } from "../storage/records.ts";
import type { SessionPolicy } from "./session-contract.ts";

/** When the person last proved who they are in this browser. Dex's sessions tell it by their clients. OIDC Core §2 `auth_time`. */
export function authTimeOf(session: AuthSession): number {
  const { authTime } = session.extra ?? {};
  if (authTime !== undefined) return authTime;
  const times = Object.values(session.clientStates).map(({ authenticatedAt }) => authenticatedAt);
  return times.length === 0 ? session.createdAt : Math.max(...times);
}

/** Milliseconds for which a login proves that its person is still there: what would keep them out later takes no less. */
export const freshness = 5 * 60_000;

/** How a session reaches a client: it has been there, another client shares it, or not at all. */
export type Reach = "own" | "shared" | "none";

/** Clients that may be asked whether they share: those the person signed in to directly. Sharing is not transitive. compat(dex). */
export const sharingCandidates = (session: AuthSession, clientId: string): readonly string[] =>
  Object.hasOwn(session.clientStates, clientId)
    ? []
    : Object.entries(session.clientStates)
        .filter(([id, { viaSso }]) => !viaSso && id !== clientId)
        .map(([id]) => id);

/** Whether `source` lets `clientId` reuse a login to it. One way only. compat(dex): server/session. */
export function sharesWith(
  source: Client,
  clientId: string,
  { ssoSharedWithDefault }: Pick<SessionPolicy, "ssoSharedWithDefault">,
): boolean {
  const list = source.ssoSharedWith;
  if (list === undefined) return ssoSharedWithDefault === "all";
  return list.includes("*") || list.includes(clientId);
}

/** Sessions are written at most this often for their activity's sake: by it an unused one may end early. */
const activityInterval = ({ validIfNotUsedFor }: SessionPolicy): number => Math.min(60_000, validIfNotUsedFor / 10);

/** Whether a use of the session by `clientId` has anything to write. */
export function isUseWorthWriting(session: AuthSession, clientId: string, now: number, policy: SessionPolicy): boolean {
  return !Object.hasOwn(session.clientStates, clientId) || now - session.lastActivity >= activityInterval(policy);
}

/** The state of a client that uses the session now. */
export function usedState(before: ClientState | undefined, session: AuthSession, now: number): ClientState {
  return {
    authenticatedAt: before?.authenticatedAt ?? authTimeOf(session),
    lastActivity: now,
    lastTokenIssuedAt: now,
    viaSso: before?.viaSso ?? true,
  };
}
