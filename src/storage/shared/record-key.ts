import type { KindName, RecordKinds, UserKey } from "../records.ts";

/**
 * How a record is found: the parts of its key, in the order of Dex's columns. One line per kind; every backend
 * derives its own form of key from it.
 */
const parts: { readonly [K in KindName]: (record: RecordKinds[K]["record"]) => readonly string[] } = {
  clients: ({ id }) => [id],
  authRequests: ({ id }) => [id],
  authCodes: ({ id }) => [id],
  refreshTokens: ({ id }) => [id],
  // compat(dex): an address is one address in any letter case.
  passwords: ({ email }) => [email.toLowerCase()],
  offlineSessions: ({ userId, connectorId }) => [userId, connectorId],
  userIdentities: ({ userId, connectorId }) => [userId, connectorId],
  authSessions: ({ id }) => [id],
  connectors: ({ id }) => [id],
  keys: () => ["keys"],
  deviceRequests: ({ userCode }) => [userCode],
  deviceTokens: ({ deviceCode }) => [deviceCode],
  serverSecrets: ({ id }) => [id],
  revokedTokens: ({ id }) => [id],
  logoutDeliveries: ({ id }) => [id],
  upstreamSessions: ({ id }) => [id],
  accountTokens: ({ id }) => [id],
  mailDeliveries: ({ id }) => [id],
  loginAttempts: ({ id }) => [id],
};

export const kindNames: readonly KindName[] = Object.keys(parts).filter((name): name is KindName => name in parts);

/** The key of a record of `kind`, part by part. */
export const recordKey = <K extends KindName>(kind: K, record: RecordKinds[K]["record"]): readonly string[] =>
  parts[kind](record);

/** A key as callers hold it, part by part. */
export function keyParts(kind: KindName, key: string | UserKey): readonly string[] {
  if (typeof key !== "string") return [key.userId, key.connectorId];
  return [kind === "passwords" ? key.toLowerCase() : key];
}

/** One text for a key, without collisions between its parts. */
export const keyText = (key: readonly string[]): string =>
  key.length === 1 ? (key[0] ?? "") : key.map((part) => `${part.length}:${part}`).join("");
