/** Generated from proto/api.proto by `make docs`; not edited. */

/** The methods of `api.Dex`: what each takes, and what it answers. */
export interface DexMethods {
  readonly GetClient: readonly [GetClientReq, GetClientResp];
  readonly CreateClient: readonly [CreateClientReq, CreateClientResp];
  readonly UpdateClient: readonly [UpdateClientReq, UpdateClientResp];
  readonly DeleteClient: readonly [DeleteClientReq, DeleteClientResp];
  readonly ListClients: readonly [ListClientReq, ListClientResp];
  readonly CreatePassword: readonly [CreatePasswordReq, CreatePasswordResp];
  readonly UpdatePassword: readonly [UpdatePasswordReq, UpdatePasswordResp];
  readonly DeletePassword: readonly [DeletePasswordReq, DeletePasswordResp];
  readonly ListPasswords: readonly [ListPasswordReq, ListPasswordResp];
  readonly VerifyPassword: readonly [VerifyPasswordReq, VerifyPasswordResp];
  readonly CreateConnector: readonly [CreateConnectorReq, CreateConnectorResp];
  readonly UpdateConnector: readonly [UpdateConnectorReq, UpdateConnectorResp];
  readonly DeleteConnector: readonly [DeleteConnectorReq, DeleteConnectorResp];
  readonly ListConnectors: readonly [ListConnectorReq, ListConnectorResp];
  readonly GetVersion: readonly [VersionReq, VersionResp];
  readonly GetDiscovery: readonly [DiscoveryReq, DiscoveryResp];
  readonly ListRefresh: readonly [ListRefreshReq, ListRefreshResp];
  readonly RevokeRefresh: readonly [RevokeRefreshReq, RevokeRefreshResp];
  readonly GetAuthSession: readonly [GetAuthSessionReq, GetAuthSessionResp];
  readonly ListAuthSessions: readonly [ListAuthSessionsReq, ListAuthSessionsResp];
  readonly DeleteAuthSession: readonly [DeleteAuthSessionReq, DeleteAuthSessionResp];
  readonly TerminateSessionsByConnector: readonly [TerminateSessionsByConnectorReq, TerminateSessionsByConnectorResp];
  readonly TerminateSessionsByUser: readonly [TerminateSessionsByUserReq, TerminateSessionsByUserResp];
  readonly GetUserIdentity: readonly [GetUserIdentityReq, GetUserIdentityResp];
  readonly ListUserIdentities: readonly [ListUserIdentitiesReq, ListUserIdentitiesResp];
  readonly DeleteUserIdentity: readonly [DeleteUserIdentityReq, DeleteUserIdentityResp];
  readonly ResetMFA: readonly [ResetMFAReq, ResetMFAResp];
  readonly ListMFADevices: readonly [ListMFADevicesReq, ListMFADevicesResp];
  readonly DeleteWebAuthnCredential: readonly [DeleteWebAuthnCredentialReq, DeleteWebAuthnCredentialResp];
  readonly DeleteMFASecret: readonly [DeleteMFASecretReq, DeleteMFASecretResp];
  readonly RevokeConsent: readonly [RevokeConsentReq, RevokeConsentResp];
}

export interface Client {
  readonly id: string;
  readonly secret: string;
  readonly redirect_uris: readonly string[];
  readonly trusted_peers: readonly string[];
  readonly public: boolean;
  readonly name: string;
  readonly logo_url: string;
  readonly allowed_connectors: readonly string[];
  readonly sso_shared_with: readonly string[];
  readonly backchannel_logout_uri: string;
  readonly post_logout_redirect_uris: readonly string[];
  readonly refresh_token_lifetime: string;
}

export interface ClientInfo {
  readonly id: string;
  readonly redirect_uris: readonly string[];
  readonly trusted_peers: readonly string[];
  readonly public: boolean;
  readonly name: string;
  readonly logo_url: string;
  readonly allowed_connectors: readonly string[];
  readonly sso_shared_with: readonly string[];
  readonly backchannel_logout_uri: string;
  readonly post_logout_redirect_uris: readonly string[];
  readonly refresh_token_lifetime: string;
}

export interface GetClientReq {
  readonly id: string;
}

export interface GetClientResp {
  readonly client: Client | null;
}

