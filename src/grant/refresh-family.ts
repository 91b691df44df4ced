import { Secret } from "../kernel/secret.ts";
import { AlreadyExistsError } from "../storage/contract.ts";
import type { AuthCode, OfflineSession, RefreshToken, RefreshTokenExtra } from "../storage/records.ts";
import { currentSecret, firstSecret } from "../token/refresh-secret.ts";
import type { GrantDeps } from "./contract.ts";

/**
 * Begins a refresh token family, one per login, so that two devices of a person do not end each other.
 * Returns its first secret. The family is stored first, then Dex's reference to it: a crash between
 * leaves a family that nobody holds.
 */
export async function beginFamily(id: string, code: AuthCode, deps: GrantDeps): Promise<string> {
  const now = deps.clock.now();
  const family: RefreshToken = {
    id,
    token: firstSecret(deps.random),
    obsoleteToken: new Secret(""),
    createdAt: now,
    lastUsed: now,
    clientId: code.clientId,
    connectorId: code.connectorId,
    claims: code.claims,
    scopes: code.scopes,
    nonce: code.nonce,
    ...(code.connectorData === undefined ? {} : { connectorData: code.connectorData }),
    ...(code.sessionId === "" && code.extra === undefined ? {} : { extra: extraOf(code) }),
  };
  await deps.storage.refreshTokens.create(family);
  await rememberFamily(family, code, deps);
  return currentSecret(family, deps.refreshKey);
}

const extraOf = (code: AuthCode): RefreshTokenExtra => ({
  ...code.extra,
  ...(code.sessionId === "" ? {} : { sessionId: code.sessionId }),
});

/** Dex's record of what outlives a login: the upstream's data, and the newest family of each client. */
async function rememberFamily(family: RefreshToken, code: AuthCode, deps: GrantDeps): Promise<void> {
  const key = { userId: code.claims.userId, connectorId: code.connectorId };
  const { id, clientId, createdAt, lastUsed } = family;
  const reference = { id, clientId, createdAt, lastUsed, sessionId: code.sessionId };
  const hasData = code.connectorData !== undefined && code.connectorData.reveal().byteLength > 0;
  const data = hasData && code.connectorData !== undefined ? { connectorData: code.connectorData } : {};
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
