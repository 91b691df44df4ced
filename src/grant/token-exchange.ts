import type { Identity } from "../connector/contract.ts";
import { UnavailableError } from "../kernel/errors.ts";
import { Secret } from "../kernel/secret.ts";
import { OAuthError } from "../oauth/error.ts";
import { grantTypes } from "../oauth/grant-type.ts";
import { audienceScope, parseScope, scopes as scopeNames, unknownScopes } from "../oauth/scope.ts";
import { isTokenType, type TokenType, tokenTypes } from "../oauth/token-type.ts";
import type { TokenAnswer } from "../token/answer.ts";
import type { Authorized } from "../token/authorize.ts";
import { multiFactor } from "../token/factor-chain.ts";
import { mintTokens } from "../token/id-token.ts";
import { claimsOf } from "../token/identity-claims.ts";
import { answerOf } from "./answer-of.ts";
import type { Grant, GrantContext, GrantDeps, GrantParams } from "./contract.ts";
import { authorizePerson, loginOf, nobody } from "./person.ts";

/**
 * RFC 8693: a token of an upstream for one of ours. `connector_id` (Dex's own parameter) names the connector that
 * vouches for it, and that connector must check for whom the token was made. Everything is asked before the upstream is.
 */
export const tokenExchangeGrant: Grant = {
  grantType: grantTypes.tokenExchange,
  repeatable: ["audience", "resource"],
  async redeem(params, context, deps) {
    const exchange = readExchange(params);
    const { connectorId, scopes } = exchange;
    const request = { grant: grantTypes.tokenExchange, connectorId, scopes };
    // Whether the upstream asked for several factors is known when it has answered.
    await authorizeTarget({ ...request, claims: nobody, shown: { amr: [multiFactor] } }, exchange, context, deps);
    const identity = await identify(exchange, context, deps);
    const proved = { ...request, claims: claimsOf(identity), shown: { amr: identity.amr } };
    const authorized = await authorizeTarget(proved, exchange, context, deps);
    return issue(authorized, exchange, deps);
  },
};

interface Exchange {
  readonly connectorId: string;
  readonly subjectToken: Secret;
  readonly subjectTokenType: TokenType;
  readonly requestedTokenType: TokenType;
  readonly scopes: readonly string[];
  /** The scopes asked for by name, and whether all of them are granted. */
  readonly granted: readonly string[];
  readonly isNarrowed: boolean;
  /** Whether `audience` was sent: then what is wrong with it is `invalid_target`. */
  readonly hasTarget: boolean;
}

const refused = (description: string): OAuthError => new OAuthError("invalid_request", description);

/** @throws {OAuthError} RFC 8693 §2.1, §2.2.2. What we cannot do is refused: an ignored target is a token for another. */
function readExchange(params: GrantParams): Exchange {
  const subjectTokenType = params.get("subject_token_type") ?? "";
  if (!isTokenType(subjectTokenType)) throw refused("Invalid subject_token_type.");
  const subjectToken = params.get("subject_token");
  if (subjectToken === undefined) throw refused("Missing subject_token");
  const requestedTokenType = params.get("requested_token_type") ?? tokenTypes.accessToken;
  if (!isTokenType(requestedTokenType)) throw refused("Invalid requested_token_type.");
  if (params.get("actor_token") !== undefined || params.get("actor_token_type") !== undefined) {
    throw refused("Delegation by actor_token is not supported.");
  }
  if (params.get("resource") !== undefined) {
    throw new OAuthError("invalid_target", "Name the target as an audience: a client_id.");
  }
  const asked = parseScope(params.get("scope") ?? "");
  const granted = grantable(asked);
  const targets = params.all("audience");
  return {
    connectorId: params.get("connector_id") ?? "",
    subjectToken: new Secret(subjectToken),
    subjectTokenType,
    requestedTokenType,
    scopes: [...granted, ...targets.map(audienceScope)],
    granted,
    isNarrowed: granted.length < asked.length,
    hasTarget: targets.length > 0,
  };
}

/** compat(dex): a word without a meaning is ignored here; RFC 6749 §3.3: then the answer says what is left. No refresh tokens. */
function grantable(asked: readonly string[]): readonly string[] {
  const unknown = new Set(unknownScopes(asked));
  return asked.filter((scope) => !unknown.has(scope) && scope !== scopeNames.offlineAccess);
}

/** RFC 8693 §2.2.2: a target that may not be is `invalid_target`. */
async function authorizeTarget(
  request: Parameters<typeof authorizePerson>[0],
  { hasTarget }: Exchange,
  context: GrantContext,
  deps: GrantDeps,
): Promise<Authorized> {
  try {
    return await authorizePerson(request, context, deps);
  } catch (error) {
    if (!hasTarget || !(error instanceof OAuthError) || error.detail !== "audience.trusted") throw error;
    throw new OAuthError("invalid_target", "The client may not ask for this audience.", { cause: error });
  }
}

async function identify(exchange: Exchange, context: GrantContext, deps: GrantDeps): Promise<Identity> {
  const { connectorId, subjectToken, subjectTokenType, scopes } = exchange;
  const open = await deps.connectors.open(connectorId);
  if (open?.connector.identify === undefined) throw refused("Requested connector does not exist.");
  const result = await open.connector
    .identify(subjectToken, subjectTokenType, loginOf(scopes, context))
    .catch((error: unknown) => {
      if (error instanceof UnavailableError) throw error;
      // What is wrong with a foreign token is for the log: it is somebody's credential.
      throw new OAuthError("invalid_request", unacceptable, { cause: error, detail: "the connector refused it" });
    });
  const isNamed = result.ok && result.identity.userId !== "";
  context.trail.note({
    check: "connector.identify",
    outcome: isNamed ? "pass" : "fail",
    because: result.ok ? `connector ${connectorId} vouches for the subject_token` : result.reason,
    spec: "RFC 8693 §2.1",
  });
  if (result.ok && isNamed) return result.identity;
  const detail = result.ok ? "the connector named nobody" : result.reason;
  context.logger.info("token exchange refused", { connector_id: connectorId, reason: detail });
  throw new OAuthError("invalid_request", unacceptable, { detail });
}

const unacceptable = "The subject_token is not acceptable.";

/** RFC 8693 §2.2.1: the token is in `access_token` whatever it is, and `N_A` says that it is not one to call with. */
async function issue(authorized: Authorized, exchange: Exchange, deps: GrantDeps): Promise<TokenAnswer> {
  const { requestedTokenType, granted, isNarrowed } = exchange;
  const isIdToken = requestedTokenType === tokenTypes.idToken;
  const minted = await mintTokens(authorized, { nonce: "", access: !isIdToken, id: isIdToken }, deps.mint);
  const { token_type, ...answer } = answerOf(
    { ...minted, accessToken: minted.accessToken ?? minted.idToken ?? "" },
    deps,
    undefined,
    isNarrowed ? granted.join(" ") : undefined,
  );
  const { access_token, expires_in, scope } = answer;
  return {
    access_token,
    issued_token_type: requestedTokenType,
    token_type: isIdToken ? "N_A" : token_type,
    expires_in,
    ...(scope === undefined ? {} : { scope }),
  };
}