export interface CreateClientReq {
  readonly client: Client | null;
}

export interface CreateClientResp {
  readonly already_exists: boolean;
  readonly client: Client | null;
}

export interface UpdateClientReq {
  readonly id: string;
  readonly redirect_uris: readonly string[];
  readonly trusted_peers: readonly string[];
  readonly name: string;
  readonly logo_url: string;
  readonly allowed_connectors: readonly string[];
  readonly sso_shared_with: readonly string[];
  readonly backchannel_logout_uri?: string;
  readonly post_logout_redirect_uris: readonly string[];
  readonly refresh_token_lifetime?: string;
}

export interface UpdateClientResp {
  readonly not_found: boolean;
}

export interface DeleteClientReq {
  readonly id: string;
}

export interface DeleteClientResp {
  readonly not_found: boolean;
}

export type ListClientReq = Readonly<Record<never, never>>;

export interface ListClientResp {
  readonly clients: readonly ClientInfo[];
}

export interface Password {
  readonly email: string;
  readonly hash: Buffer;
  readonly username: string;
  readonly user_id: string;
}

export interface CreatePasswordReq {
  readonly password: Password | null;
}

export interface CreatePasswordResp {
  readonly already_exists: boolean;
}

export interface UpdatePasswordReq {
  readonly email: string;
  readonly new_hash: Buffer;
  readonly new_username: string;
}

export interface UpdatePasswordResp {
  readonly not_found: boolean;
}

export interface DeletePasswordReq {
  readonly email: string;
}

export interface DeletePasswordResp {
  readonly not_found: boolean;
}

export type ListPasswordReq = Readonly<Record<never, never>>;

export interface ListPasswordResp {
  readonly passwords: readonly Password[];
}

export interface VerifyPasswordReq {
  readonly email: string;
  readonly password: string;
}

export interface VerifyPasswordResp {
  readonly verified: boolean;
  readonly not_found: boolean;
}

export interface Connector {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly config: Buffer;
  readonly grant_types: readonly string[];
}

export interface GrantTypes {
  readonly grant_types: readonly string[];
}

export interface CreateConnectorReq {
  readonly connector: Connector | null;
}

export interface CreateConnectorResp {
  readonly already_exists: boolean;
}

export interface UpdateConnectorReq {
  readonly id: string;
  readonly new_type: string;
  readonly new_name: string;
  readonly new_config: Buffer;
  readonly new_grant_types: GrantTypes | null;
}

export interface UpdateConnectorResp {
  readonly not_found: boolean;
}

export interface DeleteConnectorReq {
  readonly id: string;
}

export interface DeleteConnectorResp {
  readonly not_found: boolean;
}

export type ListConnectorReq = Readonly<Record<never, never>>;

export interface ListConnectorResp {
  readonly connectors: readonly Connector[];
}

export type VersionReq = Readonly<Record<never, never>>;

export interface VersionResp {
  readonly server: string;
  readonly api: number;
}

export type DiscoveryReq = Readonly<Record<never, never>>;

export interface DiscoveryResp {
  readonly issuer: string;
  readonly authorization_endpoint: string;
  readonly token_endpoint: string;
  readonly jwks_uri: string;
  readonly userinfo_endpoint: string;
  readonly device_authorization_endpoint: string;
  readonly introspection_endpoint: string;
  readonly grant_types_supported: readonly string[];
  readonly response_types_supported: readonly string[];
  readonly subject_types_supported: readonly string[];
  readonly id_token_signing_alg_values_supported: readonly string[];
  readonly code_challenge_methods_supported: readonly string[];
  readonly scopes_supported: readonly string[];
  readonly token_endpoint_auth_methods_supported: readonly string[];
  readonly claims_supported: readonly string[];
}

export interface RefreshTokenRef {
  readonly id: string;
  readonly client_id: string;
  readonly created_at: number;
  readonly last_used: number;
}

export interface ListRefreshReq {
  readonly user_id: string;
}

export interface ListRefreshResp {
  readonly refresh_tokens: readonly RefreshTokenRef[];
}

export interface RevokeRefreshReq {
  readonly user_id: string;
  readonly client_id: string;
}

export interface RevokeRefreshResp {
  readonly not_found: boolean;
}

