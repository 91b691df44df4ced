import { createHash } from "node:crypto";
import type { EndedUpstream } from "../connector/contract.ts";
import { idFromBytes } from "../kernel/ids.ts";
import { AlreadyExistsError, type Storage } from "../storage/contract.ts";
import type { AuthSession, UpstreamSession } from "../storage/records.ts";

/** As many of our sessions as one upstream session may sensibly carry: one for each browser profile and tab race. */
const mostSessions = 16;

/** Where the sessions that stand on one upstream session are noted: a hash, since upstreams name theirs as they like. */
function upstreamSessionKey(connectorId: string, upstreamSessionId: string): string {
  const digest = createHash("sha256")
    .update(JSON.stringify([connectorId, upstreamSessionId]))
    .digest();
  return `up1${idFromBytes(digest.subarray(0, 16))}`;
}

/** Notes what `session` stands on, so that the upstream can end it by its own session's name. */
export async function noteUpstreamSession(
  session: AuthSession,
  { upstreamSessions }: Pick<Storage, "upstreamSessions">,
): Promise<void> {
  const name = session.extra?.upstreamSessionId;
  if (name === undefined) return;
  const id = upstreamSessionKey(session.connectorId, name);
  const add = (current: UpstreamSession): UpstreamSession => ({
    ...current,
    sessionIds: [...current.sessionIds.filter((known) => known !== session.id), session.id].slice(-mostSessions),
    expiry: Math.max(current.expiry, session.absoluteExpiry),
  });
  if ((await upstreamSessions.update(id, add)) !== undefined) return;
  try {
    await upstreamSessions.create(add({ id, sessionIds: [], expiry: 0 }));
  } catch (error) {
    // Another tab was faster; theirs is the record now.
    if (!(error instanceof AlreadyExistsError)) throw error;
    await upstreamSessions.update(id, add);
  }
}

/** Our sessions that an upstream's message speaks of: those on its session, or, where it names none, all of its person's. */
export async function sessionsOfUpstream(
  connectorId: string,
  { userId, upstreamSessionId }: EndedUpstream,
  storage: Pick<Storage, "upstreamSessions" | "authSessions">,
): Promise<readonly AuthSession[]> {
  if (upstreamSessionId === undefined) {
    return userId === undefined ? [] : storage.authSessions.listOfUser({ userId, connectorId });
  }
  const noted = await storage.upstreamSessions.get(upstreamSessionKey(connectorId, upstreamSessionId));
  const found = await Promise.all((noted?.sessionIds ?? []).map((id) => storage.authSessions.get(id)));
  return found
    .filter((session) => session !== undefined)
    .filter((session) => session.connectorId === connectorId && (userId === undefined || session.userId === userId));
}
