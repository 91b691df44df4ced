import { scopes as scopeNames } from "../oauth/scope.ts";
import type { Authorized } from "./authorize.ts";
import { encodeSubject } from "./subject.ts";

/** What a token says beside who it is about. Times are seconds since the epoch. */
export interface TokenFacts {
  readonly issuer: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly tokenId: string;
  readonly nonce?: string;
  readonly authTime?: number;
  readonly sessionId?: string;
  readonly accessTokenHash?: string;
  readonly codeHash?: string;
  readonly acr?: string;
  readonly amr?: readonly string[];
  /** Claims asked for by name in this kind of token. OIDC Core §5.5. */
  readonly named?: readonly string[];
}

/**
 * The payload of an ID or access token as JSON text, members in Dex's order, absent ones left out.
 * OIDC Core §2, §5.1. compat(dex): `groups` and names vanish when empty, `email_verified` does not.
 */
export function claimsJson(authorized: Authorized, facts: TokenFacts): string {
  const { audience, client, claims, subject } = authorized;
  const has = (claim: string, scope: string): boolean =>
    authorized.scopes.includes(scope) || facts.named?.includes(claim) === true;
  const payload: Record<string, unknown> = {
    iss: facts.issuer,
    sub: encodeSubject(subject),
    aud: audience.length === 1 ? audience[0] : audience,
    exp: facts.expiresAt,
    iat: facts.issuedAt,
    jti: facts.tokenId,
  };
  if (audience.length > 1) payload.azp = client.id;
  if (facts.nonce !== undefined && facts.nonce !== "") payload.nonce = facts.nonce;
  if (facts.authTime !== undefined) payload.auth_time = facts.authTime;
  if (facts.sessionId !== undefined && facts.sessionId !== "") payload.sid = facts.sessionId;
  if (facts.accessTokenHash !== undefined) payload.at_hash = facts.accessTokenHash;
  if (facts.codeHash !== undefined) payload.c_hash = facts.codeHash;
  if (facts.acr !== undefined) payload.acr = facts.acr;
  if (facts.amr !== undefined) payload.amr = facts.amr;
  if (has("email", scopeNames.email) && claims.email !== "") payload.email = claims.email;
  if (has("email_verified", scopeNames.email)) payload.email_verified = claims.emailVerified;
  if (has("groups", scopeNames.groups) && claims.groups.length > 0) payload.groups = claims.groups;
  if (has("name", scopeNames.profile) && claims.username !== "") payload.name = claims.username;
  if (has("preferred_username", scopeNames.profile) && claims.preferredUsername !== "") {
    payload.preferred_username = claims.preferredUsername;
  }
  if (has("federated_claims", scopeNames.federatedId)) {
    payload.federated_claims = {
      ...(subject.connectorId === "" ? {} : { connector_id: subject.connectorId }),
      ...(subject.userId === "" ? {} : { user_id: subject.userId }),
    };
  }
  return JSON.stringify(payload);
}
