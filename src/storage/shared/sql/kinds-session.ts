/** Our own tables around the beginning and the end of a session. */
import { textList } from "../dex-json.ts";
import { column, fixedColumn, numberOf, type SqlKind, textOf } from "./kind.ts";

export const logoutDeliveries: SqlKind<"logoutDeliveries"> = {
  kind: "logoutDeliveries",
  table: "dexts_logout_delivery",
  key: ["id"],
  expiry: ["expiry"],
  columns: [
    fixedColumn("id", "text"),
    fixedColumn("client_id", "text"),
    fixedColumn("session_id", "text"),
    fixedColumn("user_id", "text"),
    fixedColumn("connector_id", "text"),
    fixedColumn("created_at", "time"),
    column("attempts", "integer"),
    column("next_attempt", "time"),
    column("expiry", "time"),
  ],
  write: (record) => ({
    id: record.id,
    client_id: record.clientId,
    session_id: record.sessionId,
    user_id: record.userId,
    connector_id: record.connectorId,
    created_at: record.createdAt,
    attempts: record.attempts,
    next_attempt: record.nextAttempt,
    expiry: record.expiry,
  }),
  read: (row) => ({
    id: textOf(row, "id"),
    clientId: textOf(row, "client_id"),
    sessionId: textOf(row, "session_id"),
    userId: textOf(row, "user_id"),
    connectorId: textOf(row, "connector_id"),
    createdAt: numberOf(row, "created_at"),
    attempts: numberOf(row, "attempts"),
    nextAttempt: numberOf(row, "next_attempt"),
    expiry: numberOf(row, "expiry"),
  }),
};

export const upstreamSessions: SqlKind<"upstreamSessions"> = {
  kind: "upstreamSessions",
  table: "dexts_upstream_session",
  key: ["id"],
  expiry: ["expiry"],
  columns: [fixedColumn("id", "text"), column("session_ids", "json"), column("expiry", "time")],
  write: (record) => ({ id: record.id, session_ids: [...record.sessionIds], expiry: record.expiry }),
  read: (row) => ({
    id: textOf(row, "id"),
    sessionIds: textList(row.session_ids),
    expiry: numberOf(row, "expiry"),
  }),
};

export const loginAttempts: SqlKind<"loginAttempts"> = {
  kind: "loginAttempts",
  table: "dexts_login_attempt",
  key: ["id"],
  expiry: ["expiry"],
  columns: [
    fixedColumn("id", "text"),
    column("failures", "integer"),
    column("last_try", "time"),
    column("locked_until", "time"),
    column("who", "bytes_text"),
    column("expiry", "time"),
  ],
  write: (record) => ({
    id: record.id,
    failures: record.failures,
    last_try: record.lastTry,
    locked_until: record.lockedUntil,
    who: record.who,
    expiry: record.expiry,
  }),
  read: (row) => ({
    id: textOf(row, "id"),
    failures: numberOf(row, "failures"),
    lastTry: numberOf(row, "last_try"),
    lockedUntil: numberOf(row, "locked_until"),
    who: textOf(row, "who"),
    expiry: numberOf(row, "expiry"),
  }),
};
