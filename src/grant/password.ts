import type { Identity, OpenConnector } from "../connector/contract.ts";
import { UnavailableError } from "../kernel/errors.ts";
import { newId } from "../kernel/ids.ts";
import { Secret } from "../kernel/secret.ts";
import { OAuthError } from "../oauth/error.ts";
import { grantTypes } from "../oauth/grant-type.ts";
import { parseScope, scopes as scopeNames } from "../oauth/scope.ts";
import type { TokenAnswer } from "../token/answer.ts";
import type { Authorized } from "../token/authorize.ts";
import { grantTagOf, newGrantTag } from "../token/grant-tag.ts";
import { mintTokens } from "../token/id-token.ts";
import { claimsOf } from "../token/identity-claims.ts";
import { formatRefreshToken } from "../token/refresh-secret.ts";
import { answerOf } from "./answer-of.ts";
import type { Grant, GrantContext, GrantDeps, GrantParams } from "./contract.ts";
import { authorizePerson, loginOf, mayRefresh, nobody } from "./person.ts";
import { beginFamily } from "./refresh-family.ts";

/**
 * RFC 6749 §4.3, at the connector that `oauth2.passwordConnector` names. Every policy that needs no person is asked
 * before the password is tried: who may not have tokens must not test passwords either.
 */
export const passwordGrant: Grant = {
  grantType: grantTypes.password,
  async redeem(params, context, deps) {
    const connectorId = deps.passwordConnector ?? "";
    const scopes = parseScope(params.get("scope") ?? "");
    if (!scopes.includes(scopeNames.openid))
      throw new OAuthError("invalid_scope", `Missing required scope(s) ["openid"].`);
    const request = { grant: grantTypes.password, connectorId, scopes };
    await authorizePerson({ ...request, claims: nobody, shown: {} }, context, deps);
    const open = await deps.connectors.open(connectorId);
    const identity = await logIn(open, scopes, params, context, deps);
    const claims = claimsOf(identity);
    const authorized = await authorizePerson({ ...request, claims, shown: {} }, context, deps);
    return issue({ authorized, identity, connectorId, scopes, nonce: params.get("nonce") ?? "" }, context, deps);
  },
};

async function logIn(
  open: OpenConnector | undefined,
  scopes: readonly string[],
  params: GrantParams,
  context: GrantContext,
  { attempts }: GrantDeps,
): Promise<Identity> {
  if (open?.connector.kind !== "password") {
    throw new OAuthError("invalid_request", "Requested password connector does not correct type.");
  }
  const username = params.get("username") ?? "";
  const password = new Secret(params.get("password") ?? "");
  // A client with a secret speaks for many people: its own address says nothing.
  const target = { kind: "password", connectorId: open.info.id, username } as const;
  const attempt = await attempts.begin(
    target,
    context.address === undefined ? {} : { address: context.address },
    context,
  );
  const result = await open.connector
    .login(username, password, loginOf(scopes, context))
    .catch(async (error: unknown) => {
      await attempt.unmade();
      if (error instanceof UnavailableError) throw error;
      throw new OAuthError("server_error", "Could not login user", { cause: error });
    });
  const wasNamed = result.ok && result.identity.userId !== "";
  context.trail.note({
    check: "connector.login",
    outcome: wasNamed ? "pass" : "fail",
    because: result.ok ? `connector ${open.info.id} vouches for the person` : result.reason,
    spec: "RFC 6749 §4.3.2",
    about: { connector_id: open.info.id, client_id: context.client.id, user: username },
  });
  if (result.ok && wasNamed) {
    await attempt.right();
    return result.identity;
  }
  attempt.wrong();
  const reason = result.ok ? "the connector named nobody" : result.reason;
  context.logger.info("login failed", { connector_id: open.info.id, user: username, reason });
  // One answer for every reason: which of them it was tells whether the name exists.
  throw new OAuthError("invalid_grant", "Invalid username or password", { detail: reason });
}

interface Issue {
  readonly authorized: Authorized;
  readonly identity: Identity;
  readonly connectorId: string;
  readonly scopes: readonly string[];
  readonly nonce: string;
}

async function issue(
  { authorized, identity, connectorId, scopes, nonce }: Issue,
  context: GrantContext,
  deps: GrantDeps,
): Promise<TokenAnswer> {
  const isLasting = await mayRefresh(connectorId, scopes, context, deps);
  const familyId = newId(deps.random);
  const grantTag = isLasting ? grantTagOf(deps.refreshKey, familyId) : newGrantTag(deps.random);
  const minted = await mintTokens(authorized, { nonce, access: true, id: true, grantTag }, deps.mint);
  if (!isLasting) return answerOf(minted, deps);
  const origin = {
    clientId: context.client.id,
    connectorId,
    claims: authorized.claims,
    scopes,
    nonce,
    ...(identity.connectorData === undefined ? {} : { connectorData: identity.connectorData }),
    sessionId: "",
    extra: { factors: [] },
  };
  return answerOf(minted, deps, formatRefreshToken(familyId, await beginFamily(familyId, origin, deps)));
}
