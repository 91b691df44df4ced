import { Secret } from "../kernel/secret.ts";
import { AlreadyExistsError } from "../storage/contract.ts";
import type { AuthCodeExtra, Claims, OfflineSession, RefreshToken, RefreshTokenExtra } from "../storage/records.ts";
import { currentSecret, firstSecret } from "../token/refresh-secret.ts";
import type { GrantDeps } from "./contract.ts";

/** The login that a family begins with. */
export interface FamilyOrigin {
  readonly clientId: string;
  readonly connectorId: string;
  readonly claims: Claims;
  readonly scopes: readonly string[];
  readonly nonce: string;
  readonly connectorData?: Secret<Uint8Array>;
  /** Empty: no session. */
  readonly sessionId: string;
  /** Milliseconds; not positive where it is not known. */
  readonly authTime?: number;
  readonly extra?: AuthCodeExtra;
}

/**
 * Begins a refresh token family, one per login, so that two devices of a person do not end each other.
 * Returns its first secret. The family is stored first, then Dex's reference to it: a crash between
 * leaves a family that nobody holds.
 */
export async function beginFamily(id: string, origin: FamilyOrigin, deps: GrantDeps): Promise<string> {
  const now = deps.clock.now();
  const family: RefreshToken = {
    id,
    token: firstSecret(deps.random),
    obsoleteToken: new Secret(""),
    createdAt: now,
    lastUsed: now,
    clientId: origin.clientId,
    connectorId: origin.connectorId,
    claims: origin.claims,
    scopes: origin.scopes,
    nonce: origin.nonce,
    ...(origin.connectorData === undefined ? {} : { connectorData: origin.connectorData }),
    ...(origin.sessionId === "" && origin.extra === undefined ? {} : { extra: extraOf(origin) }),
  };
  await deps.storage.refreshTokens.create(family);
  await rememberFamily(family, origin, deps);
  return currentSecret(family, deps.refreshKey);
}

/** compat(dex): a refreshed token tells `auth_time` where there are sessions. OIDC Core §12.2. */
function extraOf({ extra = {}, sessionId, authTime = 0 }: FamilyOrigin): RefreshTokenExtra {
  // A family outlives every trace.
  const { traceparent: _login, ...lasting } = extra;
  return {
    ...lasting,
    ...(sessionId === "" ? {} : { sessionId }),
    ...(sessionId === "" || authTime <= 0 ? {} : { authTime }),
  };
}

/** Dex's record of what outlives a login: the upstream's data, and the newest family of each client. */
async function rememberFamily(family: RefreshToken, origin: FamilyOrigin, deps: GrantDeps): Promise<void> {
  const key = { userId: origin.claims.userId, connectorId: origin.connectorId };
  const { id, clientId, createdAt, lastUsed } = family;
  const reference = { id, clientId, createdAt, lastUsed, sessionId: origin.sessionId };
  const hasData = origin.connectorData !== undefined && origin.connectorData.reveal().byteLength > 0;
  const data = hasData && origin.connectorData !== undefined ? { connectorData: origin.connectorData } : {};
  const remember = (current: OfflineSession): OfflineSession => ({
    ...current,
    ...data,
    refresh: { ...current.refresh, [clientId]: reference },
  });
  if ((await deps.storage.offlineSessions.update(key, remember)) !== undefined) return;
  try {
    await deps.storage.offlineSessions.create(remember({ ...key, refresh: {} }));
  } catch (error) {
    // Another login of the same person was faster; theirs is the record now.
    if (!(error instanceof AlreadyExistsError)) throw error;
    await deps.storage.offlineSessions.update(key, remember);
  }
}
