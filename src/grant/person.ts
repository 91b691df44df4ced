import type { Login } from "../connector/contract.ts";
import type { NamedClaims } from "../oauth/claims-request.ts";
import type { GrantType } from "../oauth/grant-type.ts";
import { grantTypes } from "../oauth/grant-type.ts";
import { scopes as scopeNames } from "../oauth/scope.ts";
import type { AuthCodeExtra, Claims } from "../storage/records.ts";
import { type Authorized, mustAuthorize } from "../token/authorize.ts";
import { lackingFactors, type Shown } from "../token/factor-chain.ts";
import { trustedBy } from "../token/trusted-peers.ts";
import type { GrantContext, GrantDeps } from "./contract.ts";

/** Whom tokens are asked for, and how far. */
export interface PersonRequest {
  readonly grant: GrantType;
  readonly connectorId: string;
  readonly claims: Claims;
  readonly scopes: readonly string[];
  readonly namedClaims?: NamedClaims | undefined;
  /** What their login has shown; "dex": Dex asked for its factors, and left no word of them. */
  readonly shown: Shown | "dex";
}

/** Asks every policy whether the client may have tokens about this person. @throws {OAuthError} The first that refuses. */
export async function authorizePerson(
  { grant, connectorId, claims, scopes, namedClaims, shown }: PersonRequest,
  context: GrantContext,
  deps: GrantDeps,
): Promise<Authorized> {
  const subject = { userId: claims.userId, connectorId };
  const connector = await deps.connectors.find(connectorId);
  return mustAuthorize(
    {
      client: context.client,
      grant,
      connector,
      subject,
      claims,
      scopes,
      namedClaims,
      trustedBy: await trustedBy(context.client.id, scopes, deps.storage.clients),
      missingFactors: shown === "dex" ? [] : lackingFactors(context.client, connector, shown, deps.factors),
      blockedUntil: claims.userId === "" ? 0 : await deps.blockedUsers.until(subject),
      now: deps.clock.now(),
    },
    context.trail,
  );
}

/** What is stored of a login that was asked for its factors before, by us or by Dex. */
export const shownBy = (extra: AuthCodeExtra | undefined): PersonRequest["shown"] =>
  extra?.factors === undefined ? "dex" : extra;

/** Nobody yet: {@link authorizePerson} asks with it what can be asked before an upstream is. */
export const nobody: Claims = {
  userId: "",
  username: "",
  preferredUsername: "",
  email: "",
  emailVerified: false,
  groups: [],
};

/** Whether a refresh token goes with the answer: asked for, permitted, and the connector can refresh. OIDC Core §11. */
export async function mayRefresh(
  connectorId: string,
  scopes: readonly string[],
  context: GrantContext,
  deps: GrantDeps,
): Promise<boolean> {
  const connector = await deps.connectors.find(connectorId);
  if (!scopes.includes(scopeNames.offlineAccess) || connector === undefined) return false;
  const isAllowed = connector.grantTypes.length === 0 || connector.grantTypes.includes(grantTypes.refreshToken);
  const open = isAllowed ? await deps.connectors.open(connectorId) : undefined;
  const isOffered = open?.connector.refresh !== undefined;
  context.trail.note({
    check: "refresh.offered",
    outcome: isOffered ? "pass" : "skip",
    because: `connector ${connectorId} ${isOffered ? "can refresh" : "cannot refresh or may not"}`,
    spec: "OIDC Core §11",
  });
  return isOffered;
}

/** What a connector may know of a token request. */
export const loginOf = (scopes: readonly string[], context: GrantContext): Login => ({
  scopes: { offlineAccess: scopes.includes(scopeNames.offlineAccess), groups: scopes.includes(scopeNames.groups) },
  trail: context.trail,
  get signal() {
    return context.signal;
  },
});
