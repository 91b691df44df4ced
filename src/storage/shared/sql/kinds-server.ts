import { Secret } from "../../../kernel/secret.ts";
import { type Client, type Keys, unsetTime } from "../../records.ts";
import { isObject, textList } from "../dex-json.ts";
import { clientExtra, extras } from "../extra.ts";
import { readJwk, readVerificationKey, writeVerificationKey } from "../parts-of-keys.ts";
import { listOrNull } from "./claims-columns.ts";
import { boolOf, bytesOf, column, extraColumns, fixedColumn, numberOf, type SqlKind, textOf } from "./kind.ts";

const readLifetime = (text: string): Client["refreshTokenLifetime"] =>
  text === "standalone" || text === "session" ? text : "";

export const clients: SqlKind<"clients"> = {
  kind: "clients",
  table: "client",
  key: ["id"],
  columns: [
    fixedColumn("id", "text"),
    column("secret", "text"),
    column("redirect_uris", "json"),
    column("trusted_peers", "json"),
    column("public", "bool"),
    column("name", "text"),
    column("logo_url", "text"),
    column("allowed_connectors", "nullable_json"),
    column("mfa_chain", "nullable_json"),
    column("post_logout_redirect_uris", "nullable_json"),
    column("sso_shared_with", "nullable_json"),
    column("backchannel_logout_uri", "text"),
    column("refresh_token_lifetime", "text"),
  ],
  write: (record) => ({
    id: record.id,
    secret: record.secret.reveal(),
    redirect_uris: listOrNull(record.redirectUris),
    trusted_peers: listOrNull(record.trustedPeers),
    public: record.public,
    name: record.name,
    logo_url: record.logoUrl,
    allowed_connectors: listOrNull(record.allowedConnectors),
    mfa_chain: record.mfaChain ?? null,
    post_logout_redirect_uris: listOrNull(record.postLogoutRedirectUris),
    sso_shared_with: record.ssoSharedWith ?? null,
    backchannel_logout_uri: record.backchannelLogoutUri,
    refresh_token_lifetime: record.refreshTokenLifetime,
  }),
  read: (row) => ({
    id: textOf(row, "id"),
    secret: new Secret(textOf(row, "secret")),
    redirectUris: textList(row.redirect_uris),
    trustedPeers: textList(row.trusted_peers),
    public: boolOf(row, "public"),
    name: textOf(row, "name"),
    logoUrl: textOf(row, "logo_url"),
    allowedConnectors: textList(row.allowed_connectors),
    // Here absent and empty differ: the default, and none.
    ...(Array.isArray(row.mfa_chain) ? { mfaChain: textList(row.mfa_chain) } : {}),
    postLogoutRedirectUris: textList(row.post_logout_redirect_uris),
    ...(Array.isArray(row.sso_shared_with) ? { ssoSharedWith: textList(row.sso_shared_with) } : {}),
    backchannelLogoutUri: textOf(row, "backchannel_logout_uri"),
    refreshTokenLifetime: readLifetime(textOf(row, "refresh_token_lifetime")),
    clientCredentialsGroups: [],
  }),
  ...extraColumns(clientExtra),
};

export const connectors: SqlKind<"connectors"> = {
  kind: "connectors",
  table: "connector",
  key: ["id"],
  columns: [
    fixedColumn("id", "text"),
    column("type", "text"),
    column("name", "text"),
    column("resource_version", "text"),
    column("config", "bytes"),
    column("grant_types", "nullable_json"),
  ],
  write: (record) => ({
    id: record.id,
    type: record.type,
    name: record.name,
    resource_version: record.resourceVersion,
    config: record.config.reveal(),
    grant_types: listOrNull(record.grantTypes),
  }),
  read: (row) => ({
    id: textOf(row, "id"),
    type: textOf(row, "type"),
    name: textOf(row, "name"),
    resourceVersion: textOf(row, "resource_version"),
    config: new Secret(bytesOf(row, "config") ?? new Uint8Array()),
    grantTypes: textList(row.grant_types),
  }),
};

export const keys: SqlKind<"keys"> = {
  kind: "keys",
  table: "keys",
  key: ["id"],
  columns: [
    fixedColumn("id", "text"),
    column("verification_keys", "json"),
    column("signing_key", "json"),
    column("signing_key_pub", "json"),
    column("next_rotation", "time"),
  ],
  write: (record) => ({
    id: "keys",
    verification_keys: record.verificationKeys.length === 0 ? null : record.verificationKeys.map(writeVerificationKey),
    signing_key: record.signingKey?.reveal() ?? null,
    signing_key_pub: record.signingKeyPub ?? null,
    next_rotation: record.nextRotation,
  }),
  read: (row) => {
    const keys: Keys = {
      verificationKeys: Array.isArray(row.verification_keys)
        ? row.verification_keys.filter(isObject).map(readVerificationKey)
        : [],
      nextRotation: numberOf(row, "next_rotation"),
    };
    return {
      ...keys,
      ...(isObject(row.signing_key) ? { signingKey: new Secret(readJwk(row.signing_key)) } : {}),
      ...(isObject(row.signing_key_pub) ? { signingKeyPub: readJwk(row.signing_key_pub) } : {}),
    };
  },
  ...extraColumns(extras.keys),
};

export const serverSecrets: SqlKind<"serverSecrets"> = {
  kind: "serverSecrets",
  table: "dexts_server_secret",
  key: ["id"],
  columns: [fixedColumn("id", "text"), column("secret", "bytes"), column("created_at", "time")],
  write: (record) => ({ id: record.id, secret: record.key.reveal(), created_at: record.createdAt }),
  read: (row) => ({
    id: "root",
    key: new Secret(bytesOf(row, "secret") ?? new Uint8Array()),
    createdAt: numberOf(row, "created_at"),
  }),
};

export const revokedTokens: SqlKind<"revokedTokens"> = {
  kind: "revokedTokens",
  table: "dexts_revoked_token",
  key: ["id"],
  expiry: ["expiry"],
  columns: [fixedColumn("id", "text"), column("issued_before", "time"), column("expiry", "time")],
  write: (record) => ({ id: record.id, issued_before: record.issuedBefore ?? unsetTime, expiry: record.expiry }),
  read: (row) => {
    const issuedBefore = numberOf(row, "issued_before");
    const isBounded = issuedBefore !== 0 && issuedBefore !== unsetTime;
    return { id: textOf(row, "id"), ...(isBounded ? { issuedBefore } : {}), expiry: numberOf(row, "expiry") };
  },
};
