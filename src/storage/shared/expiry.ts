import type { KindName, RecordKinds } from "../records.ts";

/** When a record may be collected; kinds that are not here stay for ever. compat(dex): sessions go at whichever end comes first. */
export const expiries: { readonly [K in KindName]?: (record: RecordKinds[K]["record"]) => number } = {
  authRequests: ({ expiry }) => expiry,
  authCodes: ({ expiry }) => expiry,
  authSessions: ({ absoluteExpiry, idleExpiry }) => Math.min(absoluteExpiry, idleExpiry),
  deviceRequests: ({ expiry }) => expiry,
  deviceTokens: ({ expiry }) => expiry,
  revokedTokens: ({ expiry }) => expiry,
  logoutDeliveries: ({ expiry }) => expiry,
  upstreamSessions: ({ expiry }) => expiry,
  accountTokens: ({ expiry }) => expiry,
  mailDeliveries: ({ expiry }) => expiry,
  loginAttempts: ({ expiry }) => expiry,
};
