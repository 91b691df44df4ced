import { newId } from "../kernel/ids.ts";
import { secretEqual } from "../kernel/secret-equal.ts";
import { followTrace } from "../kernel/span.ts";
import { OAuthError } from "../oauth/error.ts";
import type { GrantType } from "../oauth/grant-type.ts";
import { challengeOf } from "../oauth/pkce.ts";
import type { AuthCode, Pkce } from "../storage/records.ts";
import type { TokenAnswer } from "../token/answer.ts";
import type { Authorized } from "../token/authorize.ts";
import { spentCode } from "../token/code.ts";
import { type GrantTag, grantTagOf, newGrantTag } from "../token/grant-tag.ts";
import { mintTokens } from "../token/id-token.ts";
import { formatRefreshToken } from "../token/refresh-secret.ts";
import { answerOf } from "./answer-of.ts";
import type { GrantContext, GrantDeps } from "./contract.ts";
import { authorizePerson, mayRefresh, shownBy } from "./person.ts";
import { beginFamily } from "./refresh-family.ts";
import { requireSession, requireSessionOf } from "./require-session.ts";

export const invalidCode = "Invalid or expired code parameter.";

/** What is redeemed: the stored code, by which grant, and the code as its client holds it, if it ever saw it. */
export interface Redemption {
  readonly grant: GrantType;
  readonly code: AuthCode;
  readonly presented?: string;
}

/** Asks policy, then spends the code and issues for it. RFC 6749 §4.1.3, OIDC Core §3.1.3. */
export async function redeemCode(redemption: Redemption, context: GrantContext, deps: GrantDeps): Promise<TokenAnswer> {
  const { code, grant } = redemption;
  followTrace(code.extra?.traceparent);
  // The chain was asked for when the code was made, and may have grown since.
  const shown = shownBy(code.extra);
  const authorized = await authorizePerson(
    { ...code, namedClaims: code.extra?.namedClaims, shown, grant },
    context,
    deps,
  );
  const isLasting = await mayRefresh(code.connectorId, code.scopes, context, deps);
  // What lasts is asked for its session once it is there, when nobody can overlook it any more.
  if (!isLasting) await requireSession(code.sessionId, context, deps);
  const refreshTokenId = isLasting ? newId(deps.random) : "";
  // A family's tag can be found again from its id, at every refresh.
  const grantTag = isLasting ? grantTagOf(deps.refreshKey, refreshTokenId) : newGrantTag(deps.random);
  const answer = await issue({ ...redemption, authorized, refreshTokenId, grantTag }, context, deps);
  if (isLasting) await requireSessionOf(refreshTokenId, code.sessionId, context, deps);
  return answer;
}

/** The method recorded with the challenge decides, so that S256 cannot be talked down. RFC 7636 §4.6. */
export function checkPkce(code: Pkce, verifier: string | undefined): void {
  if (code.codeChallenge === "") {
    if (verifier === undefined) return;
    throw new OAuthError("invalid_request", "No PKCE flow started. Cannot check code_verifier.");
  }
  if (verifier === undefined) throw new OAuthError("invalid_grant", "Expecting parameter code_verifier in PKCE flow.");
  if (!secretEqual(challengeOf(verifier, code.codeChallengeMethod), code.codeChallenge)) {
    throw new OAuthError("invalid_grant", "Invalid code_verifier.");
  }
}

/**
 * Of several redemptions at once one finds the code unspent, and it alone goes on. What is left stays where the code was,
 * so a resubmitted form can never bring it back.
 */
async function spendCode(code: AuthCode, refreshTokenId: string, grantTag: GrantTag, deps: GrantDeps): Promise<void> {
  const spentFirst = (): OAuthError =>
    new OAuthError("invalid_grant", invalidCode, { detail: "another request redeemed it first" });
  const redeemedAt = deps.clock.now();
  const accessTokenExpiry = redeemedAt + deps.mint.lifetime;
  const issued = { refreshTokenId, accessTokenId: grantTag, accessTokenExpiry };
  // As long as a replay could matter: while the token lives, or the request could be answered again.
  const expiry = Math.max(accessTokenExpiry, redeemedAt + deps.requestLifetime, code.expiry);
  const stored = await deps.storage.authCodes.update(code.id, (current) => {
    if (current.spent !== undefined) throw spentFirst();
    return spentCode(current.id, expiry, { clientId: code.clientId, redeemedAt, ...issued });
  });
  if (stored === undefined) throw spentFirst();
}

interface Issue extends Redemption {
  readonly authorized: Authorized;
  readonly refreshTokenId: string;
  readonly grantTag: GrantTag;
}

/**
 * Signs while the storage spends the code: whoever finds it spent has signed in vain, and what was signed goes nowhere.
 * A family begins only for the code that is spent.
 */
async function issue(
  { code, presented, authorized, refreshTokenId, grantTag }: Issue,
  context: GrantContext,
  deps: GrantDeps,
): Promise<TokenAnswer> {
  const options = {
    nonce: code.nonce,
    ...(code.authTime > 0 ? { authTime: code.authTime } : {}),
    ...(code.sessionId === "" ? {} : { sessionId: code.sessionId }),
    ...(code.extra?.acr === undefined ? {} : { acr: code.extra.acr }),
    ...(code.extra?.amr === undefined ? {} : { amr: code.extra.amr }),
    ...(presented === undefined ? {} : { code: presented }),
    access: true,
    id: true,
    grantTag,
  };
  const spendAndBegin = async (): Promise<string | undefined> => {
    await spendCode(code, refreshTokenId, grantTag, deps);
    return refreshTokenId === "" ? undefined : beginFamily(refreshTokenId, code, deps);
  };
  const [secret, minted] = await Promise.all([spendAndBegin(), mintTokens(authorized, options, deps.mint)]);
  deps.answered.remember(context.connection, code.id);
  return answerOf(minted, deps, secret === undefined ? undefined : formatRefreshToken(refreshTokenId, secret));
}
