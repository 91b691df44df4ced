import { newId, newUuid } from "../kernel/ids.ts";
import { secretEqual } from "../kernel/secret-equal.ts";
import { OAuthError } from "../oauth/error.ts";
import { grantTypes } from "../oauth/grant-type.ts";
import { challengeOf } from "../oauth/pkce.ts";
import { scopes as scopeNames } from "../oauth/scope.ts";
import { AlreadyExistsError } from "../storage/contract.ts";
import type { AuthCode, RedeemedCode } from "../storage/records.ts";
import type { TokenAnswer } from "../token/answer.ts";
import { type Authorized, mustAuthorize } from "../token/authorize.ts";
import { codeRecordIds } from "../token/code.ts";
import { mintTokens } from "../token/id-token.ts";
import { formatRefreshToken } from "../token/refresh-secret.ts";
import { trustedBy } from "../token/trusted-peers.ts";
import { answerOf } from "./answer-of.ts";
import { endReplayedCode } from "./code-replay.ts";
import type { Grant, GrantContext, GrantDeps } from "./contract.ts";
import { beginFamily } from "./refresh-family.ts";

const invalidCode = "Invalid or expired code parameter.";

/** RFC 6749 §4.1.3. A wrong verifier or redirect URI does not spend the code; its holder may try again. */
export const authorizationCodeGrant: Grant = {
  grantType: grantTypes.authorizationCode,
  async redeem(params, context, deps) {
    const presented = params.get("code");
    if (presented === undefined) throw new OAuthError("invalid_request", "Required param: code.");
    const code = await findCode(presented, context, deps);
    checkPkce(code, params.get("code_verifier"));
    // Compared as text, absent as empty. RFC 6749 §4.1.3.
    if (code.redirectUri !== (params.get("redirect_uri") ?? "")) {
      throw new OAuthError("invalid_grant", "redirect_uri did not match URI from initial request.");
    }
    const { authorized, mayRefresh } = await authorizeCode(code, context, deps);
    const redeemed = tombstone(code, mayRefresh ? newId(deps.random) : "", deps);
    await spendCode(redeemed, deps);
    return issue({ code, presented, authorized, redeemed }, context, deps);
  },
};

async function findCode(presented: string, context: GrantContext, deps: GrantDeps): Promise<AuthCode> {
  const ids = codeRecordIds(deps.codeKey, presented);
  for (const id of ids) {
    const code = await deps.storage.authCodes.get(id);
    if (code === undefined) continue;
    if (code.clientId === context.client.id && deps.clock.now() <= code.expiry) return code;
    const because = code.clientId === context.client.id ? "it has expired" : "it belongs to another client";
    context.trail.note({ check: "code.valid", outcome: "fail", because, spec: "RFC 6749 §5.2" });
    throw new OAuthError("invalid_grant", invalidCode);
  }
  await endReplayedCode(ids, context, deps);
  throw new OAuthError("invalid_grant", invalidCode);
}

/** The method recorded at the authorization endpoint decides, so that S256 cannot be talked down. RFC 7636 §4.6. */
function checkPkce(code: AuthCode, verifier: string | undefined): void {
  if (code.codeChallenge === "") {
    if (verifier === undefined) return;
    throw new OAuthError("invalid_request", "No PKCE flow started. Cannot check code_verifier.");
  }
  if (verifier === undefined) throw new OAuthError("invalid_grant", "Expecting parameter code_verifier in PKCE flow.");
  if (!secretEqual(challengeOf(verifier, code.codeChallengeMethod), code.codeChallenge)) {
    throw new OAuthError("invalid_grant", "Invalid code_verifier.");
  }
}

async function authorizeCode(
  code: AuthCode,
  context: GrantContext,
  deps: GrantDeps,
): Promise<{ readonly authorized: Authorized; readonly mayRefresh: boolean }> {
  const connector = (await deps.connectors.list()).find(({ id }) => id === code.connectorId);
  const authorized = mustAuthorize(
    {
      client: context.client,
      grant: grantTypes.authorizationCode,
      connector,
      subject: { userId: code.claims.userId, connectorId: code.connectorId },
      claims: code.claims,
      scopes: code.scopes,
      namedClaims: code.extra?.namedClaims,
      trustedBy: await trustedBy(context.client.id, code.scopes, deps.storage.clients),
      blockedUntil: 0,
      now: deps.clock.now(),
    },
    context.trail,
  );
  if (!code.scopes.includes(scopeNames.offlineAccess) || connector === undefined)
    return { authorized, mayRefresh: false };
  const isAllowed = connector.grantTypes.length === 0 || connector.grantTypes.includes(grantTypes.refreshToken);
  const open = isAllowed ? await deps.connectors.open(connector.id) : undefined;
  const mayRefresh = open?.connector.refresh !== undefined;
  const because = mayRefresh
    ? `connector ${connector.id} can refresh`
    : `connector ${connector.id} cannot refresh or may not`;
  context.trail.note({
    check: "refresh.offered",
    outcome: mayRefresh ? "pass" : "skip",
    because,
    spec: "OIDC Core §11",
  });
  return { authorized, mayRefresh };
}

/**
 * Of several redemptions at once one writes the tombstone, and it alone goes on. The code is deleted after that, so
 * that at every moment the one or the other is there: a resubmitted form can never bring a spent code back.
 */
async function spendCode(redeemed: RedeemedCode, deps: GrantDeps): Promise<void> {
  try {
    await deps.storage.redeemedCodes.create(redeemed);
  } catch (error) {
    if (!(error instanceof AlreadyExistsError)) throw error;
    throw new OAuthError("invalid_grant", invalidCode, { detail: "another request redeemed it first" });
  }
}

interface Redemption {
  readonly code: AuthCode;
  readonly presented: string;
  readonly authorized: Authorized;
  readonly redeemed: RedeemedCode;
}

async function issue(
  { code, presented, authorized, redeemed }: Redemption,
  context: GrantContext,
  deps: GrantDeps,
): Promise<TokenAnswer> {
  const { refreshTokenId, accessTokenId } = redeemed;
  const authTime = code.authTime > 0 ? { authTime: code.authTime } : {};
  const session = code.sessionId === "" ? {} : { sessionId: code.sessionId };
  const acr = code.extra?.acr === undefined ? {} : { acr: code.extra.acr };
  const [minted, secret] = await Promise.all([
    mintTokens(
      authorized,
      { nonce: code.nonce, ...authTime, ...session, ...acr, code: presented, access: true, id: true, accessTokenId },
      deps.mint,
    ),
    refreshTokenId === "" ? undefined : beginFamily(refreshTokenId, code, deps),
    deps.storage.authCodes.delete(code.id),
  ]);
  deps.answered.remember(context.connection, code.id);
  return answerOf(minted, deps, secret === undefined ? undefined : formatRefreshToken(refreshTokenId, secret));
}

function tombstone(code: AuthCode, refreshTokenId: string, deps: GrantDeps): RedeemedCode {
  const redeemedAt = deps.clock.now();
  const accessTokenExpiry = redeemedAt + deps.mint.lifetime;
  return {
    id: code.id,
    clientId: code.clientId,
    redeemedAt,
    refreshTokenId,
    accessTokenId: newUuid(deps.random),
    accessTokenExpiry,
    // As long as a replay could matter: while the token lives, or the request could be answered again.
    expiry: Math.max(accessTokenExpiry, redeemedAt + deps.requestLifetime, code.expiry),
  };
}
