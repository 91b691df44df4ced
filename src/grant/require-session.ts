import { OAuthError } from "../oauth/error.ts";
import type { RefreshToken } from "../storage/records.ts";
import { endFamily } from "../token/end-family.ts";
import { originSession } from "../token/origin-session.ts";
import { endsWithSession, isSessionLive } from "../token/session-life.ts";
import type { GrantContext, GrantDeps } from "./contract.ts";

/** compat(dex): server/grants/refresh.go. */
const sessionEnded = (): OAuthError =>
  new OAuthError("invalid_grant", "The session this refresh token belongs to has ended.");

/**
 * A code is worth nothing once its person has signed out: it was on its way to a browser that is no longer theirs.
 * A session that merely grew old in the meantime does not matter. @throws {OAuthError} It was ended.
 */
export async function requireSession(sessionId: string, context: GrantContext, deps: GrantDeps): Promise<void> {
  if (!deps.hasSessions || sessionId === "") return;
  if ((await deps.storage.authSessions.get(sessionId)) !== undefined) return;
  context.trail.note({ check: "code.session", outcome: "fail", because: "its session has ended" });
  throw new OAuthError("invalid_grant", "The session this code belongs to has ended.");
}

/** {@link requireSession} for a family that has just begun: it ends with its session. */
export async function requireSessionOf(
  familyId: string,
  sessionId: string,
  context: GrantContext,
  deps: GrantDeps,
): Promise<void> {
  try {
    await requireSession(sessionId, context, deps);
  } catch (error) {
    const family = await deps.storage.refreshTokens.get(familyId);
    if (family !== undefined) await endFamily(family, deps);
    throw error;
  }
}

/**
 * A family of a client that wants its tokens to end with the session (`refreshTokenLifetime: session`) is over when the
 * session is. One that came from no session has none to end with. @throws {OAuthError} It has ended, and the family with it.
 */
export async function requireOriginSession(
  family: RefreshToken,
  context: GrantContext,
  deps: GrantDeps,
): Promise<void> {
  if (!deps.hasSessions || !endsWithSession(context.client)) return;
  const sessionId = await originSession(family, deps.storage);
  if (sessionId === "") return;
  const session = await deps.storage.authSessions.get(sessionId);
  if (session !== undefined && isSessionLive(session, deps.clock.now())) return;
  context.trail.note({ check: "refresh.session", outcome: "fail", because: "the session it ends with has ended" });
  await endFamily(family, deps);
  throw sessionEnded();
}
