import { OAuthError } from "../oauth/error.ts";
import { grantTypes } from "../oauth/grant-type.ts";
import { parseScope, quoteList } from "../oauth/scope.ts";
import type { RefreshToken } from "../storage/records.ts";
import type { TokenAnswer } from "../token/answer.ts";
import { type Authorized, withClaims } from "../token/authorize.ts";
import { endFamily } from "../token/end-family.ts";
import { grantTagOf } from "../token/grant-tag.ts";
import { mintTokens } from "../token/id-token.ts";
import { judgeRefresh } from "../token/refresh-rotation.ts";
import {
  currentSecret,
  formatRefreshToken,
  type PresentedRefreshToken,
  parseRefreshToken,
  rotateSecret,
} from "../token/refresh-secret.ts";
import { isReplay } from "../token/replay.ts";
import { answerOf } from "./answer-of.ts";
import { askConnector } from "./ask-connector.ts";
import type { Grant, GrantContext, GrantDeps, GrantParams } from "./contract.ts";
import { authorizePerson, shownBy } from "./person.ts";
import { requireOriginSession } from "./require-session.ts";

/** compat(dex): clients and scripts compare this text. The code is RFC 6749 §5.2's, not Dex's. */
const invalidToken = (detail: string): OAuthError =>
  new OAuthError("invalid_grant", "Refresh token is invalid or has already been claimed by another client.", {
    detail,
  });

/** RFC 6749 §6. Everything is read before anything is written, and tokens are signed before the old secret dies. */
export const refreshTokenGrant: Grant = {
  grantType: grantTypes.refreshToken,
  async redeem(params, context, deps) {
    const text = params.get("refresh_token");
    if (text === undefined) throw new OAuthError("invalid_request", "No refresh token is found in request.");
    const presented = parseRefreshToken(text);
    // Who lost a race is judged again by what the winner left: inside reuseInterval that is the same answer.
    for (let attempt = 1; attempt <= 3; attempt++) {
      const answer = await attemptRefresh(presented, params, context, deps);
      if (answer !== undefined) return answer;
    }
    throw refuse(context, "refresh.race", "other requests kept changing this token", invalidToken("race"));
  },
};

/** Undefined: another request changed the family meanwhile. */
async function attemptRefresh(
  presented: PresentedRefreshToken,
  params: GrantParams,
  context: GrantContext,
  deps: GrantDeps,
): Promise<TokenAnswer | undefined> {
  const family = await findFamily(presented, context, deps);
  await requireOriginSession(family, context, deps);
  const verdict = judgeRefresh(family, presented.secret, deps.refreshPolicy, deps.refreshKey, deps.clock.now());
  switch (verdict.kind) {
    case "unknown":
      throw refuse(context, "refresh.secret", "not a secret of this family", invalidToken("secret"));
    case "expired":
      throw refuse(context, "refresh.age", "older or idle longer than configured", expiredToken());
    case "rotated_out":
      await endReplayedFamily(family, verdict.isOlder, context, deps);
      throw invalidToken("rotated out");
    case "same_answer":
      return sameAnswer(family, params, context, deps);
    case "use":
      return use(family, verdict.rotate, params, context, deps);
    default:
      return verdict satisfies never;
  }
}

const expiredToken = (): OAuthError => new OAuthError("invalid_grant", "Refresh token expired.");

function refuse(context: GrantContext, check: string, because: string, error: OAuthError): OAuthError {
  context.trail.note({ check, outcome: "fail", because, spec: "RFC 6749 §5.2" });
  return error;
}

async function findFamily(
  presented: PresentedRefreshToken,
  context: GrantContext,
  deps: GrantDeps,
): Promise<RefreshToken> {
  const family = presented.id === "" ? undefined : await deps.storage.refreshTokens.get(presented.id);
  if (family === undefined) throw refuse(context, "refresh.known", "no such family", invalidToken("unknown"));
  if (family.clientId !== context.client.id) {
    throw refuse(context, "refresh.client", "the family belongs to another client", invalidToken("client"));
  }
  return family;
}

/** A secret that we rotated out came back: a thief's or the holder's copy is stale, and we cannot know whose. RFC 9700 §4.14.2. */
async function endReplayedFamily(
  family: RefreshToken,
  isOlder: boolean,
  context: GrantContext,
  deps: GrantDeps,
): Promise<void> {
  const replayed = isReplay({
    spentAt: family.lastUsed,
    receivedAt: context.receivedAt,
    isSameConnection: deps.answered.has(context.connection, answerNameOf(family)),
    isAnswerUsed: isOlder,
  });
  const because = replayed ? "a rotated secret came back: the family ends" : "rotated a moment ago: taken for a race";
  context.trail.note({ check: "refresh.replayed", outcome: "fail", because, spec: "RFC 9700 §4.14.2" });
  if (!replayed) return;
  context.logger.warn("refresh token replayed, revoking its family", {
    client_id: family.clientId,
    connector_id: family.connectorId,
  });
  await endFamily(family, deps);
}

