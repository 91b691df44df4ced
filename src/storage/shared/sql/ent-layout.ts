/**
 * Dex's other set of tables, those of `DEX_ENT_ENABLED`: plural names, JSON in columns of the database's own type, a
 * hash for a key of two parts, numbers that the database gives. Made from the usual kinds, so what a record is stays
 * in one place. compat(dex): storage/ent/schema.
 */
import { createHash } from "node:crypto";
import type { KindName } from "../../records.ts";
import { isObject, member, textList } from "../dex-json.ts";
import { type Column, type ColumnType, fixedColumn, type SqlKind } from "./kind.ts";
import { sqlKinds } from "./kinds.ts";
import type { SqlLayout } from "./layout.ts";
import type { Change, NewColumn } from "./migrations.ts";

/** Dex's own kinds under ent; ours are the same tables for both. */
const tables: Partial<Record<KindName, string>> = {
  clients: "oauth2clients",
  authRequests: "auth_requests",
  authCodes: "auth_codes",
  refreshTokens: "refresh_tokens",
  passwords: "passwords",
  offlineSessions: "offline_sessions",
  userIdentities: "user_identities",
  authSessions: "auth_sessions",
  connectors: "connectors",
  keys: "keys",
  deviceRequests: "device_requests",
  deviceTokens: "device_tokens",
};

/** JSON that ent keeps as bytes. */
const jsonInBytes: ReadonlySet<string> = new Set([
  "refresh",
  "consents",
  "mfa_secrets",
  "webauthn_credentials",
  "client_states",
  "logout_state",
]);

/** The key is a number that the database gives; ours is unique beside it. */
const numbered: ReadonlySet<KindName> = new Set(["passwords", "deviceRequests", "deviceTokens"]);
/** The key is a hash over both parts, one after the other. */
const hashed: ReadonlySet<KindName> = new Set(["offlineSessions", "userIdentities"]);

const pairHash = (parts: readonly string[]): string => createHash("sha256").update(parts.join("")).digest("hex");

function entKind<K extends KindName>(kind: SqlKind<K>): SqlKind<K> {
  const table = tables[kind.kind];
  if (table === undefined) return kind;
  const columns = kind.columns.map((column) => ({ ...column, type: entType(column) }));
  if (!hashed.has(kind.kind)) return { ...kind, table, columns };
  return {
    ...kind,
    table,
    columns: [fixedColumn("id", "text"), ...columns],
    // The hash finds the row, and is the same for ("a", "bc") and ("ab", "c"): the parts decide whose it is.
    key: ["id", ...kind.key],
    keyCells: (parts) => [pairHash(parts), ...parts],
    write: (record) => {
      const row = kind.write(record);
      return { id: pairHash(kind.key.map((name) => String(row[name]))), ...row };
    },
  };
}

function entType({ name, type }: Column): ColumnType {
  if (type === "integer") return "bigint";
  return (type === "json" || type === "nullable_json") && !jsonInBytes.has(name) ? "native_json" : type;
}

/** ent has a column for what the usual table cannot hold. */
function entClients(): SqlKind<"clients"> {
  const kind = entKind(sqlKinds.clients);
  return {
    ...kind,
    columns: [...kind.columns, { name: "client_credentials_claims", type: "native_json" }],
    write: (record) => ({
      ...kind.write(record),
      client_credentials_claims:
        record.clientCredentialsGroups.length === 0 ? null : { groups: record.clientCredentialsGroups },
    }),
    read: (row) => {
      const claims = row.client_credentials_claims;
      return {
        ...kind.read(row),
        ...(isObject(claims) ? { clientCredentialsGroups: textList(member(claims, "groups")) } : {}),
      };
    },
    writeExtra: (record) => kind.writeExtra?.({ ...record, clientCredentialsGroups: [] }),
    readExtra: (record, extra) => {
      const { clientCredentialsGroups } = record;
      return { ...(kind.readExtra?.(record, extra) ?? record), clientCredentialsGroups };
    },
  };
}

const map = <T extends { readonly [K in KindName]: SqlKind<K> }>(kinds: T): SqlLayout["kinds"] => ({
  clients: entClients(),
  authRequests: entKind(kinds.authRequests),
  authCodes: entKind(kinds.authCodes),
  refreshTokens: entKind(kinds.refreshTokens),
  passwords: entKind(kinds.passwords),
  offlineSessions: entKind(kinds.offlineSessions),
  userIdentities: entKind(kinds.userIdentities),
  authSessions: entKind(kinds.authSessions),
  connectors: entKind(kinds.connectors),
  keys: entKind(kinds.keys),
  deviceRequests: entKind(kinds.deviceRequests),
  deviceTokens: entKind(kinds.deviceTokens),
  serverSecrets: kinds.serverSecrets,
  revokedTokens: kinds.revokedTokens,
  logoutDeliveries: kinds.logoutDeliveries,
  upstreamSessions: kinds.upstreamSessions,
  accountTokens: kinds.accountTokens,
  mailDeliveries: kinds.mailDeliveries,
  loginAttempts: kinds.loginAttempts,
});

/** What ent's columns may leave out, by name; in `keys` nothing. */
const nullable: ReadonlySet<string> = new Set([
  "connector_data",
  "webauthn_session_data",
  "mfa_secrets",
  "webauthn_credentials",
  "logout_state",
  "token",
  "email_verified",
]);

const defaults: Readonly<Record<string, string | number | boolean>> = {
  claims_preferred_username: "",
  code_challenge: "",
  code_challenge_method: "",
  session_id: "",
  mfa_validated: false,
  prompt: "",
  max_age: -1,
  obsolete_token: "",
  preferred_username: "",
  backchannel_logout_uri: "",
  refresh_token_lifetime: "",
  ip_address: "",
  user_agent: "",
};

/** `token` is text with a default in one table and bytes without in another; `name` has one among passwords only. */
function entColumn(kind: KindName, { name, type }: Column): NewColumn {
  const isIdentity = kind === "userIdentities" && name.startsWith("claims_") && type !== "native_json";
  const start =
    isIdentity || (kind === "refreshTokens" && name === "token") || (kind === "passwords" && name === "name")
      ? { default: type === "bool" ? false : "" }
      : Object.hasOwn(defaults, name)
        ? { default: defaults[name] ?? "" }
        : {};
  const mayBeNull =
    (type === "native_json" && kind !== "keys") ||
    (nullable.has(name) && type !== "text") ||
    (name === "auth_time" && type === "time") ||
    ["session_id", "backchannel_logout_uri", "refresh_token_lifetime"].includes(name);
  return { name, type, ...start, ...(mayBeNull ? { nullable: true } : {}) };
}

const kinds = map(sqlKinds);

const entTables = (Object.values(kinds) as readonly SqlKind[]).flatMap(
  ({ kind, table, columns, key }): readonly Change[] => {
    if (tables[kind] === undefined) return [];
    const made = columns.map((column) => entColumn(kind, column));
    if (!numbered.has(kind)) return [{ create: table, columns: made, key: key.slice(0, 1), isExact: true }];
    const [name = ""] = key;
    return [
      { create: table, columns: [{ name: "id", type: "serial" }, ...made], key: ["id"], isExact: true },
      { index: `${table}_${name}_key`, on: table, columns: [name], unique: true },
    ];
  },
);

export const entLayout: SqlLayout = { kinds, isNumbered: false, tables: entTables };
