/** Dex's JSON in etcd, member by member. compat(dex): storage/etcd/types.go, and storage/storage.go where it has no mirror of its own. */
import type {
  AuthCode,
  AuthRequest,
  AuthSession,
  Client,
  ConnectorRecord,
  DeviceRequest,
  DeviceToken,
  Keys,
  KindName,
  OfflineSession,
  Password,
  RefreshToken,
  UserIdentity,
} from "../records.ts";
import { isObject, member, textList } from "../shared/dex-json.ts";
import { constant, type Field, fieldsOf } from "../shared/document/field.ts";
import { ownFields } from "../shared/document/own-kinds.ts";
import {
  readClaims,
  readConsents,
  readCredentials,
  readKey,
  readLifetime,
  readSigningKey,
  writeClaims,
  writeConsents,
  writeCredentials,
} from "../shared/document/parts.ts";
import { readVerificationKey, writeVerificationKey } from "../shared/parts-of-keys.ts";
import {
  readClientState,
  readLogoutState,
  readMfaSecret,
  readReference,
  writeClientState,
  writeLogoutState,
  writeMfaSecret,
  writeReference,
} from "../shared/parts-of-users.ts";

const client = fieldsOf<Client>();
const clients: readonly Field[] = [
  client.text("id", "id"),
  constant("idEnv", ""),
  client.secret("secret", "secret"),
  constant("secretEnv", ""),
  client.list("redirectUris", "redirectURIs"),
  client.list("postLogoutRedirectUris", "postLogoutRedirectURIs"),
  client.text("backchannelLogoutUri", "backchannelLogoutURI"),
  client.value("refreshTokenLifetime", "refreshTokenLifetime", (value) => value, readLifetime),
  client.list("trustedPeers", "trustedPeers"),
  client.bool("public", "public"),
  client.text("name", "name"),
  client.text("logoUrl", "logoURL"),
  client.list("allowedConnectors", "allowedConnectors"),
  client.optionalList("mfaChain", "mfaChain"),
  client.optionalList("ssoSharedWith", "ssoSharedWith"),
  client.value(
    "clientCredentialsGroups",
    "clientCredentialsClaims",
    (groups) => (groups.length === 0 ? undefined : { groups }),
    (value) => (isObject(value) ? textList(member(value, "groups")) : []),
  ),
];

const request = fieldsOf<AuthRequest>();
const authRequests: readonly Field[] = [
  request.text("id", "id"),
  request.text("clientId", "client_id"),
  request.list("responseTypes", "response_types"),
  request.list("scopes", "scopes"),
  request.text("redirectUri", "redirect_uri"),
  request.text("nonce", "nonce"),
  request.text("state", "state"),
  request.bool("forceApprovalPrompt", "force_approval_prompt"),
  request.time("expiry", "expiry"),
  request.bool("loggedIn", "logged_in"),
  request.value("claims", "claims", writeClaims, readClaims),
  request.text("connectorId", "connector_id"),
  request.optionalSecretBytes("connectorData", "connector_data"),
  request.text("codeChallenge", "code_challenge", "omit"),
  request.text("codeChallengeMethod", "code_challenge_method", "omit"),
  request.secretBytes("hmacKey", "hmac_key"),
  request.bool("mfaValidated", "mfa_validated"),
  request.optionalBytes("webauthnSessionData", "webauthn_session_data"),
  request.text("prompt", "prompt", "omit"),
  // Up to v2.45.1 there is none. compat(dex): there that reads as 0, "log in again".
  request.integer("maxAge", "max_age", -1),
  request.time("authTime", "auth_time"),
];

const code = fieldsOf<AuthCode>();
const authCodes: readonly Field[] = [
  code.text("id", "ID"),
  code.text("clientId", "clientID"),
  code.text("redirectUri", "redirectURI"),
  code.text("nonce", "nonce", "omit"),
  code.list("scopes", "scopes", "omit"),
  code.text("connectorId", "connectorID", "omit"),
  code.optionalSecretBytes("connectorData", "connectorData", "omit"),
  code.value("claims", "claims", writeClaims, readClaims),
  code.time("expiry", "expiry"),
  code.text("codeChallenge", "code_challenge", "omit"),
  code.text("codeChallengeMethod", "code_challenge_method", "omit"),
  code.time("authTime", "auth_time"),
  code.text("sessionId", "session_id", "omit"),
];

const refresh = fieldsOf<RefreshToken>();
const refreshTokens: readonly Field[] = [
  refresh.text("id", "id"),
  refresh.secret("token", "token"),
  refresh.secret("obsoleteToken", "obsolete_token"),
  refresh.time("createdAt", "created_at"),
  refresh.time("lastUsed", "last_used"),
  refresh.text("clientId", "client_id"),
  refresh.text("connectorId", "connector_id"),
  refresh.optionalSecretBytes("connectorData", "connector_data"),
  refresh.value("claims", "claims", writeClaims, readClaims),
  refresh.list("scopes", "scopes"),
  refresh.text("nonce", "nonce"),
];

