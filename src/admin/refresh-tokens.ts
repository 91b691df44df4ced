import type { RefreshToken, UserKey } from "../storage/records.ts";
import { endFamily } from "../token/end-family.ts";
import { decodeSubject } from "../token/subject.ts";
import type * as admin from "./admin-messages.ts";
import type { DexMethods } from "./api-messages.ts";
import type { AdminDeps, Methods } from "./contract.ts";
import { demand, doing, Refusal } from "./refusal.ts";
import { seconds } from "./seconds.ts";

/** Refresh tokens as Dex's tools see them: at most one of a person at a client, which stands for all their devices there. */
export const refreshMethods: Pick<Methods<DexMethods>, "ListRefresh" | "RevokeRefresh"> = {
  async ListRefresh({ user_id: sub }, { storage }) {
    const families = await storage.refreshTokens.listOfUser(subjectOf(sub));
    const newest = new Map<string, RefreshToken>();
    for (const family of families) {
      const known = newest.get(family.clientId);
      if (known === undefined || known.lastUsed < family.lastUsed) newest.set(family.clientId, family);
    }
    return {
      refresh_tokens: [...newest.values()].map(({ id, clientId, createdAt, lastUsed }) => ({
        id,
        client_id: clientId,
        // compat(dex): here an unset time is the year 1, and not 0.
        created_at: Math.floor(createdAt / 1000),
        last_used: Math.floor(lastUsed / 1000),
      })),
    };
  },

  async RevokeRefresh({ user_id: sub, client_id: clientId }, deps) {
    const user = subjectOf(sub);
    const wasReferred = await forgetReference(user, clientId, deps);
    const count = await endFamiliesOf(user, clientId, deps);
    return { not_found: count === 0 && !wasReferred };
  },
};

/** Refresh tokens as they are: one for each login. */
export const familyMethods: Pick<
  Methods<admin.AdminMethods>,
  "ListRefreshTokens" | "RevokeRefreshToken" | "RevokeRefreshTokens"
> = {
  async ListRefreshTokens({ user_id: userId, connector_id: connectorId, client_id: clientId }, { storage }) {
    if ((userId === "") !== (connectorId === "")) throw new Refusal("user_id and connector_id go together");
    const { refreshTokens } = storage;
    const found = userId === "" ? refreshTokens.list() : refreshTokens.listOfUser({ userId, connectorId });
    const families = await doing("list refresh tokens", found);
    return {
      refresh_tokens: families.filter((family) => clientId === "" || family.clientId === clientId).map(shown),
    };
  },

  async RevokeRefreshToken({ id }, deps) {
    demand(id, "no id supplied");
    const family = await doing("revoke refresh token", deps.storage.refreshTokens.get(id));
    if (family === undefined) return { not_found: true };
    await doing("revoke refresh token", endFamily(family, deps));
    return { not_found: false };
  },

  async RevokeRefreshTokens({ user_id: userId, connector_id: connectorId, client_id: clientId }, deps) {
    demand(userId, "no user_id supplied");
    demand(connectorId, "no connector_id supplied");
    const count = await doing("revoke refresh tokens", endFamiliesOf({ userId, connectorId }, clientId, deps));
    return { refresh_tokens_revoked: count };
  },
};

/** Ends what a person holds, at one client or (empty) at all of them. Resolves to how many there were. */
export async function endFamiliesOf(user: UserKey, clientId: string, deps: AdminDeps): Promise<number> {
  const families = await deps.storage.refreshTokens.listOfUser(user);
  const ending = families.filter((family) => clientId === "" || family.clientId === clientId);
  for (const family of ending) await endFamily(family, deps);
  return ending.length;
}

/** What Dex left may point to a token that is gone. */
async function forgetReference(user: UserKey, clientId: string, { storage }: AdminDeps): Promise<boolean> {
  let isThere = false;
  await storage.offlineSessions.update(user, (current) => {
    isThere = Object.hasOwn(current.refresh, clientId);
    if (!isThere) return current;
    const { [clientId]: _, ...refresh } = current.refresh;
    return { ...current, refresh };
  });
  return isThere;
}

function subjectOf(sub: string): UserKey {
  const subject = decodeSubject(sub);
  if (subject === undefined) throw new Refusal("user_id is no `sub` claim of ours");
  return subject;
}

const shown = ({
  id,
  clientId,
  claims,
  connectorId,
  scopes,
  createdAt,
  lastUsed,
  extra,
}: RefreshToken): admin.RefreshToken => ({
  id,
  client_id: clientId,
  user_id: claims.userId,
  connector_id: connectorId,
  scopes,
  created_at: seconds(createdAt),
  last_used: seconds(lastUsed),
  session_id: extra?.sessionId ?? "",
});
