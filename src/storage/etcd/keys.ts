import { createHash } from "node:crypto";
import { joinUnambiguously } from "../../kernel/derive.ts";
import type { KindName, UserKey } from "../records.ts";
import { type OwnKind, ownKinds } from "../shared/document/own-kinds.ts";
import { keyText } from "../shared/record-key.ts";

const own = (kind: OwnKind): string => `dexts/${ownKinds[kind].singular}/`;

/** What the keys of a kind begin with. compat(dex): storage/etcd/etcd.go. Ours begin with `dexts/`, where Dex never looks. */
const prefixes: Readonly<Record<KindName, string>> = {
  clients: "client/",
  authRequests: "auth_req/",
  authCodes: "auth_code/",
  refreshTokens: "refresh_token/",
  passwords: "password/",
  offlineSessions: "offline_session/",
  userIdentities: "user_identity/",
  authSessions: "auth_session/",
  connectors: "connector/",
  keys: "openid-connect-keys",
  deviceRequests: "device_req/",
  deviceTokens: "device_token/",
  serverSecrets: own("serverSecrets"),
  revokedTokens: own("revokedTokens"),
  logoutDeliveries: own("logoutDeliveries"),
  upstreamSessions: own("upstreamSessions"),
  accountTokens: own("accountTokens"),
  mailDeliveries: own("mailDeliveries"),
  loginAttempts: own("loginAttempts"),
};

const hasPairs = (kind: KindName): boolean => kind === "offlineSessions" || kind === "userIdentities";

/**
 * Where a record may stand: Dex's key first. Dex lower-cases the key of a pair and joins it with a pipe, so two people
 * can have the same one; it then takes them for one person. The second comer's record stands under a key of ours.
 */
export function recordKeys(kind: KindName, parts: readonly string[]): readonly [string, ...string[]] {
  const prefix = prefixes[kind];
  if (kind === "keys") return [prefix];
  if (!hasPairs(kind)) return [prefix + (parts[0] ?? "")];
  return [prefix + goLowerCase(parts.join("|")), `dexts/${prefix}${keyText(parts)}`];
}

/** The prefixes, or single keys, under which the records of a kind stand. */
export const recordPrefixes = (kind: KindName): readonly string[] =>
  hasPairs(kind) ? [prefixes[kind], `dexts/${prefixes[kind]}`] : [prefixes[kind]];

/** Where what Dex has no place for stands, by the record's key. */
export const extraKey = (key: string): string => `dexts/extra/${key}`;

/** Under this stand the ids of one person's records. Hashed, because a user id may be longer than a key should be. */
export function userPrefix(kind: KindName, { userId, connectorId }: UserKey): string {
  const user = createHash("sha256")
    .update(joinUnambiguously([userId, connectorId]))
    .digest("base64url");
  return `dexts/of_user/${prefixes[kind]}${user}/`;
}

/** Go lower-cases letter by letter, JavaScript by the word; the two differ in these letters. */
const goLowerCase = (text: string): string =>
  Array.from(text, (letter) => (letter === "\u0130" ? "i" : letter.toLowerCase())).join("");
