import type { KindName } from "../../records.ts";
import type { SqlKind } from "./kind.ts";
import { accountTokens, mailDeliveries } from "./kinds-account.ts";
import { authCodes, authRequests, deviceRequests, deviceTokens, refreshTokens } from "./kinds-login.ts";
import { clients, connectors, keys, revokedTokens, serverSecrets } from "./kinds-server.ts";
import { loginAttempts, logoutDeliveries, upstreamSessions } from "./kinds-session.ts";
import { authSessions, offlineSessions, passwords, userIdentities } from "./kinds-user.ts";

/** Every kind of record as SQL knows it. */
export const sqlKinds: { readonly [K in KindName]: SqlKind<K> } = {
  clients,
  authRequests,
  authCodes,
  refreshTokens,
  passwords,
  offlineSessions,
  userIdentities,
  authSessions,
  connectors,
  keys,
  deviceRequests,
  deviceTokens,
  serverSecrets,
  revokedTokens,
  logoutDeliveries,
  upstreamSessions,
  accountTokens,
  mailDeliveries,
  loginAttempts,
};