/** One answer of a family, by the secret it brought: earlier ones over the same connection say nothing of a race now. */
const answerNameOf = ({ id, token }: RefreshToken): string => `${id} ${token.reveal()}`;

/** Inside the reuse window: the current secret again, with the claims as stored. */
async function sameAnswer(
  family: RefreshToken,
  params: GrantParams,
  context: GrantContext,
  deps: GrantDeps,
): Promise<TokenAnswer> {
  context.trail.note({
    check: "refresh.reuse",
    outcome: "chose",
    because: "inside reuseInterval: the same answer again",
  });
  const { authorized, narrowed } = await authorizeRefresh(family, params, context, deps);
  return mintAnswer(family, authorized, narrowed, currentSecret(family, deps.refreshKey), deps);
}

async function use(
  family: RefreshToken,
  rotate: boolean,
  params: GrantParams,
  context: GrantContext,
  deps: GrantDeps,
): Promise<TokenAnswer | undefined> {
  // Policy first: a client that may not use the connector must not make us call its upstream.
  const { authorized, narrowed } = await authorizeRefresh(family, params, context, deps);
  const claims = (await askConnector(family, context, deps)) ?? family.claims;
  const next: RefreshToken = {
    ...family,
    claims,
    ...(rotate ? rotateSecret(family, deps.refreshKey, deps.random) : {}),
    lastUsed: deps.clock.now(),
  };
  const secret = currentSecret(next, deps.refreshKey);
  const answer = await mintAnswer(next, withClaims(authorized, next.claims), narrowed, secret, deps);
  return (await commit(family, next, context, deps)) ? answer : undefined;
}

/** Swaps the secret unless someone else did in the meantime: of parallel refreshes of one token, one wins. */
async function commit(
  before: RefreshToken,
  after: RefreshToken,
  context: GrantContext,
  deps: GrantDeps,
): Promise<boolean> {
  let won = false;
  const stored = await deps.storage.refreshTokens.update(before.id, (current) => {
    won = current.token.reveal() === before.token.reveal();
    // What the connector wants kept is stored already, by us or by whoever asked it after us.
    const { connectorData: _, ...rest } = after;
    const { connectorData } = current;
    return won ? { ...rest, ...(connectorData === undefined ? {} : { connectorData }) } : current;
  });
  if (stored === undefined || !won) return false;
  deps.answered.remember(context.connection, answerNameOf(after));
  return true;
}

async function authorizeRefresh(
  family: RefreshToken,
  params: GrantParams,
  context: GrantContext,
  deps: GrantDeps,
): Promise<{ readonly authorized: Authorized; readonly narrowed: string | undefined }> {
  const asked = parseScope(params.get("scope") ?? "");
  const widened = asked.filter((scope) => !family.scopes.includes(scope));
  if (widened.length > 0) {
    throw new OAuthError("invalid_scope", `Requested scopes contain unauthorized scope(s): ${quoteList(widened)}.`);
  }
  const scopes = asked.length === 0 ? family.scopes : asked;
  const { connectorId, claims, extra } = family;
  const authorized = await authorizePerson(
    {
      grant: grantTypes.refreshToken,
      connectorId,
      claims,
      scopes,
      namedClaims: extra?.namedClaims,
      // A token may be older than the client's demand.
      shown: shownBy(extra),
    },
    context,
    deps,
  );
  const isNarrowed = new Set(scopes).size < new Set(family.scopes).size;
  return { authorized, narrowed: isNarrowed ? [...new Set(scopes)].join(" ") : undefined };
}

/** compat(dex): an ID token always comes along, whatever the scopes were narrowed to (server/grants/refresh.go). */
async function mintAnswer(
  family: RefreshToken,
  authorized: Authorized,
  narrowed: string | undefined,
  secret: string,
  deps: GrantDeps,
): Promise<TokenAnswer> {
  const { sessionId, authTime, acr, amr } = family.extra ?? {};
  const minted = await mintTokens(
    authorized,
    {
      nonce: family.nonce,
      grantTag: grantTagOf(deps.refreshKey, family.id),
      access: true,
      id: true,
      ...(sessionId === undefined ? {} : { sessionId }),
      ...(authTime === undefined ? {} : { authTime }),
      ...(acr === undefined ? {} : { acr }),
      ...(amr === undefined ? {} : { amr }),
    },
    deps.mint,
  );
  return answerOf(minted, deps, formatRefreshToken(family.id, secret), narrowed);
}
