/** Dex's custom resources, member by member, without what every object has. compat(dex): storage/kubernetes/types.go. */
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
import { isObject, textList } from "../shared/dex-json.ts";
import { type Field, fieldsOf, notStored } from "../shared/document/field.ts";
import { type OwnKindDocument, ownKinds } from "../shared/document/own-kinds.ts";
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

const readChain = (value: unknown): readonly string[] | undefined =>
  Array.isArray(value) ? textList(value) : undefined;

const client = fieldsOf<Client>();
const clients: readonly Field[] = [
  client.text("id", "id", "omit"),
  client.secret("secret", "secret", "omit"),
  client.list("redirectUris", "redirectURIs", "omit"),
  client.list("trustedPeers", "trustedPeers", "omit"),
  client.bool("public", "public"),
  client.text("name", "name", "omit"),
  client.text("logoUrl", "logoURL", "omit"),
  client.list("allowedConnectors", "allowedConnectors", "omit"),
  // compat(dex): there an empty list is lost when Dex writes; it reads one well.
  client.value("mfaChain", "mfaChain", (chain) => chain, readChain),
  client.list("postLogoutRedirectUris", "postLogoutRedirectURIs", "omit"),
  client.optionalList("ssoSharedWith", "ssoSharedWith"),
  client.text("backchannelLogoutUri", "backchannelLogoutURI", "omit"),
  client.value(
    "refreshTokenLifetime",
    "refreshTokenLifetime",
    (value) => (value === "" ? undefined : value),
    readLifetime,
  ),
  notStored("clientCredentialsGroups", []),
];

const request = fieldsOf<AuthRequest>();
const authRequests: readonly Field[] = [
  request.text("clientId", "clientID"),
  request.list("responseTypes", "responseTypes", "omit"),
  request.list("scopes", "scopes", "omit"),
  request.text("redirectUri", "redirectURI"),
  request.text("nonce", "nonce", "omit"),
  request.text("state", "state", "omit"),
  request.bool("forceApprovalPrompt", "forceApprovalPrompt", "omit"),
  request.bool("loggedIn", "loggedIn"),
  request.value("claims", "claims", writeClaims, readClaims),
  request.text("connectorId", "connectorID", "omit"),
  request.optionalSecretBytes("connectorData", "connectorData", "omit"),
  request.time("expiry", "expiry"),
  request.text("codeChallenge", "code_challenge", "omit"),
  request.text("codeChallengeMethod", "code_challenge_method", "omit"),
  request.secretBytes("hmacKey", "hmac_key"),
  request.bool("mfaValidated", "mfa_validated"),
  request.optionalBytes("webauthnSessionData", "webauthn_session_data"),
  request.text("prompt", "prompt", "omit"),
  // Up to v2.45.1 there is none. compat(dex): there that reads as 0, "log in again".
  request.integer("maxAge", "maxAge", -1),
  request.time("authTime", "authTime"),
];

const code = fieldsOf<AuthCode>();
const authCodes: readonly Field[] = [
  code.text("clientId", "clientID"),
  code.list("scopes", "scopes", "omit"),
  code.text("redirectUri", "redirectURI"),
  code.text("nonce", "nonce", "omit"),
  code.value("claims", "claims", writeClaims, readClaims),
  code.text("connectorId", "connectorID", "omit"),
  code.optionalSecretBytes("connectorData", "connectorData", "omit"),
  code.time("expiry", "expiry"),
  code.text("codeChallenge", "code_challenge", "omit"),
  code.text("codeChallengeMethod", "code_challenge_method", "omit"),
  code.time("authTime", "authTime"),
  code.text("sessionId", "sessionID", "omit"),
];

const refresh = fieldsOf<RefreshToken>();
const refreshTokens: readonly Field[] = [
  refresh.time("createdAt", "CreatedAt"),
  refresh.time("lastUsed", "LastUsed"),
  refresh.text("clientId", "clientID"),
  refresh.list("scopes", "scopes", "omit"),
  refresh.secret("token", "token", "omit"),
  refresh.secret("obsoleteToken", "obsoleteToken", "omit"),
  refresh.text("nonce", "nonce", "omit"),
  refresh.value("claims", "claims", writeClaims, readClaims),
  refresh.text("connectorId", "connectorID", "omit"),
  refresh.optionalSecretBytes("connectorData", "connectorData", "omit"),
];

const password = fieldsOf<Password>();
const passwords: readonly Field[] = [
  password.text("email", "email", "omit"),
  password.secretBytes("hash", "hash", "omit"),
  password.text("username", "username", "omit"),
  password.text("name", "name", "omit"),
  password.text("preferredUsername", "preferredUsername", "omit"),
  password.optionalBool("emailVerified", "emailVerified"),
  password.text("userId", "userID", "omit"),
  password.list("groups", "groups", "omit"),
];

const offline = fieldsOf<OfflineSession>();
const offlineSessions: readonly Field[] = [
  offline.text("userId", "userID", "omit"),
  offline.text("connectorId", "connID", "omit"),
  offline.map("refresh", "refresh", writeReference, readReference, "omit"),
  offline.optionalSecretBytes("connectorData", "connectorData", "omit"),
];

