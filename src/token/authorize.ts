/**
 * The one place that decides whether tokens may be issued. Every grant and every response of `/auth`
 * passes through {@link authorize}, a pure function, and minting takes nothing but the {@link Authorized}
 * that it returns; so a new grant cannot forget a policy.
 */

import type { Trail } from "../kernel/ports.ts";
import { type NamedClaims, scopesAskedFor } from "../oauth/claims-request.ts";
import { OAuthError, type OAuthErrorCode } from "../oauth/error.ts";
import type { GrantType } from "../oauth/grant-type.ts";
import { audiencesOf, quoteList, scopes as scopeNames, unknownScopes } from "../oauth/scope.ts";
import type { Claims, Client } from "../storage/records.ts";
import type { Subject } from "./subject.ts";

/** What of a connector matters to policy. */
export interface ConnectorFacts {
  readonly id: string;
  readonly type: string;
  /** Empty: all. */
  readonly grantTypes: readonly string[];
}

/** Everything the decision rests on, read beforehand. */
export interface IssuanceRequest {
  readonly client: Client;
  readonly grant: GrantType;
  /** The login's connector; absent when no person is involved (client_credentials), or when it no longer exists. */
  readonly connector: ConnectorFacts | undefined;
  readonly subject: Subject;
  readonly claims: Claims;
  readonly scopes: readonly string[];
  /** Claims asked for one by one; each is judged as the scope it is part of. OIDC Core §5.5. */
  readonly namedClaims?: NamedClaims | undefined;
  /** The clients among the asked audiences that list this client in their `trustedPeers`. */
  readonly trustedBy: ReadonlySet<string>;
  /** Second factors that the client demands and the person has not proved. */
  readonly missingFactors: readonly string[];
  /** Milliseconds since the epoch; the account is locked until then. */
  readonly blockedUntil: number;
  readonly now: number;
}

/** The policies, by the name that the trail and the tests use. */
export type Policy =
  | "grant.client_kind"
  | "grant.connector_exists"
  | "client.allowed_connectors"
  | "connector.grant_types"
  | "scope.known"
  | "scope.grant"
  | "audience.trusted"
  | "user.blocked"
  | "factor.proved";

export type Verdict =
  | { readonly allow: true; readonly authorized: Authorized }
  | { readonly allow: false; readonly policy: Policy; readonly error: OAuthError };

const proof: unique symbol = Symbol("authorized");

/** The proof that policy allowed this issuance. Only {@link authorize} makes one. */
export interface Authorized {
  readonly [proof]: true;
  readonly client: Client;
  readonly subject: Subject;
  readonly claims: Claims;
  readonly scopes: readonly string[];
  readonly namedClaims: NamedClaims;
  /** In the order of the `aud` claim. */
  readonly audience: readonly string[];
}

interface Rule {
  readonly policy: Policy;
  readonly spec?: string;
  /** Why not, or undefined if this rule has no objection. */
  readonly objection: (request: IssuanceRequest) => readonly [OAuthErrorCode, string] | undefined;
}

const isForPerson = (grant: GrantType): boolean => grant !== "client_credentials";

