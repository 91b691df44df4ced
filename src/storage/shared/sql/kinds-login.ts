import { Secret } from "../../../kernel/secret.ts";
import { textList } from "../dex-json.ts";
import { extras } from "../extra.ts";
import { claimsColumns, listOrNull, readClaims, writeClaims } from "./claims-columns.ts";
import {
  boolOf,
  bytesOf,
  column,
  extraColumns,
  fixedColumn,
  type LogicalRow,
  numberOf,
  type SqlKind,
  textOf,
} from "./kind.ts";

const pkceColumns = [column("code_challenge", "text"), column("code_challenge_method", "text")];
const connectorColumns = [column("connector_id", "text"), column("connector_data", "bytes")];

const readPkce = (row: LogicalRow) => ({
  codeChallenge: textOf(row, "code_challenge"),
  codeChallengeMethod: textOf(row, "code_challenge_method"),
});

const writePkce = (record: { readonly codeChallenge: string; readonly codeChallengeMethod: string }): LogicalRow => ({
  code_challenge: record.codeChallenge,
  code_challenge_method: record.codeChallengeMethod,
});

const writeConnector = (record: {
  readonly connectorId: string;
  readonly connectorData?: Secret<Uint8Array>;
}): LogicalRow => ({
  connector_id: record.connectorId,
  connector_data: record.connectorData?.reveal(),
});

function readConnector(row: LogicalRow): { readonly connectorId: string; readonly connectorData?: Secret<Uint8Array> } {
  const data = bytesOf(row, "connector_data");
  // compat(dex): empty and absent data mean the same there.
  return {
    connectorId: textOf(row, "connector_id"),
    ...(data === undefined || data.byteLength === 0 ? {} : { connectorData: new Secret(data) }),
  };
}

export const authRequests: SqlKind<"authRequests"> = {
  kind: "authRequests",
  table: "auth_request",
  key: ["id"],
  expiry: ["expiry"],
  columns: [
    fixedColumn("id", "text"),
    column("client_id", "text"),
    column("response_types", "json"),
    column("scopes", "json"),
    column("redirect_uri", "text"),
    column("nonce", "text"),
    column("state", "text"),
    column("force_approval_prompt", "bool"),
    column("logged_in", "bool"),
    ...claimsColumns,
    ...connectorColumns,
    column("expiry", "time"),
    ...pkceColumns,
    column("hmac_key", "bytes"),
    column("mfa_validated", "bool"),
    column("prompt", "text"),
    column("max_age", "integer"),
    column("auth_time", "time"),
    column("webauthn_session_data", "bytes"),
  ],
  write: (record) => ({
    id: record.id,
    client_id: record.clientId,
    response_types: listOrNull(record.responseTypes),
    scopes: listOrNull(record.scopes),
    redirect_uri: record.redirectUri,
    nonce: record.nonce,
    state: record.state,
    force_approval_prompt: record.forceApprovalPrompt,
    logged_in: record.loggedIn,
    ...writeClaims(record.claims),
    ...writeConnector(record),
    expiry: record.expiry,
    ...writePkce(record),
    hmac_key: record.hmacKey.reveal(),
    mfa_validated: record.mfaValidated,
    prompt: record.prompt,
    max_age: record.maxAge,
    auth_time: record.authTime,
    webauthn_session_data: record.webauthnSessionData,
  }),
  read: (row) => {
    const ceremony = bytesOf(row, "webauthn_session_data");
    return {
      id: textOf(row, "id"),
      clientId: textOf(row, "client_id"),
      responseTypes: textList(row.response_types),
      scopes: textList(row.scopes),
      redirectUri: textOf(row, "redirect_uri"),
      nonce: textOf(row, "nonce"),
      state: textOf(row, "state"),
      forceApprovalPrompt: boolOf(row, "force_approval_prompt"),
      loggedIn: boolOf(row, "logged_in"),
      claims: readClaims(row),
      ...readConnector(row),
      expiry: numberOf(row, "expiry"),
      ...readPkce(row),
      hmacKey: new Secret(bytesOf(row, "hmac_key") ?? new Uint8Array()),
      mfaValidated: boolOf(row, "mfa_validated"),
      prompt: textOf(row, "prompt"),
      maxAge: numberOf(row, "max_age"),
      authTime: numberOf(row, "auth_time"),
      ...(ceremony === undefined ? {} : { webauthnSessionData: ceremony }),
    };
  },
  ...extraColumns(extras.authRequests),
};