const identity = fieldsOf<UserIdentity>();
const userIdentities: readonly Field[] = [
  identity.text("userId", "userID", "omit"),
  identity.text("connectorId", "connectorID", "omit"),
  identity.value("claims", "claims", writeClaims, readClaims),
  identity.value("consents", "consents", writeConsents, readConsents),
  identity.map("mfaSecrets", "mfaSecrets", writeMfaSecret, readMfaSecret, "omit"),
  identity.value("webauthnCredentials", "webauthnCredentials", writeCredentials, readCredentials),
  identity.time("createdAt", "createdAt"),
  identity.time("lastLogin", "lastLogin"),
  identity.time("blockedUntil", "blockedUntil"),
];

const session = fieldsOf<AuthSession>();
const authSessions: readonly Field[] = [
  session.text("userId", "userID", "omit"),
  session.text("connectorId", "connectorID", "omit"),
  session.secret("secret", "secret", "omit"),
  session.map("clientStates", "clientStates", writeClientState, readClientState, "omit"),
  session.time("createdAt", "createdAt"),
  session.time("lastActivity", "lastActivity"),
  session.text("ipAddress", "ipAddress", "omit"),
  session.text("userAgent", "userAgent", "omit"),
  session.time("absoluteExpiry", "absoluteExpiry"),
  session.time("idleExpiry", "idleExpiry"),
  session.value(
    "logoutState",
    "logoutState",
    (state) => state && writeLogoutState(state),
    (value) => (isObject(value) ? readLogoutState(value) : undefined),
  ),
];

const connector = fieldsOf<ConnectorRecord>();
const connectors: readonly Field[] = [
  connector.text("id", "id", "omit"),
  connector.text("type", "type", "omit"),
  connector.text("name", "name", "omit"),
  connector.secretBytes("config", "config", "omit"),
  connector.list("grantTypes", "grantTypes", "omit"),
];

const key = fieldsOf<Keys>();
const keys: readonly Field[] = [
  key.value("signingKey", "signingKey", (value) => value?.reveal(), readSigningKey),
  key.value("signingKeyPub", "signingKeyPub", (value) => value, readKey),
  key.value(
    "verificationKeys",
    "verificationKeys",
    (list) => (list.length === 0 ? undefined : list.map(writeVerificationKey)),
    (value) => (Array.isArray(value) ? value.filter(isObject).map(readVerificationKey) : []),
  ),
  key.time("nextRotation", "nextRotation"),
];

const deviceRequest = fieldsOf<DeviceRequest>();
const deviceRequests: readonly Field[] = [
  deviceRequest.text("deviceCode", "device_code", "omit"),
  deviceRequest.text("clientId", "client_id", "omit"),
  deviceRequest.secret("clientSecret", "client_secret", "omit"),
  deviceRequest.list("scopes", "scopes", "omit"),
  deviceRequest.time("expiry", "expiry"),
];

const deviceToken = fieldsOf<DeviceToken>();
const deviceTokens: readonly Field[] = [
  deviceToken.text("status", "status", "omit"),
  deviceToken.secret("token", "token", "omit"),
  deviceToken.time("expiry", "expiry"),
  deviceToken.time("lastRequest", "last_request"),
  deviceToken.integer("pollInterval", "poll_interval"),
  deviceToken.text("codeChallenge", "code_challenge", "omit"),
  deviceToken.text("codeChallengeMethod", "code_challenge_method", "omit"),
];

export interface Resource {
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly fields: readonly Field[];
  /** The property that only the object's name tells. */
  readonly named?: string;
}

const resource = (kind: string, plural: string, fields: readonly Field[], named?: string): Resource => ({
  kind,
  plural,
  singular: kind.toLowerCase(),
  fields,
  ...(named === undefined ? {} : { named }),
});

/** `revoked_tokens` is `dextsrevokedtokens` of kind `DextsRevokedToken`: no kind that Dex may yet have. */
function ownResource({ singular, plural, fields }: OwnKindDocument): Resource {
  const kind = singular.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return resource(`Dexts${kind}`, `dexts${plural.replaceAll("_", "")}`, fields);
}

/** Every kind as the API server knows it, all in Dex's group: its role covers ours too. */
export const resources: { readonly [K in KindName]: Resource } = {
  authCodes: resource("AuthCode", "authcodes", authCodes, "id"),
  authRequests: resource("AuthRequest", "authrequests", authRequests, "id"),
  clients: resource("OAuth2Client", "oauth2clients", clients),
  keys: resource("SigningKey", "signingkeies", keys),
  refreshTokens: resource("RefreshToken", "refreshtokens", refreshTokens, "id"),
  passwords: resource("Password", "passwords", passwords),
  offlineSessions: resource("OfflineSessions", "offlinesessionses", offlineSessions),
  connectors: resource("Connector", "connectors", connectors),
  deviceRequests: resource("DeviceRequest", "devicerequests", deviceRequests, "userCode"),
  deviceTokens: resource("DeviceToken", "devicetokens", deviceTokens, "deviceCode"),
  userIdentities: resource("UserIdentity", "useridentities", userIdentities),
  authSessions: resource("AuthSession", "authsessions", authSessions, "id"),
  serverSecrets: ownResource(ownKinds.serverSecrets),
  revokedTokens: ownResource(ownKinds.revokedTokens),
  logoutDeliveries: ownResource(ownKinds.logoutDeliveries),
  upstreamSessions: ownResource(ownKinds.upstreamSessions),
  accountTokens: ownResource(ownKinds.accountTokens),
  mailDeliveries: ownResource(ownKinds.mailDeliveries),
  loginAttempts: ownResource(ownKinds.loginAttempts),
};