const rules: readonly Rule[] = [
  {
    policy: "grant.client_kind",
    spec: "RFC 6749 §4.4",
    objection: ({ client, grant }) =>
      // A secret that is empty proves nothing, whatever the flag says.
      grant === "client_credentials" && (client.public || client.secret.reveal() === "")
        ? ["unauthorized_client", "Public clients cannot use client_credentials grant."]
        : undefined,
  },
  {
    policy: "client.allowed_connectors",
    objection: ({ client, grant, subject }) =>
      isForPerson(grant) &&
      client.allowedConnectors.length > 0 &&
      !client.allowedConnectors.includes(subject.connectorId)
        ? [refusal(grant), "Connector not allowed for this client."]
        : undefined,
  },
  {
    policy: "grant.connector_exists",
    objection: ({ connector, grant }) =>
      isForPerson(grant) && connector === undefined
        ? [isNamed(grant) ? "invalid_request" : refusal(grant), "Requested connector does not exist."]
        : undefined,
  },
  {
    policy: "connector.grant_types",
    objection: ({ connector, grant }) =>
      connector !== undefined && connector.grantTypes.length > 0 && !connector.grantTypes.includes(grant)
        ? ["invalid_request", "Requested connector does not support this grant type."]
        : undefined,
  },
  {
    policy: "user.blocked",
    objection: ({ blockedUntil, now, grant }) =>
      isForPerson(grant) && blockedUntil > now ? [refusal(grant), "The account is locked."] : undefined,
  },
  {
    policy: "factor.proved",
    objection: ({ grant, missingFactors }) =>
      isForPerson(grant) && missingFactors.length > 0
        ? [refusal(grant), "A second factor is required. Sign in with a browser."]
        : undefined,
  },
  {
    policy: "scope.known",
    spec: "RFC 6749 §3.3",
    objection: ({ scopes }) => {
      const unknown = unknownScopes(scopes);
      return unknown.length > 0 ? ["invalid_scope", `Unrecognized scope(s) ${quoteList(unknown)}`] : undefined;
    },
  },
  {
    policy: "scope.grant",
    objection: ({ grant, scopes: requested, namedClaims }) => {
      if (grant !== "client_credentials") return undefined;
      const scopes = scopesAskedFor(requested, namedClaims);
      const personal = [scopeNames.offlineAccess, scopeNames.federatedId].find((scope) => scopes.includes(scope));
      return personal === undefined
        ? undefined
        : ["invalid_scope", `client_credentials grant does not support ${personal} scope.`];
    },
  },
  {
    policy: "audience.trusted",
    objection: ({ client, scopes, trustedBy }) => {
      const distrusted = scopes.filter((scope) =>
        audiencesOf([scope]).some((peer) => peer !== client.id && !trustedBy.has(peer)),
      );
      return distrusted.length > 0
        ? ["invalid_scope", `Client can't request scope(s) ${quoteList(distrusted)}`]
        : undefined;
    },
  },
];

/** Token exchange names the connector in its own request. RFC 8693 §2.2.2. */
const isNamed = (grant: GrantType): boolean => grant === "urn:ietf:params:oauth:grant-type:token-exchange";

/** A spent right is `invalid_grant`; a right that is still to be asked for is `access_denied`. RFC 6749 §5.2, §4.1.2.1. */
const refusal = (grant: GrantType): OAuthErrorCode => (grant === "implicit" ? "access_denied" : "invalid_grant");

/** Allows or refuses one issuance. Pure; every rule it asked is noted on `trail`. */
export function authorize(request: IssuanceRequest, trail: Trail): Verdict {
  for (const rule of rules) {
    const objection = rule.objection(request);
    if (objection !== undefined) {
      const [code, description] = objection;
      trail.note({ check: rule.policy, outcome: "fail", because: description, ...specOf(rule) });
      return { allow: false, policy: rule.policy, error: new OAuthError(code, description, { detail: rule.policy }) };
    }
  }
  trail.note({
    check: "issuance.authorized",
    outcome: "pass",
    because: `${request.grant} for client ${request.client.id}, ${rules.length} policies asked`,
  });
  const { client, subject, claims, scopes, namedClaims } = request;
  const authorized: Authorized = {
    [proof]: true,
    client,
    subject,
    claims,
    scopes,
    namedClaims: namedClaims ?? noNamedClaims,
    audience: audienceFor(client.id, scopes),
  };
  return { allow: true, authorized };
}

const noNamedClaims: NamedClaims = { idToken: [], userinfo: [] };

const specOf = (rule: Rule): { spec?: string } => (rule.spec === undefined ? {} : { spec: rule.spec });

/** {@link authorize}, with the refusal thrown. */
export function mustAuthorize(request: IssuanceRequest, trail: Trail): Authorized {
  const verdict = authorize(request, trail);
  if (!verdict.allow) throw verdict.error;
  return verdict.authorized;
}

/** The peers asked for, in order, and the client itself last, unless it is among them. OIDC Core §2 `aud`. */
function audienceFor(clientId: string, scopes: readonly string[]): readonly string[] {
  const peers = audiencesOf(scopes);
  return peers.includes(clientId) ? peers : [...peers, clientId];
}

/** The same permission with the person's newer claims. @throws {Error} They speak of somebody else. */
export function withClaims(authorized: Authorized, claims: Claims): Authorized {
  if (claims.userId !== authorized.subject.userId) throw new Error("claims of another user");
  return { ...authorized, claims };
}