export interface ClientAuthState {
  readonly client_id: string;
  readonly authenticated_at: number;
  readonly last_activity: number;
  readonly last_token_issued_at: number;
  readonly via_sso: boolean;
}

export interface AuthSession {
  readonly user_id: string;
  readonly connector_id: string;
  readonly client_states: readonly ClientAuthState[];
  readonly created_at: number;
  readonly last_activity: number;
  readonly ip_address: string;
  readonly user_agent: string;
  readonly absolute_expiry: number;
  readonly idle_expiry: number;
  readonly id: string;
}

export interface GetAuthSessionReq {
  readonly id: string;
}

export interface GetAuthSessionResp {
  readonly session: AuthSession | null;
}

export interface ListAuthSessionsReq {
  readonly user_id: string;
  readonly connector_id: string;
}

export interface ListAuthSessionsResp {
  readonly sessions: readonly AuthSession[];
}

export interface DeleteAuthSessionReq {
  readonly id: string;
}

export interface DeleteAuthSessionResp {
  readonly not_found: boolean;
}

export interface TerminateSessionsByConnectorReq {
  readonly connector_id: string;
}

export interface TerminateSessionsByConnectorResp {
  readonly sessions_terminated: number;
}

export interface TerminateSessionsByUserReq {
  readonly user_id: string;
}

export interface TerminateSessionsByUserResp {
  readonly sessions_terminated: number;
}

export interface ConsentEntry {
  readonly client_id: string;
  readonly scopes: readonly string[];
}

export interface MFASecret {
  readonly authenticator_id: string;
  readonly type: string;
  readonly confirmed: boolean;
  readonly created_at: number;
}

export interface WebAuthnCredential {
  readonly credential_id: Buffer;
  readonly attestation_type: string;
  readonly aaguid: Buffer;
  readonly sign_count: number;
  readonly clone_warning: boolean;
  readonly transport: readonly string[];
  readonly backup_eligible: boolean;
  readonly backup_state: boolean;
  readonly display_name: string;
  readonly created_at: number;
}

export interface MFADeviceInfo {
  readonly authenticator_id: string;
  readonly mfa_secret: MFASecret | null;
  readonly webauthn_credentials: readonly WebAuthnCredential[];
}

export interface UserIdentity {
  readonly user_id: string;
  readonly connector_id: string;
  readonly email: string;
  readonly email_verified: boolean;
  readonly username: string;
  readonly groups: readonly string[];
  readonly consents: readonly ConsentEntry[];
  readonly mfa_devices: readonly MFADeviceInfo[];
  readonly created_at: number;
  readonly last_login: number;
  readonly blocked_until: number;
}

export interface GetUserIdentityReq {
  readonly user_id: string;
  readonly connector_id: string;
}

export interface GetUserIdentityResp {
  readonly identity: UserIdentity | null;
}

export type ListUserIdentitiesReq = Readonly<Record<never, never>>;

export interface ListUserIdentitiesResp {
  readonly identities: readonly UserIdentity[];
}

export interface DeleteUserIdentityReq {
  readonly user_id: string;
  readonly connector_id: string;
}

export interface DeleteUserIdentityResp {
  readonly not_found: boolean;
}

export interface ResetMFAReq {
  readonly user_id: string;
  readonly connector_id: string;
}

export interface ResetMFAResp {
  readonly not_found: boolean;
}

export interface ListMFADevicesReq {
  readonly user_id: string;
  readonly connector_id: string;
}

export interface ListMFADevicesResp {
  readonly devices: readonly MFADeviceInfo[];
}

export interface DeleteWebAuthnCredentialReq {
  readonly user_id: string;
  readonly connector_id: string;
  readonly credential_id: Buffer;
}

export interface DeleteWebAuthnCredentialResp {
  readonly not_found: boolean;
}

export interface DeleteMFASecretReq {
  readonly user_id: string;
  readonly connector_id: string;
  readonly authenticator_id: string;
}

export interface DeleteMFASecretResp {
  readonly not_found: boolean;
}

export interface RevokeConsentReq {
  readonly user_id: string;
  readonly connector_id: string;
  readonly client_id: string;
}

export interface RevokeConsentResp {
  readonly not_found: boolean;
}