const password = fieldsOf<Password>();
const passwords: readonly Field[] = [
  password.text("email", "email"),
  password.secretBytes("hash", "hash"),
  constant("hashFromEnv", ""),
  password.text("username", "username"),
  password.text("name", "name"),
  password.text("preferredUsername", "preferredUsername"),
  password.optionalBool("emailVerified", "emailVerified"),
  password.text("userId", "userID"),
  password.list("groups", "groups"),
];

const offline = fieldsOf<OfflineSession>();
const offlineSessions: readonly Field[] = [
  offline.text("userId", "user_id", "omit"),
  offline.text("connectorId", "conn_id", "omit"),
  offline.map("refresh", "refresh", writeReference, readReference, "omit"),
  offline.optionalSecretBytes("connectorData", "connectorData", "omit"),
];

const identity = fieldsOf<UserIdentity>();
const userIdentities: readonly Field[] = [
  identity.text("userId", "user_id", "omit"),
  identity.text("connectorId", "connector_id", "omit"),
  identity.value("claims", "claims", writeClaims, readClaims),
  identity.value("consents", "consents", writeConsents, readConsents),
  identity.map("mfaSecrets", "mfa_secrets", writeMfaSecret, readMfaSecret, "omit"),
  identity.value("webauthnCredentials", "webauthn_credentials", writeCredentials, readCredentials),
  identity.time("createdAt", "created_at"),
  identity.time("lastLogin", "last_login"),
  identity.time("blockedUntil", "blocked_until"),
];

const session = fieldsOf<AuthSession>();
const authSessions: readonly Field[] = [
  session.text("id", "id"),
  session.secret("secret", "secret", "omit"),
  session.text("userId", "user_id", "omit"),
  session.text("connectorId", "connector_id", "omit"),
  session.map("clientStates", "client_states", writeClientState, readClientState, "omit"),
  session.time("createdAt", "created_at"),
  session.time("lastActivity", "last_activity"),
  session.text("ipAddress", "ip_address", "omit"),
  session.text("userAgent", "user_agent", "omit"),
  session.time("absoluteExpiry", "absolute_expiry"),
  session.time("idleExpiry", "idle_expiry"),
  session.value(
    "logoutState",
    "logout_state",
    (state) => state && writeLogoutState(state),
    (value) => (isObject(value) ? readLogoutState(value) : undefined),
  ),
];

const connector = fieldsOf<ConnectorRecord>();
const connectors: readonly Field[] = [
  connector.text("id", "id"),
  connector.text("type", "type"),
  connector.text("name", "name"),
  connector.text("resourceVersion", "resourceVersion"),
  // compat(dex): a wrong name that stayed.
  connector.secretBytes("config", "email"),
  connector.list("grantTypes", "grantTypes", "omit"),
];

const key = fieldsOf<Keys>();
const keys: readonly Field[] = [
  key.value("signingKey", "SigningKey", (value) => value?.reveal() ?? null, readSigningKey),
  key.value("signingKeyPub", "SigningKeyPub", (value) => value ?? null, readKey),
  key.value(
    "verificationKeys",
    "VerificationKeys",
    (list) => (list.length === 0 ? null : list.map(writeVerificationKey)),
    (value) => (Array.isArray(value) ? value.filter(isObject).map(readVerificationKey) : []),
  ),
  key.time("nextRotation", "NextRotation"),
];

const deviceRequest = fieldsOf<DeviceRequest>();
const deviceRequests: readonly Field[] = [
  deviceRequest.text("userCode", "user_code"),
  deviceRequest.text("deviceCode", "device_code"),
  deviceRequest.text("clientId", "client_id"),
  deviceRequest.secret("clientSecret", "client_secret"),
  deviceRequest.list("scopes", "scopes"),
  deviceRequest.time("expiry", "expiry"),
];

const deviceToken = fieldsOf<DeviceToken>();
const deviceTokens: readonly Field[] = [
  deviceToken.text("deviceCode", "device_code"),
  deviceToken.text("status", "status"),
  deviceToken.secret("token", "token"),
  deviceToken.time("expiry", "expiry"),
  deviceToken.time("lastRequest", "last_request"),
  deviceToken.integer("pollInterval", "poll_interval"),
  deviceToken.text("codeChallenge", "code_challenge", "omit"),
  deviceToken.text("codeChallengeMethod", "code_challenge_method", "omit"),
];

/** What a value holds. The kinds that are ours stand under `dexts/`, where Dex never looks. */
export const etcdFields: { readonly [K in KindName]: readonly Field[] } = {
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
  ...ownFields,
};
