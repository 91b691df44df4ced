/** What etcd and Kubernetes write alike, whatever the members around it are called. */
import { Secret } from "../../../kernel/secret.ts";
import type { Claims, Client, StoredJwk, WebauthnCredential } from "../../records.ts";
import { boolMember, isObject, type JsonObject, mapValues, member, textList, textMember } from "../dex-json.ts";
import { readJwk } from "../parts-of-keys.ts";
import { readCredential, writeCredential } from "../parts-of-users.ts";

export const writeClaims = (claims: Claims): JsonObject => ({
  userID: claims.userId,
  username: claims.username,
  preferredUsername: claims.preferredUsername,
  email: claims.email,
  emailVerified: claims.emailVerified,
  ...(claims.groups.length === 0 ? {} : { groups: claims.groups }),
});

export function readClaims(value: unknown): Claims {
  const object = isObject(value) ? value : {};
  return {
    userId: textMember(object, "userID"),
    username: textMember(object, "username"),
    preferredUsername: textMember(object, "preferredUsername"),
    email: textMember(object, "email"),
    emailVerified: boolMember(object, "emailVerified"),
    groups: textList(member(object, "groups")),
  };
}

export const readLifetime = (value: unknown): Client["refreshTokenLifetime"] =>
  value === "standalone" || value === "session" ? value : "";

export const readConsents = (value: unknown): Readonly<Record<string, readonly string[]>> =>
  mapValues(isObject(value) ? value : {}, textList);

export const writeConsents = (consents: Readonly<Record<string, readonly string[]>>): JsonObject | undefined =>
  Object.keys(consents).length === 0 ? undefined : mapValues(consents, (scopes) => scopes);

/** A key that is an object; anything else is none. */
export const readKey = (value: unknown): StoredJwk | undefined => (isObject(value) ? readJwk(value) : undefined);

export function readSigningKey(value: unknown): Secret<StoredJwk> | undefined {
  const key = readKey(value);
  return key === undefined ? undefined : new Secret(key);
}

export const writeCredentials = (
  credentials: Readonly<Record<string, readonly WebauthnCredential[]>>,
): JsonObject | undefined =>
  Object.keys(credentials).length === 0 ? undefined : mapValues(credentials, (list) => list.map(writeCredential));

export const readCredentials = (value: unknown): Readonly<Record<string, readonly WebauthnCredential[]>> =>
  mapValues(isObject(value) ? value : {}, (list) =>
    Array.isArray(list) ? list.filter(isObject).map(readCredential) : [],
  );
