import { withdrawConsent } from "../flow/withdraw-consent.ts";
import { type UserIdentity, unsetTime } from "../storage/records.ts";
import type { AdminMethods } from "./admin-messages.ts";
import type * as api from "./api-messages.ts";
import type { AdminDeps, Methods } from "./contract.ts";
import { demandPerson, devicesOf, keyOf } from "./factors.ts";
import { demand, demandPeopleFlag, doing, Refusal } from "./refusal.ts";
import { seconds } from "./seconds.ts";
import { revokePerson } from "./sessions.ts";

/** Everybody who has ever signed in. */
export const identityMethods: Pick<
  Methods<api.DexMethods>,
  "GetUserIdentity" | "ListUserIdentities" | "DeleteUserIdentity" | "RevokeConsent"
> = {
  async GetUserIdentity(person, deps) {
    demandPerson(person, deps);
    const identity = await doing("get user identity", deps.storage.userIdentities.get(keyOf(person)));
    if (identity === undefined) throw new Refusal("not found");
    return { identity: shown(identity) };
  },

  async ListUserIdentities(_request, deps) {
    demandPeopleFlag(deps);
    const identities = await doing("list user identities", deps.storage.userIdentities.list());
    return { identities: identities.map(shown) };
  },

  async DeleteUserIdentity(person, deps) {
    demandPerson(person, deps);
    const user = keyOf(person);
    const identity = await doing("delete user identity", deps.storage.userIdentities.get(user));
    if (identity === undefined) return { not_found: true };
    // The identity last: after a crash in between it is still there for whoever tries again.
    await doing("purge auth sessions", revokePerson(user, deps));
    await doing("purge offline sessions", deps.storage.offlineSessions.delete(user));
    await doing("purge password", purgePassword(identity, deps));
    await doing("delete user identity", deps.storage.userIdentities.delete(user));
    deps.blockedUsers.forget(user);
    return { not_found: false };
  },

  async RevokeConsent(request, deps) {
    demandPerson(request, deps);
    const { client_id: clientId } = request;
    demand(clientId, "no client_id supplied");
    const user = keyOf(request);
    const identity = await doing("revoke consent", deps.storage.userIdentities.get(user));
    if (identity === undefined || !Object.hasOwn(identity.consents, clientId)) return { not_found: true };
    await doing("revoke consent", withdrawConsent(user, clientId, deps));
    return { not_found: false };
  },
};

export const blockMethods: Pick<Methods<AdminMethods>, "SetBlockedUntil"> = {
  async SetBlockedUntil(request, deps) {
    demandPerson(request, deps);
    if (request.blocked_until < 0) throw new Refusal("blocked_until is a time, or 0");
    const user = keyOf(request);
    const blockedUntil = request.blocked_until === 0 ? unsetTime : request.blocked_until * 1000;
    const changed = await doing(
      "set blocked until",
      deps.storage.userIdentities.update(user, (known) => ({ ...known, blockedUntil })),
    );
    deps.blockedUsers.forget(user);
    return { not_found: changed === undefined };
  },
};

/**
 * A person of the built-in database loses their password with the rest. Only theirs: Dex deletes whatever password has
 * the same address, and so an identity of one connector could take away somebody's account at another.
 */
async function purgePassword({ claims, connectorId, userId }: UserIdentity, { storage }: AdminDeps): Promise<void> {
  if (connectorId !== "local" || claims.email === "") return;
  const email = claims.email.toLowerCase();
  const password = await storage.passwords.get(email);
  if (password?.userId === userId) await storage.passwords.delete(email);
}

const shown = (identity: UserIdentity): api.UserIdentity => ({
  user_id: identity.userId,
  connector_id: identity.connectorId,
  email: identity.claims.email,
  email_verified: identity.claims.emailVerified,
  username: identity.claims.username,
  groups: identity.claims.groups,
  consents: Object.entries(identity.consents).map(([clientId, scopes]) => ({ client_id: clientId, scopes })),
  mfa_devices: devicesOf(identity),
  created_at: seconds(identity.createdAt),
  last_login: seconds(identity.lastLogin),
  blocked_until: seconds(identity.blockedUntil),
});
