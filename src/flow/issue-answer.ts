import { PageError } from "../http/contract.ts";
import { OAuthError } from "../oauth/error.ts";
import { outOfBandUri } from "../oauth/redirect-uri.ts";
import { AlreadyExistsError } from "../storage/contract.ts";
import type { AuthCode, AuthCodeExtra } from "../storage/records.ts";
import { type Authorized, mustAuthorize } from "../token/authorize.ts";
import { codeLifetime, codeOf, codeRecordId, spentCode } from "../token/code.ts";
import { mintTokens } from "../token/id-token.ts";
import { trustedBy } from "../token/trusted-peers.ts";
import { acrFor } from "./acr.ts";
import { clientAnswer } from "./client-answer.ts";
import { ClientRefusal, type FlowContext, type FlowDeps, type FlowOutcome, type FlowRequest } from "./contract.ts";
import { grantOf } from "./grant-of.ts";
import { missingFactors } from "./missing-factors.ts";
import { sessionState } from "./session-state.ts";
import type { CompletedLogin } from "./stored-request.ts";

/**
 * The authorization response: a code, tokens, or both. RFC 6749 §4.1.2, OIDC Core §3.1.2.5, §3.2.2.5, §3.3.2.5.
 * @throws {ClientRefusal} Policy refuses. @throws {PageError} This request was answered before.
 */
export async function issueAnswer(
  request: FlowRequest,
  login: CompletedLogin,
  context: FlowContext,
  deps: FlowDeps,
): Promise<FlowOutcome> {
  const authorized = await authorizeAnswer(request, login, context, deps);
  const code = await claimFlow(request, login, deps);
  const wantsToken = request.responseTypes.includes("token");
  const wantsIdToken = request.responseTypes.includes("id_token");
  if (code !== undefined && request.redirectUri === outOfBandUri) return { go: "show_code", code };
  const minted =
    wantsToken || wantsIdToken
      ? await mintTokens(
          authorized,
          {
            nonce: request.nonce,
            authTime: login.authTime,
            access: wantsToken,
            id: wantsIdToken,
            ...(code === undefined ? {} : { code }),
            ...(login.sessionId === undefined ? {} : { sessionId: login.sessionId }),
            ...(login.amr === undefined ? {} : { amr: login.amr }),
            ...acrFor(request, login),
          },
          deps.mint,
        )
      : undefined;
  context.trail.note({
    check: "answer.issued",
    outcome: "pass",
    because: `${request.responseTypes.join(" ")} for client ${request.clientId}`,
  });
  return clientAnswer(request, {
    access_token: minted?.accessToken,
    token_type: minted?.accessToken === undefined ? undefined : "bearer",
    expires_in:
      minted?.accessToken === undefined ? undefined : String(Math.round((minted.expiresAt - deps.clock.now()) / 1000)),
    id_token: minted?.idToken,
    code,
    iss: deps.policy.issuer,
    session_state: stateFor(request, login, context, deps),
  });
}

/** OIDC Session Management §2: beside every successful answer. */
function stateFor(
  request: FlowRequest,
  { sessionId }: CompletedLogin,
  { holder }: FlowContext,
  { random }: FlowDeps,
): string | undefined {
  const browserState = sessionId === undefined ? undefined : holder.stateFor(sessionId);
  return browserState === undefined ? undefined : sessionState(request, browserState, random);
}

async function authorizeAnswer(
  request: FlowRequest,
  login: CompletedLogin,
  context: FlowContext,
  deps: FlowDeps,
): Promise<Authorized> {
  const client = await deps.storage.clients.get(request.clientId);
  if (client === undefined) throw new PageError(400, "refusal.clientUnknown");
  const connector = await deps.connectors.find(login.connectorId);
  try {
    return mustAuthorize(
      {
        client,
        grant: grantOf(request, deps.policy),
        connector,
        subject: { userId: login.claims.userId, connectorId: login.connectorId },
        claims: login.claims,
        scopes: request.scopes,
        namedClaims: request.namedClaims,
        trustedBy: await trustedBy(client.id, request.scopes, deps.storage.clients),
        missingFactors: missingFactors(request, login, client, connector, deps.factors),
        blockedUntil: await deps.blockedUsers.until({ userId: login.claims.userId, connectorId: login.connectorId }),
        now: deps.clock.now(),
      },
      context.trail,
    );
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    // At the authorization endpoint a spent right does not exist; the person or the policy said no. RFC 6749 §4.1.2.1.
    const refusal =
      error.code === "invalid_grant" ? new OAuthError("access_denied", error.description, { cause: error }) : error;
    throw new ClientRefusal(refusal, request);
  }
}

/**
 * Stores the code, or where none was asked for a spent one, under an id that follows from the flow: a request
 * that is answered a second time (a replayed form, the back button, two racing tabs) finds it taken.
 */
async function claimFlow(request: FlowRequest, login: CompletedLogin, deps: FlowDeps): Promise<string | undefined> {
  const code = codeOf(deps.codeKey, request.flowId);
  const id = codeRecordId(deps.codeKey, code);
  const wantsCode = request.responseTypes.includes("code");
  const now = deps.clock.now();
  try {
    await deps.storage.authCodes.create(wantsCode ? codeRecord(id, request, login, now) : noCode(id, request, now));
  } catch (error) {
    if (!(error instanceof AlreadyExistsError)) throw error;
    throw new PageError(400, "refusal.completed", { cause: error });
  }
  return wantsCode ? code : undefined;
}

/** A code that is spent before anybody has it. */
function noCode(id: string, { clientId, expiresAt }: FlowRequest, now: number): AuthCode {
  const nothing = { refreshTokenId: "", accessTokenId: "", accessTokenExpiry: 0 };
  return spentCode(id, expiresAt, { clientId, redeemedAt: now, ...nothing });
}

function codeRecord(id: string, request: FlowRequest, login: CompletedLogin, now: number): AuthCode {
  return {
    id,
    clientId: request.clientId,
    redirectUri: request.redirectUri,
    nonce: request.nonce,
    scopes: request.scopes,
    connectorId: login.connectorId,
    ...(login.connectorData === undefined ? {} : { connectorData: login.connectorData }),
    claims: login.claims,
    expiry: now + codeLifetime,
    sessionId: login.sessionId ?? "",
    authTime: login.authTime,
    codeChallenge: request.codeChallenge,
    codeChallengeMethod: request.codeChallengeMethod,
    extra: codeExtra(request, login),
  };
}

const codeExtra = (request: FlowRequest, { amr, factors = [], ...strength }: CompletedLogin): AuthCodeExtra => ({
  factors,
  ...(request.namedClaims === undefined ? {} : { namedClaims: request.namedClaims, ...acrFor(request, strength) }),
  ...(amr === undefined ? {} : { amr }),
  ...(request.traceparent === undefined ? {} : { traceparent: request.traceparent }),
});
