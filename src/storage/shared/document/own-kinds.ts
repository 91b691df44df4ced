import type {
  AccountToken,
  KindName,
  LoginAttempts,
  LogoutDelivery,
  MailDelivery,
  RevokedToken,
  ServerSecret,
  UpstreamSession,
} from "../../records.ts";
import { type Field, fieldsOf } from "./field.ts";

/** The kinds that Dex has. */
type DexKind =
  | "clients"
  | "authRequests"
  | "authCodes"
  | "refreshTokens"
  | "passwords"
  | "offlineSessions"
  | "userIdentities"
  | "authSessions"
  | "connectors"
  | "keys"
  | "deviceRequests"
  | "deviceTokens";

export type OwnKind = Exclude<KindName, DexKind>;

export interface OwnKindDocument {
  /** What one is called, and many: backends make their prefixes and resources of them. */
  readonly singular: string;
  readonly plural: string;
  readonly fields: readonly Field[];
}

const secret = fieldsOf<ServerSecret>();
const revoked = fieldsOf<RevokedToken>();
const delivery = fieldsOf<LogoutDelivery>();
const upstream = fieldsOf<UpstreamSession>();
const account = fieldsOf<AccountToken>();
const mail = fieldsOf<MailDelivery>();
const attempts = fieldsOf<LoginAttempts>();

/** The kinds that are ours, member by member. */
export const ownKinds: { readonly [K in OwnKind]: OwnKindDocument } = {
  serverSecrets: {
    singular: "server_secret",
    plural: "server_secrets",
    fields: [secret.text("id", "id"), secret.secretBytes("key", "secret"), secret.time("createdAt", "created_at")],
  },
  revokedTokens: {
    singular: "revoked_token",
    plural: "revoked_tokens",
    fields: [
      revoked.text("id", "id"),
      revoked.optionalTime("issuedBefore", "issued_before"),
      revoked.time("expiry", "expiry"),
    ],
  },
  logoutDeliveries: {
    singular: "logout_delivery",
    plural: "logout_deliveries",
    fields: [
      delivery.text("id", "id"),
      delivery.text("clientId", "client_id"),
      delivery.text("sessionId", "session_id"),
      delivery.text("userId", "user_id"),
      delivery.text("connectorId", "connector_id"),
      delivery.time("createdAt", "created_at"),
      delivery.integer("attempts", "attempts"),
      delivery.time("nextAttempt", "next_attempt"),
      delivery.time("expiry", "expiry"),
    ],
  },
  upstreamSessions: {
    singular: "upstream_session",
    plural: "upstream_sessions",
    fields: [upstream.text("id", "id"), upstream.list("sessionIds", "session_ids"), upstream.time("expiry", "expiry")],
  },
  accountTokens: {
    singular: "account_token",
    plural: "account_tokens",
    fields: [
      account.text("id", "id"),
      account.text("purpose", "purpose"),
      account.text("userId", "user_id"),
      account.text("email", "email"),
      account.text("newEmail", "new_email"),
      account.text("passwordTag", "password_tag"),
      account.text("back", "back"),
      account.time("createdAt", "created_at"),
      account.time("expiry", "expiry"),
    ],
  },
  mailDeliveries: {
    singular: "mail_delivery",
    plural: "mail_deliveries",
    fields: [
      mail.text("id", "id"),
      mail.text("content", "content"),
      mail.time("createdAt", "created_at"),
      mail.integer("attempts", "attempts"),
      mail.time("nextAttempt", "next_attempt"),
      mail.time("expiry", "expiry"),
    ],
  },
  loginAttempts: {
    singular: "login_attempt",
    plural: "login_attempts",
    fields: [
      attempts.text("id", "id"),
      attempts.integer("failures", "failures"),
      attempts.time("lastTry", "last_try"),
      attempts.time("lockedUntil", "locked_until"),
      attempts.text("who", "who", "omit"),
      attempts.time("expiry", "expiry"),
    ],
  },
};

/** The fields of each of them. */
export const ownFields: { readonly [K in OwnKind]: readonly Field[] } = {
  serverSecrets: ownKinds.serverSecrets.fields,
  revokedTokens: ownKinds.revokedTokens.fields,
  logoutDeliveries: ownKinds.logoutDeliveries.fields,
  upstreamSessions: ownKinds.upstreamSessions.fields,
  accountTokens: ownKinds.accountTokens.fields,
  mailDeliveries: ownKinds.mailDeliveries.fields,
  loginAttempts: ownKinds.loginAttempts.fields,
};
