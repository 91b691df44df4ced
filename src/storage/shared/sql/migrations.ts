/**
 * Dex's schema as it grew, step by step, in words that every dialect can say. A step that does not apply to a
 * database has no number there. Our own tables are not among them: a later Dex gives the next number to a step
 * of its own. compat(dex): storage/sql/migrate.go.
 */
import type { ColumnType } from "./kind.ts";

export interface NewColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly nullable?: true;
  /** A literal in neutral spelling; the dialect may say it its own way. */
  readonly default?: string | number | boolean;
  /** Characters at most, where that is not the type's own. */
  readonly limit?: number;
}

export type Change =
  | {
      readonly create: string;
      readonly columns: readonly NewColumn[];
      readonly key: readonly string[];
      /** Letter case counts, where the database would not say so by itself. */
      readonly isExact?: true;
    }
  | { readonly alter: string; readonly add: readonly NewColumn[] }
  /** Makes columns hold more. */
  | { readonly widen: string; readonly columns: readonly NewColumn[] }
  | { readonly drop: string }
  | { readonly index: string; readonly on: string; readonly columns: readonly string[]; readonly unique?: true };

export type Flavour = "sqlite3" | "postgres" | "mysql";

export interface Step {
  readonly changes: readonly Change[];
  /** Absent: all of them. */
  readonly only?: Flavour;
}

type Options = Omit<NewColumn, "name" | "type">;
const columnsOf = (type: ColumnType, options: Options, names: readonly string[]): readonly NewColumn[] =>
  names.map((name) => ({ name, type, ...options }));
const text = (...names: string[]) => columnsOf("text", {}, names);
const emptyText = (...names: string[]) => columnsOf("text", { default: "" }, names);
const json = (...names: string[]) => columnsOf("json", {}, names);
const nullableJson = (...names: string[]) => columnsOf("json", { nullable: true }, names);
const nullableBytes = (...names: string[]) => columnsOf("bytes", { nullable: true }, names);
const bool = (...names: string[]) => columnsOf("bool", {}, names);
const time = (...names: string[]) => columnsOf("time", {}, names);
const timeSince = (start: string, ...names: string[]) => columnsOf("time", { default: start }, names);

const create = (table: string, key: readonly string[], ...columns: readonly (readonly NewColumn[])[]): Change => ({
  create: table,
  key,
  columns: columns.flat(),
});
const add = (table: string, ...columns: readonly (readonly NewColumn[])[]): Change => ({
  alter: table,
  add: columns.flat(),
});

const yearOne = "0001-01-01 00:00:00 UTC";
const epoch = "1970-01-01 00:00:00";
const claims = [
  ...text("claims_user_id", "claims_username", "claims_email"),
  ...bool("claims_email_verified"),
  ...json("claims_groups"),
];
const connector = [...text("connector_id"), ...nullableBytes("connector_data")];
const pkce = emptyText("code_challenge", "code_challenge_method");
const preferredName = emptyText("claims_preferred_username");
const sessionUse = [
  ...json("client_states"),
  ...time("created_at", "last_activity"),
  ...emptyText("ip_address", "user_agent"),
];
const sessionEnds = [...timeSince(epoch, "absolute_expiry", "idle_expiry"), ...nullableJson("logout_state")];

const firstTables: readonly Change[] = [
  create(
    "client",
    ["id"],
    text("id", "secret"),
    json("redirect_uris", "trusted_peers"),
    bool("public"),
    text("name", "logo_url"),
  ),
  create(
    "auth_request",
    ["id"],
    text("id", "client_id"),
    json("response_types", "scopes"),
    text("redirect_uri", "nonce", "state"),
    bool("force_approval_prompt", "logged_in"),
    claims,
    connector,
    time("expiry"),
  ),
  create(
    "auth_code",
    ["id"],
    text("id", "client_id"),
    json("scopes"),
    text("nonce", "redirect_uri"),
    claims,
    connector,
    time("expiry"),
  ),
  create("refresh_token", ["id"], text("id", "client_id"), json("scopes"), text("nonce"), claims, connector),
  create("password", ["email"], text("email"), columnsOf("bytes", {}, ["hash"]), text("username", "user_id")),
  create(
    "keys",
    ["id"],
    text("id"),
    json("verification_keys", "signing_key", "signing_key_pub"),
    time("next_rotation"),
  ),
];

const deviceTables: readonly Change[] = [
  create(
    "device_request",
    ["user_code"],
    text("user_code", "device_code", "client_id"),
    columnsOf("text", { nullable: true }, ["client_secret"]),
    json("scopes"),
    time("expiry"),
  ),
  create(
    "device_token",
    ["device_code"],
    text("device_code", "status"),
    nullableBytes("token"),
    time("expiry", "last_request"),
    columnsOf("integer", {}, ["poll_interval"]),
  ),
];

