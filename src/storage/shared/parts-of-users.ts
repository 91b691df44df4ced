/** What maps and lists inside a person's records hold: the same JSON in every backend of Dex's. */
import { Secret } from "../../kernel/secret.ts";
import type { ClientState, LogoutState, MfaSecret, RefreshReference, WebauthnCredential } from "../records.ts";
import {
  boolMember,
  bytesMember,
  formatTime,
  type JsonObject,
  member,
  numberMember,
  textList,
  textMember,
  timeMember,
} from "./dex-json.ts";

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

export const writeReference = (reference: RefreshReference): JsonObject => ({
  ID: reference.id,
  ClientID: reference.clientId,
  CreatedAt: formatTime(reference.createdAt),
  LastUsed: formatTime(reference.lastUsed),
  SessionID: reference.sessionId,
});

export const readReference = (value: JsonObject): RefreshReference => ({
  id: textMember(value, "ID"),
  clientId: textMember(value, "ClientID"),
  createdAt: timeMember(value, "CreatedAt"),
  lastUsed: timeMember(value, "LastUsed"),
  sessionId: textMember(value, "SessionID"),
});

export const writeMfaSecret = (secret: MfaSecret): JsonObject => ({
  authenticatorID: secret.authenticatorId,
  type: secret.type,
  secret: secret.secret.reveal(),
  confirmed: secret.confirmed,
  createdAt: formatTime(secret.createdAt),
  ...(secret.lastUsedCounter === 0 ? {} : { lastUsedCounter: secret.lastUsedCounter }),
});

export const readMfaSecret = (value: JsonObject): MfaSecret => ({
  authenticatorId: textMember(value, "authenticatorID"),
  type: textMember(value, "type"),
  secret: new Secret(textMember(value, "secret")),
  confirmed: boolMember(value, "confirmed"),
  createdAt: timeMember(value, "createdAt"),
  lastUsedCounter: numberMember(value, "lastUsedCounter"),
});

export const writeCredential = (credential: WebauthnCredential): JsonObject => ({
  credentialID: base64(credential.credentialId),
  publicKey: base64(credential.publicKey),
  attestationType: credential.attestationType,
  aaguid: base64(credential.aaguid),
  signCount: credential.signCount,
  cloneWarning: credential.cloneWarning,
  transport: credential.transport.length === 0 ? null : credential.transport,
  backupEligible: credential.backupEligible,
  backupState: credential.backupState,
  displayName: credential.displayName,
  createdAt: formatTime(credential.createdAt),
  // Ours: Dex passes it over, and drops it when it writes the record.
  ...(credential.lastUsed === undefined ? {} : { lastUsedAt: formatTime(credential.lastUsed) }),
});

export const readCredential = (value: JsonObject): WebauthnCredential => ({
  credentialId: bytesMember(value, "credentialID"),
  publicKey: bytesMember(value, "publicKey"),
  attestationType: textMember(value, "attestationType"),
  aaguid: bytesMember(value, "aaguid"),
  signCount: numberMember(value, "signCount"),
  cloneWarning: boolMember(value, "cloneWarning"),
  transport: textList(member(value, "transport")),
  backupEligible: boolMember(value, "backupEligible"),
  backupState: boolMember(value, "backupState"),
  displayName: textMember(value, "displayName"),
  createdAt: timeMember(value, "createdAt"),
  ...(member(value, "lastUsedAt") === undefined ? {} : { lastUsed: timeMember(value, "lastUsedAt") }),
});

export const writeClientState = (state: ClientState): JsonObject => ({
  AuthenticatedAt: formatTime(state.authenticatedAt),
  LastActivity: formatTime(state.lastActivity),
  LastTokenIssuedAt: formatTime(state.lastTokenIssuedAt),
  ViaSSO: state.viaSso,
});

export const readClientState = (value: JsonObject): ClientState => ({
  authenticatedAt: timeMember(value, "AuthenticatedAt"),
  lastActivity: timeMember(value, "LastActivity"),
  lastTokenIssuedAt: timeMember(value, "LastTokenIssuedAt"),
  viaSso: boolMember(value, "ViaSSO"),
});

export const writeLogoutState = (state: LogoutState): JsonObject => ({
  PostLogoutRedirectURI: state.postLogoutRedirectUri,
  State: state.state,
  ClientID: state.clientId,
  ConnectorID: state.connectorId,
});

export const readLogoutState = (value: JsonObject): LogoutState => ({
  postLogoutRedirectUri: textMember(value, "PostLogoutRedirectURI"),
  state: textMember(value, "State"),
  clientId: textMember(value, "ClientID"),
  connectorId: textMember(value, "ConnectorID"),
});
