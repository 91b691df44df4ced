import { newId } from "../kernel/ids.ts";
import type { AuthSession, AuthSessionExtra, ClientState, UserKey } from "../storage/records.ts";
import { isSessionLive } from "../token/session-life.ts";
import type { FlowContext, FlowDeps } from "./contract.ts";
import { endSession } from "./end-session.ts";
import type { FactorProof } from "./factor-contract.ts";
import { isUseWorthWriting, usedState } from "./session.ts";
import type { SessionPolicy } from "./session-contract.ts";
import { isSessionSecret, storedSecret, withHashedSecret } from "./session-secret.ts";
import { type CompletedLogin, factorsOf } from "./stored-request.ts";
import { noteUpstreamSession } from "./upstream-session.ts";
import { withProof } from "./with-proof.ts";

type Deps = Pick<FlowDeps, "sessions" | "storage" | "clock" | "random">;

/** The live session that this browser proves. One read; a dead one is forgotten on the way. */
export async function openSession(
  { holder }: Pick<FlowContext, "holder">,
  { sessions, storage, clock }: Deps,
): Promise<AuthSession | undefined> {
  const { presented } = holder;
  if (sessions === undefined || presented === undefined) return undefined;
  const session = await storage.authSessions.get(presented.id);
  if (session === undefined) {
    holder.letGo();
    return undefined;
  }
  // The cookie stays: another tab may have signed in again just now, and ours is only late.
  if (!isSessionSecret(sessions.secretKey, session, presented.secret)) return undefined;
  if (isSessionLive(session, clock.now())) return session;
  holder.letGo();
  await storage.authSessions.delete(session.id);
  return undefined;
}

/** How the login that begins a session was made. */
export interface LoginManner {
  readonly clientId: string;
  readonly isRemembered: boolean;
  readonly isOnlineOnly: boolean;
  readonly upstreamSessionId: string | undefined;
}

/**
 * The session after a person has proved who they are; undefined where sessions are off. The same person's goes on
 * under its id, which clients know as `sid`, but with a new secret: a cookie from before the login is worth nothing
 * after it (session fixation). Anybody else's ends, and its clients hear of it.
 */
export async function beginSession(
  login: CompletedLogin,
  manner: LoginManner,
  context: FlowContext,
  deps: FlowDeps,
): Promise<string | undefined> {
  const { sessions } = deps;
  if (sessions === undefined) return undefined;
  const user = { userId: login.claims.userId, connectorId: login.connectorId };
  const current = await openSession(context, deps);
  const secret = newId(deps.random);
  if (current !== undefined && isOf(current, user)) {
    const renewed = await renew(current, { login, manner, secret, context, sessions }, deps);
    if (renewed) return announce(current.id, secret, manner, context);
  } else if (current !== undefined) {
    context.trail.note({ check: "session.superseded", outcome: "chose", because: "somebody else has signed in here" });
    await endSession(current, deps);
  }
  const session = newSession(user, { login, manner, secret, context, sessions }, deps);
  await deps.storage.authSessions.create(session);
  await noteUpstreamSession(session, deps.storage);
  return announce(session.id, secret, manner, context);
}

const isOf = (session: AuthSession, { userId, connectorId }: UserKey): boolean =>
  session.userId === userId && session.connectorId === connectorId;

function announce(id: string, secret: string, { isRemembered }: LoginManner, { holder, trail }: FlowContext): string {
  holder.hold({ id, secret }, isRemembered);
  trail.note({ check: "session.begun", outcome: "pass", because: "the browser holds a new proof of it" });
  return id;
}

interface Beginning {
  readonly login: CompletedLogin;
  readonly manner: LoginManner;
  readonly secret: string;
  readonly context: FlowContext;
  readonly sessions: SessionPolicy;
}

function newSession(user: UserKey, beginning: Beginning, { clock, random }: Deps): AuthSession {
  const { login, manner, secret, context, sessions } = beginning;
  const now = clock.now();
  const id = newId(random);
  return {
    id,
    secret: storedSecret(sessions.secretKey, id, secret),
    ...user,
    clientStates: { [manner.clientId]: directState(login.authTime, now) },
    createdAt: now,
    lastActivity: now,
    ...context.device,
    absoluteExpiry: now + sessions.absoluteLifetime,
    idleExpiry: now + sessions.validIfNotUsedFor,
    extra: extraOf(login, manner),
  };
}

const directState = (authTime: number, now: number): ClientState => ({
  authenticatedAt: authTime,
  lastActivity: now,
  lastTokenIssuedAt: now,
  viaSso: false,
});

const extraOf = (login: CompletedLogin, manner: LoginManner): AuthSessionExtra => ({
  authTime: login.authTime,
  ...(login.amr === undefined ? {} : { amr: login.amr }),
  ...(login.acr === undefined ? {} : { acr: login.acr }),
  ...factorsOf(login),
  ...(manner.isRemembered ? { isRemembered: true } : {}),
  ...(manner.isOnlineOnly ? { isOnlineOnly: true } : {}),
  ...(login.connectorData === undefined ? {} : { connectorData: login.connectorData }),
  ...(manner.upstreamSessionId === undefined ? {} : { upstreamSessionId: manner.upstreamSessionId }),
});

/** False: another tab was faster, or the session has ended. Each tab then has a session of its own, and both work. */
async function renew(before: AuthSession, beginning: Beginning, deps: Deps): Promise<boolean> {
  const { login, manner, secret, context, sessions } = beginning;
  const now = deps.clock.now();
  let isDone = false;
  const renewed = await deps.storage.authSessions.update(before.id, (current) => {
    isDone = current.secret.reveal() === before.secret.reveal();
    if (!isDone) return current;
    return {
      ...current,
      ...context.device,
      secret: storedSecret(sessions.secretKey, current.id, secret),
      clientStates: { ...current.clientStates, [manner.clientId]: directState(login.authTime, now) },
      lastActivity: now,
      idleExpiry: now + sessions.validIfNotUsedFor,
      extra: extraOf(login, manner),
    };
  });
  if (renewed === undefined || !isDone) return false;
  await noteUpstreamSession(renewed, deps.storage);
  return true;
}

/**
 * Notes that `clientId` uses the session. Nothing is written for a client that is known there and a session that was
 * active a moment ago: single sign-on costs no write. False: the session has ended meanwhile.
 */
export async function useSession(
  session: AuthSession,
  clientId: string,
  { device }: FlowContext,
  { sessions, storage, clock }: Deps,
): Promise<boolean> {
  const now = clock.now();
  if (sessions === undefined) return false;
  if (!isUseWorthWriting(session, clientId, now, sessions)) return true;
  const used = await storage.authSessions.update(session.id, (current) => ({
    ...withHashedSecret(sessions.secretKey, current),
    ...device,
    clientStates: { ...current.clientStates, [clientId]: usedState(current.clientStates[clientId], current, now) },
    lastActivity: now,
    idleExpiry: now + sessions.validIfNotUsedFor,
  }));
  return used !== undefined;
}

/** Notes what was proved in a session beside its login, for the requests that follow. */
export async function noteProof(id: string, user: UserKey, proof: FactorProof, { storage }: Deps): Promise<void> {
  await storage.authSessions.update(id, (session) =>
    isOf(session, user) ? { ...session, extra: withProof(session.extra ?? {}, proof) } : session,
  );
}

/** Notes that the person has just proved anew who they are, in a session that goes on. */
export async function noteFreshLogin(id: string, { storage, clock }: Deps): Promise<void> {
  await storage.authSessions.update(id, (session) => ({
    ...session,
    extra: { ...session.extra, authTime: clock.now() },
  }));
}
