/** Our own tables around the accounts of the built-in password database. */
import { column, fixedColumn, numberOf, type SqlKind, textOf } from "./kind.ts";

const purposes = ["verify", "reset", "email", "device"] as const;

export const accountTokens: SqlKind<"accountTokens"> = {
  kind: "accountTokens",
  table: "dexts_account_token",
  key: ["id"],
  expiry: ["expiry"],
  columns: [
    fixedColumn("id", "text"),
    fixedColumn("purpose", "text"),
    fixedColumn("user_id", "text"),
    fixedColumn("email", "text"),
    fixedColumn("new_email", "text"),
    fixedColumn("password_tag", "text"),
    fixedColumn("back", "bytes_text"),
    fixedColumn("created_at", "time"),
    column("expiry", "time"),
  ],
  write: (record) => ({
    id: record.id,
    purpose: record.purpose,
    user_id: record.userId,
    email: record.email,
    new_email: record.newEmail,
    password_tag: record.passwordTag,
    back: record.back,
    created_at: record.createdAt,
    expiry: record.expiry,
  }),
  read: (row) => ({
    id: textOf(row, "id"),
    // A purpose that this version does not know opens nothing here.
    purpose: purposes.find((purpose) => purpose === row.purpose) ?? "device",
    userId: textOf(row, "user_id"),
    email: textOf(row, "email"),
    newEmail: textOf(row, "new_email"),
    passwordTag: textOf(row, "password_tag"),
    back: textOf(row, "back"),
    createdAt: numberOf(row, "created_at"),
    expiry: numberOf(row, "expiry"),
  }),
};

export const mailDeliveries: SqlKind<"mailDeliveries"> = {
  kind: "mailDeliveries",
  table: "dexts_mail_delivery",
  key: ["id"],
  expiry: ["expiry"],
  columns: [
    fixedColumn("id", "text"),
    fixedColumn("content", "bytes_text"),
    fixedColumn("created_at", "time"),
    column("attempts", "integer"),
    column("next_attempt", "time"),
    column("expiry", "time"),
  ],
  write: (record) => ({
    id: record.id,
    content: record.content,
    created_at: record.createdAt,
    attempts: record.attempts,
    next_attempt: record.nextAttempt,
    expiry: record.expiry,
  }),
  read: (row) => ({
    id: textOf(row, "id"),
    content: textOf(row, "content"),
    createdAt: numberOf(row, "created_at"),
    attempts: numberOf(row, "attempts"),
    nextAttempt: numberOf(row, "next_attempt"),
    expiry: numberOf(row, "expiry"),
  }),
};