export const authCodes: SqlKind<"authCodes"> = {
  kind: "authCodes",
  table: "auth_code",
  key: ["id"],
  expiry: ["expiry"],
  columns: [
    fixedColumn("id", "text"),
    column("client_id", "text"),
    column("scopes", "json"),
    column("nonce", "text"),
    column("redirect_uri", "text"),
    ...claimsColumns,
    ...connectorColumns,
    column("expiry", "time"),
    ...pkceColumns,
    column("auth_time", "time"),
    column("session_id", "text"),
  ],
  write: (record) => ({
    id: record.id,
    client_id: record.clientId,
    scopes: listOrNull(record.scopes),
    nonce: record.nonce,
    redirect_uri: record.redirectUri,
    ...writeClaims(record.claims),
    ...writeConnector(record),
    expiry: record.expiry,
    ...writePkce(record),
    auth_time: record.authTime,
    session_id: record.sessionId,
  }),
  read: (row) => ({
    id: textOf(row, "id"),
    clientId: textOf(row, "client_id"),
    scopes: textList(row.scopes),
    nonce: textOf(row, "nonce"),
    redirectUri: textOf(row, "redirect_uri"),
    claims: readClaims(row),
    ...readConnector(row),
    expiry: numberOf(row, "expiry"),
    ...readPkce(row),
    authTime: numberOf(row, "auth_time"),
    sessionId: textOf(row, "session_id"),
  }),
  ...extraColumns(extras.authCodes),
};

export const refreshTokens: SqlKind<"refreshTokens"> = {
  kind: "refreshTokens",
  table: "refresh_token",
  user: ["claims_user_id", "connector_id"],
  key: ["id"],
  columns: [
    fixedColumn("id", "text"),
    column("client_id", "text"),
    column("scopes", "json"),
    column("nonce", "text"),
    ...claimsColumns,
    ...connectorColumns,
    column("token", "text"),
    column("created_at", "time"),
    column("last_used", "time"),
    column("obsolete_token", "text"),
  ],
  write: (record) => ({
    id: record.id,
    client_id: record.clientId,
    scopes: listOrNull(record.scopes),
    nonce: record.nonce,
    ...writeClaims(record.claims),
    ...writeConnector(record),
    token: record.token.reveal(),
    created_at: record.createdAt,
    last_used: record.lastUsed,
    obsolete_token: record.obsoleteToken.reveal(),
  }),
  read: (row) => ({
    id: textOf(row, "id"),
    clientId: textOf(row, "client_id"),
    scopes: textList(row.scopes),
    nonce: textOf(row, "nonce"),
    claims: readClaims(row),
    ...readConnector(row),
    token: new Secret(textOf(row, "token")),
    createdAt: numberOf(row, "created_at"),
    lastUsed: numberOf(row, "last_used"),
    obsoleteToken: new Secret(textOf(row, "obsolete_token")),
  }),
  ...extraColumns(extras.refreshTokens),
};

export const deviceRequests: SqlKind<"deviceRequests"> = {
  kind: "deviceRequests",
  table: "device_request",
  key: ["user_code"],
  expiry: ["expiry"],
  columns: [
    fixedColumn("user_code", "text"),
    column("device_code", "text"),
    column("client_id", "text"),
    column("client_secret", "text"),
    column("scopes", "json"),
    column("expiry", "time"),
  ],
  write: (record) => ({
    user_code: record.userCode,
    device_code: record.deviceCode,
    client_id: record.clientId,
    client_secret: record.clientSecret.reveal(),
    scopes: listOrNull(record.scopes),
    expiry: record.expiry,
  }),
  read: (row) => ({
    userCode: textOf(row, "user_code"),
    deviceCode: textOf(row, "device_code"),
    clientId: textOf(row, "client_id"),
    clientSecret: new Secret(textOf(row, "client_secret")),
    scopes: textList(row.scopes),
    expiry: numberOf(row, "expiry"),
  }),
};

export const deviceTokens: SqlKind<"deviceTokens"> = {
  kind: "deviceTokens",
  table: "device_token",
  key: ["device_code"],
  expiry: ["expiry"],
  columns: [
    fixedColumn("device_code", "text"),
    column("status", "text"),
    column("token", "bytes_text"),
    fixedColumn("expiry", "time"),
    column("last_request", "time"),
    column("poll_interval", "integer"),
    ...pkceColumns,
  ],
  write: (record) => ({
    device_code: record.deviceCode,
    status: record.status,
    token: record.token.reveal(),
    expiry: record.expiry,
    last_request: record.lastRequest,
    poll_interval: record.pollInterval,
    ...writePkce(record),
  }),
  read: (row) => ({
    deviceCode: textOf(row, "device_code"),
    status: textOf(row, "status"),
    token: new Secret(textOf(row, "token")),
    expiry: numberOf(row, "expiry"),
    lastRequest: numberOf(row, "last_request"),
    pollInterval: numberOf(row, "poll_interval"),
    ...readPkce(row),
  }),
};