export const steps: readonly Step[] = [
  { changes: firstTables },
  { changes: [add("refresh_token", emptyText("token"), timeSince(yearOne, "created_at", "last_used"))] },
  { changes: [create("offline_session", ["user_id", "conn_id"], text("user_id", "conn_id"), json("refresh"))] },
  { changes: [create("connector", ["id"], text("id", "type", "name", "resource_version"), nullableBytes("config"))] },
  { changes: ["auth_code", "auth_request", "refresh_token"].map((table) => add(table, preferredName)) },
  { changes: [add("offline_session", nullableBytes("connector_data"))] },
  // Only MySQL limits it.
  {
    changes: [{ widen: "auth_request", columns: columnsOf("text", { nullable: true, limit: 4096 }, ["state"]) }],
    only: "mysql",
  },
  { changes: deviceTables },
  { changes: ["auth_request", "auth_code"].map((table) => add(table, pkce)) },
  { changes: [add("refresh_token", columnsOf("text", { nullable: true, default: "" }, ["obsolete_token"]))] },
  { changes: [add("device_token", pkce)] },
  { changes: [add("auth_request", nullableBytes("hmac_key"))] },
  { changes: [add("password", emptyText("preferred_username"), columnsOf("json", { default: "[]" }, ["groups"]))] },
  { changes: [add("password", emptyText("name"), columnsOf("optional_bool", { nullable: true }, ["email_verified"]))] },
  { changes: [add("connector", nullableJson("grant_types"))] },
  { changes: [add("client", nullableJson("allowed_connectors"))] },
  {
    changes: [
      create(
        "user_identity",
        ["user_id", "connector_id"],
        text("user_id", "connector_id", "claims_user_id", "claims_username"),
        preferredName,
        text("claims_email"),
        bool("claims_email_verified"),
        json("claims_groups", "consents"),
        time("created_at", "last_login", "blocked_until"),
      ),
    ],
  },
  {
    changes: [
      create(
        "auth_session",
        ["user_id", "connector_id"],
        text("user_id", "connector_id"),
        emptyText("nonce"),
        sessionUse,
      ),
    ],
  },
  {
    changes: [
      add(
        "auth_request",
        columnsOf("bool", { default: false }, ["mfa_validated"]),
        emptyText("prompt"),
        columnsOf("integer", { default: -1 }, ["max_age"]),
        timeSince(epoch, "auth_time"),
      ),
      add("user_identity", nullableJson("mfa_secrets")),
      add("client", nullableJson("mfa_chain")),
      add("auth_code", timeSince(epoch, "auth_time")),
    ],
  },
  { changes: [add("auth_session", sessionEnds), add("client", nullableJson("post_logout_redirect_uris"))] },
  {
    changes: [
      add("auth_request", nullableBytes("webauthn_session_data")),
      add("user_identity", nullableJson("webauthn_credentials")),
    ],
  },
  { changes: [add("client", nullableJson("sso_shared_with"))] },
  { changes: [add("client", emptyText("backchannel_logout_uri", "refresh_token_lifetime"))] },
  {
    changes: [
      { drop: "auth_session" },
      create(
        "auth_session",
        ["id"],
        text("id"),
        emptyText("secret"),
        text("user_id", "connector_id"),
        sessionUse,
        sessionEnds,
      ),
      { index: "auth_session_user_idx", on: "auth_session", columns: ["user_id", "connector_id"] },
      add("auth_code", emptyText("session_id")),
    ],
  },
];

/** The steps that count for `flavour`: the first has number 1. */
export const stepsFor = (flavour: Flavour): readonly Step[] =>
  steps.filter(({ only }) => only === undefined || only === flavour);

/** Where SQLite keeps what Dex's tables cannot hold; a database server keeps it in a column of theirs. */
export const extraTable: Change = create(
  "dexts_extra",
  ["kind", "record_key"],
  text("kind", "record_key"),
  json("body"),
);

/** Our own tables, made where they are missing and never numbered. */
export const ownTables: readonly Change[] = [
  create("dexts_server_secret", ["id"], text("id"), columnsOf("bytes", {}, ["secret"]), time("created_at")),
  create(
    "dexts_revoked_token",
    ["id"],
    text("id"),
    time("expiry"),
    columnsOf("time", { nullable: true }, ["issued_before"]),
  ),
  create(
    "dexts_logout_delivery",
    ["id"],
    text("id", "client_id", "session_id", "user_id", "connector_id"),
    time("created_at"),
    columnsOf("integer", {}, ["attempts"]),
    time("next_attempt", "expiry"),
  ),
  create("dexts_upstream_session", ["id"], text("id"), json("session_ids"), time("expiry")),
  create(
    "dexts_account_token",
    ["id"],
    text("id", "purpose", "user_id", "email", "new_email", "password_tag"),
    columnsOf("bytes_text", {}, ["back"]),
    time("created_at", "expiry"),
  ),
  create(
    "dexts_mail_delivery",
    ["id"],
    text("id"),
    columnsOf("bytes_text", {}, ["content"]),
    time("created_at"),
    columnsOf("integer", {}, ["attempts"]),
    time("next_attempt", "expiry"),
  ),
  create(
    "dexts_login_attempt",
    ["id"],
    text("id"),
    columnsOf("integer", {}, ["failures"]),
    time("last_try", "locked_until", "expiry"),
    // Nullable: a database server has rows, and replicas that write them, from before there was one.
    columnsOf("bytes_text", { nullable: true }, ["who"]),
  ),
];
