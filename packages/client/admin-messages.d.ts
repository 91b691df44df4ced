/** Generated from proto/admin.proto by `make docs`; not edited. */

/** The methods of `dexts.Admin`: what each takes, and what it answers. */
export interface AdminMethods {
  readonly RotateClientSecret: readonly [RotateClientSecretReq, RotateClientSecretResp];
  readonly ListRefreshTokens: readonly [ListRefreshTokensReq, ListRefreshTokensResp];
  readonly RevokeRefreshToken: readonly [RevokeRefreshTokenReq, RevokeRefreshTokenResp];
  readonly RevokeRefreshTokens: readonly [RevokeRefreshTokensReq, RevokeRefreshTokensResp];
  readonly SetBlockedUntil: readonly [SetBlockedUntilReq, SetBlockedUntilResp];
  readonly ListLockedAccounts: readonly [ListLockedAccountsReq, ListLockedAccountsResp];
  readonly UnlockAccount: readonly [UnlockAccountReq, UnlockAccountResp];
  readonly ListKeys: readonly [ListKeysReq, ListKeysResp];
  readonly RotateKeys: readonly [RotateKeysReq, RotateKeysResp];
}

export interface RotateClientSecretReq {
  readonly id: string;
}

export interface RotateClientSecretResp {
  readonly not_found: boolean;
  readonly secret: string;
}

export interface RefreshToken {
  readonly id: string;
  readonly client_id: string;
  readonly user_id: string;
  readonly connector_id: string;
  readonly scopes: readonly string[];
  readonly created_at: number;
  readonly last_used: number;
  readonly session_id: string;
}

export interface ListRefreshTokensReq {
  readonly user_id: string;
  readonly connector_id: string;
  readonly client_id: string;
}

export interface ListRefreshTokensResp {
  readonly refresh_tokens: readonly RefreshToken[];
}

export interface RevokeRefreshTokenReq {
  readonly id: string;
}

export interface RevokeRefreshTokenResp {
  readonly not_found: boolean;
}

export interface RevokeRefreshTokensReq {
  readonly user_id: string;
  readonly connector_id: string;
  readonly client_id: string;
}

export interface RevokeRefreshTokensResp {
  readonly refresh_tokens_revoked: number;
}

export interface SetBlockedUntilReq {
  readonly user_id: string;
  readonly connector_id: string;
  readonly blocked_until: number;
}

export interface SetBlockedUntilResp {
  readonly not_found: boolean;
}

export interface LockedAccount {
  readonly kind: string;
  readonly connector_id: string;
  readonly name: string;
  readonly locked_until: number;
  readonly failures: number;
  readonly known_device: boolean;
}

export type ListLockedAccountsReq = Readonly<Record<never, never>>;

export interface ListLockedAccountsResp {
  readonly accounts: readonly LockedAccount[];
}

export interface UnlockAccountReq {
  readonly connector_id: string;
  readonly name: string;
}

export interface UnlockAccountResp {
  readonly not_found: boolean;
}

export interface Key {
  readonly kid: string;
  readonly alg: string;
  readonly state: string;
  readonly expires_at: number;
}

export type ListKeysReq = Readonly<Record<never, never>>;

export interface ListKeysResp {
  readonly keys: readonly Key[];
  readonly next_rotation: number;
}

export type RotateKeysReq = Readonly<Record<never, never>>;

export interface RotateKeysResp {
  readonly signs_from: number;
}
