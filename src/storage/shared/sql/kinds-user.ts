import { Secret } from "../../../kernel/secret.ts";
import { isObject, mapValues, objectEntries, textList } from "../dex-json.ts";
import { extras } from "../extra.ts";
import {
  readClientState,
  readCredential,
  readLogoutState,
  readMfaSecret,
  readReference,
  writeClientState,
  writeCredential,
  writeLogoutState,
  writeMfaSecret,
  writeReference,
} from "../parts-of-users.ts";
import { claimsColumns, listOrNull, readClaims, writeClaims } from "./claims-columns.ts";
import { bytesOf, column, extraColumns, fixedColumn, numberOf, type SqlKind, textOf } from "./kind.ts";

export const passwords: SqlKind<"passwords"> = {
  kind: "passwords",
  table: "password",
  key: ["email"],
  columns: [
    fixedColumn("email", "text"),
    column("hash", "bytes"),
    column("username", "text"),
    column("user_id", "text"),
    column("preferred_username", "text"),
    column("groups", "json"),
    column("name", "text"),
    column("email_verified", "optional_bool"),
  ],
  write: (record) => ({
    email: record.email.toLowerCase(),
    hash: record.hash.reveal(),
    username: record.username,
    user_id: record.userId,
    preferred_username: record.preferredUsername,
    groups: listOrNull(record.groups),
    name: record.name,
    email_verified: record.emailVerified,
  }),
  read: (row) => ({
    email: textOf(row, "email"),
    hash: new Secret(bytesOf(row, "hash") ?? new Uint8Array()),
    username: textOf(row, "username"),
    userId: textOf(row, "user_id"),
    preferredUsername: textOf(row, "preferred_username"),
    groups: textList(row.groups),
    name: textOf(row, "name"),
    ...(typeof row.email_verified === "boolean" ? { emailVerified: row.email_verified } : {}),
  }),
};

export const offlineSessions: SqlKind<"offlineSessions"> = {
  kind: "offlineSessions",
  table: "offline_session",
  key: ["user_id", "conn_id"],
  columns: [
    fixedColumn("user_id", "text"),
    fixedColumn("conn_id", "text"),
    column("refresh", "json"),
    column("connector_data", "bytes"),
  ],
  write: (record) => ({
    user_id: record.userId,
    conn_id: record.connectorId,
    refresh: mapValues(record.refresh, writeReference),
    connector_data: record.connectorData?.reveal(),
  }),
  read: (row) => {
    const data = bytesOf(row, "connector_data");
    return {
      userId: textOf(row, "user_id"),
      connectorId: textOf(row, "conn_id"),
      refresh: mapValues(objectEntries(row.refresh), readReference),
      ...(data === undefined || data.byteLength === 0 ? {} : { connectorData: new Secret(data) }),
    };
  },
};

export const userIdentities: SqlKind<"userIdentities"> = {
  kind: "userIdentities",
  table: "user_identity",
  key: ["user_id", "connector_id"],
  columns: [
    fixedColumn("user_id", "text"),
    fixedColumn("connector_id", "text"),
    ...claimsColumns,
    column("consents", "json"),
    column("created_at", "time"),
    column("last_login", "time"),
    column("blocked_until", "time"),
    column("mfa_secrets", "nullable_json"),
    column("webauthn_credentials", "nullable_json"),
  ],
  write: (record) => ({
    user_id: record.userId,
    connector_id: record.connectorId,
    ...writeClaims(record.claims),
    consents: mapValues(record.consents, (scopes) => scopes),
    created_at: record.createdAt,
    last_login: record.lastLogin,
    blocked_until: record.blockedUntil,
    mfa_secrets: mapValues(record.mfaSecrets, writeMfaSecret),
    webauthn_credentials: mapValues(record.webauthnCredentials, (list) => list.map(writeCredential)),
  }),
  read: (row) => ({
    userId: textOf(row, "user_id"),
    connectorId: textOf(row, "connector_id"),
    claims: readClaims(row),
    consents: mapValues(isObject(row.consents) ? row.consents : {}, textList),
    createdAt: numberOf(row, "created_at"),
    lastLogin: numberOf(row, "last_login"),
    blockedUntil: numberOf(row, "blocked_until"),
    mfaSecrets: mapValues(objectEntries(row.mfa_secrets), readMfaSecret),
    webauthnCredentials: mapValues(isObject(row.webauthn_credentials) ? row.webauthn_credentials : {}, (list) =>
      Array.isArray(list) ? list.filter(isObject).map(readCredential) : [],
    ),
  }),
};

export const authSessions: SqlKind<"authSessions"> = {
  kind: "authSessions",
  table: "auth_session",
  user: ["user_id", "connector_id"],
  key: ["id"],
  expiry: ["absolute_expiry", "idle_expiry"],
  columns: [
    fixedColumn("id", "text"),
    // compat(dex): written once there; ours rotates with every login.
    column("secret", "text"),
    fixedColumn("user_id", "text"),
    fixedColumn("connector_id", "text"),
    column("client_states", "json"),
    fixedColumn("created_at", "time"),
    column("last_activity", "time"),
    column("ip_address", "text"),
    column("user_agent", "text"),
    fixedColumn("absolute_expiry", "time"),
    column("idle_expiry", "time"),
    column("logout_state", "nullable_json"),
  ],
  write: (record) => ({
    id: record.id,
    secret: record.secret.reveal(),
    user_id: record.userId,
    connector_id: record.connectorId,
    client_states: mapValues(record.clientStates, writeClientState),
    created_at: record.createdAt,
    last_activity: record.lastActivity,
    ip_address: record.ipAddress,
    user_agent: record.userAgent,
    absolute_expiry: record.absoluteExpiry,
    idle_expiry: record.idleExpiry,
    logout_state: record.logoutState === undefined ? null : writeLogoutState(record.logoutState),
  }),
  read: (row) => ({
    id: textOf(row, "id"),
    secret: new Secret(textOf(row, "secret")),
    userId: textOf(row, "user_id"),
    connectorId: textOf(row, "connector_id"),
    clientStates: mapValues(objectEntries(row.client_states), readClientState),
    createdAt: numberOf(row, "created_at"),
    lastActivity: numberOf(row, "last_activity"),
    ipAddress: textOf(row, "ip_address"),
    userAgent: textOf(row, "user_agent"),
    absoluteExpiry: numberOf(row, "absolute_expiry"),
    idleExpiry: numberOf(row, "idle_expiry"),
    ...(isObject(row.logout_state) ? { logoutState: readLogoutState(row.logout_state) } : {}),
  }),
  ...extraColumns(extras.authSessions),
};
