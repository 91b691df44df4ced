/**
 * Every kind of record we remember, as plain frozen data. Field meanings and defaults are Dex's, because
 * its databases are ours; what Dex does not have stands under `extra`, which each backend keeps *beside*
 * Dex's columns so that an older reader never meets it. Times are milliseconds since the epoch, UTC;
 * the unset time (year 1 in Dex) is {@link unsetTime}.
 */
import type { Secret } from "../kernel/secret.ts";
import type { NamedClaims } from "../oauth/claims-request.ts";

/** Dex's zero time, 0001-01-01T00:00:00Z. */
export const unsetTime = -62_135_596_800_000;

/** What a login told us of a person; the source of token claims. */
export interface Claims {
  readonly userId: string;
  readonly username: string;
  readonly preferredUsername: string;
  readonly email: string;
  readonly emailVerified: boolean;
  readonly groups: readonly string[];
}

export interface Client {
  readonly id: string;
  /** Empty: the client needs none. In clear where Dex or the config wrote it, else `$h1$…` (a keyed hash). */
  readonly secret: Secret;
  readonly redirectUris: readonly string[];
  readonly trustedPeers: readonly string[];
  readonly public: boolean;
  readonly name: string;
  readonly logoUrl: string;
  /** Empty: all. */
  readonly allowedConnectors: readonly string[];
  /** Absent: the default chain; empty: no second factor. */
  readonly mfaChain?: readonly string[];
  readonly postLogoutRedirectUris: readonly string[];
  /** Absent: the default; empty: no one; `*`: everyone. */
  readonly ssoSharedWith?: readonly string[];
  readonly backchannelLogoutUri: string;
  /** Ours: an address that the browser loads in a frame at logout. OIDC Front-Channel Logout §2. */
  readonly frontchannelLogoutUri?: string;
  readonly refreshTokenLifetime: "" | "standalone" | "session";
  readonly clientCredentialsGroups: readonly string[];
}

/** PKCE as recorded at the authorization endpoint. An empty challenge means none was sent. RFC 7636 §4.4. */
export interface Pkce {
  readonly codeChallenge: string;
  readonly codeChallengeMethod: string;
}

/** A login that has passed its first factor and still waits for a person, or one that Dex left open. */
export interface AuthRequest extends Pkce {
  readonly id: string;
  readonly clientId: string;
  readonly responseTypes: readonly string[];
  readonly scopes: readonly string[];
  readonly redirectUri: string;
  readonly nonce: string;
  readonly state: string;
  readonly forceApprovalPrompt: boolean;
  readonly prompt: string;
  /** Seconds; -1 is unset. */
  readonly maxAge: number;
  readonly authTime: number;
  readonly expiry: number;
  readonly loggedIn: boolean;
  readonly claims: Claims;
  readonly connectorId: string;
  readonly connectorData?: Secret<Uint8Array>;
  /** The 51 ASCII bytes that key the step MACs. */
  readonly hmacKey: Secret<Uint8Array>;
  readonly mfaValidated: boolean;
  readonly webauthnSessionData?: Uint8Array;
  readonly extra?: AuthRequestExtra;
}

export interface AuthRequestExtra {
  readonly responseMode?: string;
  /** The flow this request continues; see `flow/sealed-request.ts`. */
  readonly flowId?: string;
  readonly namedClaims?: NamedClaims;
  readonly acrValues?: readonly string[];
  readonly acrIsEssential?: boolean;
  readonly uiLocales?: readonly string[];
  readonly loginHint?: string;
  readonly hintedSubject?: string;
  /** The session that the login began or reused, and how the person proved who they are. */
  readonly sessionId?: string;
  readonly amr?: readonly string[];
  readonly acr?: string;
  /** Ids of the second factors that were proved, and the `acr` contexts that they make up. */
  readonly factors?: readonly string[];
  readonly contexts?: readonly string[];
  /** The span under which the login began. W3C Trace Context §3.2. */
  readonly traceparent?: string;
}

export interface AuthCode extends Pkce {
  /** The code itself where Dex wrote it; a keyed hash of it, in the same alphabet, where we did. */
  readonly id: string;
  readonly clientId: string;
  readonly redirectUri: string;
  readonly nonce: string;
  readonly scopes: readonly string[];
  readonly connectorId: string;
  readonly connectorData?: Secret<Uint8Array>;
  readonly claims: Claims;
  readonly expiry: number;
  readonly sessionId: string;
  readonly authTime: number;
  readonly extra?: AuthCodeExtra;
  /** Ours: it was redeemed. What is left of it names no client, so that Dex refuses it too. */
  readonly spent?: SpentCode;
}

/** What became of a code, kept so that a replay ends what it issued and its flow is not answered again. RFC 6749 §4.1.2. */
export interface SpentCode {
  readonly clientId: string;
  readonly redeemedAt: number;
  /** The family that was issued, or empty. */
  readonly refreshTokenId: string;
  /** What the `jti`s of the issued tokens begin with (`token/grant-tag.ts`), and when the first of them expires. */
  readonly accessTokenId: string;
  readonly accessTokenExpiry: number;
}

/** What the tokens of a login hold beyond its scopes. */
export interface AuthCodeExtra {
  readonly namedClaims?: NamedClaims;
  /** Set where the request asked for it. OIDC Core §2. */
  readonly acr?: string;
  /** How the person proved who they are, where we know. OIDC Core §2, RFC 8176. */
  readonly amr?: readonly string[];
  /** Ids of the second factors that were proved, be it none. Absent: the login was Dex's. */
  readonly factors?: readonly string[];
  /** As in {@link AuthRequestExtra}: the redemption is the login's last step. */
  readonly traceparent?: string;
}

/** One refresh token family: the id stays, the secret rotates. One per login and device. */
export interface RefreshToken {
  readonly id: string;
  /** The current secret: in clear where Dex wrote it, else our own form (`token/refresh-secret.ts`). */
  readonly token: Secret;
  /** The previous one, or empty. */
  readonly obsoleteToken: Secret;
  readonly createdAt: number;
  readonly lastUsed: number;
  readonly clientId: string;
  readonly connectorId: string;
  /** Dex's copy of the login's connector data, emptied at the first rotation. */
  readonly connectorData?: Secret<Uint8Array>;
  readonly claims: Claims;
  readonly scopes: readonly string[];
  readonly nonce: string;
  readonly extra?: RefreshTokenExtra;
}

export interface RefreshTokenExtra extends Omit<AuthCodeExtra, "traceparent"> {
  readonly sessionId?: string;
  /** Milliseconds; the login this family began with. OIDC Core §12.2. */
  readonly authTime?: number;
}

export interface Password {
  /** Lower-cased: the key. */
  readonly email: string;
  /** bcrypt text. */
  readonly hash: Secret<Uint8Array>;
  readonly username: string;
  readonly name: string;
  readonly preferredUsername: string;
  /** Absent reads as true. */
  readonly emailVerified?: boolean;
  readonly userId: string;
  readonly groups: readonly string[];
}

export interface RefreshReference {
  readonly id: string;
  readonly clientId: string;
  readonly createdAt: number;
  readonly lastUsed: number;
  readonly sessionId: string;
}

/** What outlives a login of one user at one connector. */
export interface OfflineSession {
  readonly userId: string;
  readonly connectorId: string;
  /** By client id: the newest family, for Dex's readers. The families themselves are {@link RefreshToken}s. */
  readonly refresh: Readonly<Record<string, RefreshReference>>;
  readonly connectorData?: Secret<Uint8Array>;
}

export interface MfaSecret {
  readonly authenticatorId: string;
  readonly type: string;
  /** An `otpauth://` address for TOTP. */
  readonly secret: Secret;
  readonly confirmed: boolean;
  readonly createdAt: number;
  readonly lastUsedCounter: number;
}

export interface WebauthnCredential {
  readonly credentialId: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly attestationType: string;
  readonly aaguid: Uint8Array;
  readonly signCount: number;
  readonly cloneWarning: boolean;
  readonly transport: readonly string[];
  readonly backupEligible: boolean;
  readonly backupState: boolean;
  readonly displayName: string;
  readonly createdAt: number;
  /** Ours; absent before the first use. */
  readonly lastUsed?: number;
}

export interface UserIdentity {
  readonly userId: string;
  readonly connectorId: string;
  readonly claims: Claims;
  /** By client id: the scopes agreed to. */
  readonly consents: Readonly<Record<string, readonly string[]>>;
  readonly mfaSecrets: Readonly<Record<string, MfaSecret>>;
  readonly webauthnCredentials: Readonly<Record<string, readonly WebauthnCredential[]>>;
  readonly createdAt: number;
  readonly lastLogin: number;
  readonly blockedUntil: number;
}

export interface ClientState {
  readonly authenticatedAt: number;
  readonly lastActivity: number;
  readonly lastTokenIssuedAt: number;
  readonly viaSso: boolean;
}

export interface LogoutState {
  readonly postLogoutRedirectUri: string;
  readonly state: string;
  readonly clientId: string;
  readonly connectorId: string;
}

export interface AuthSession {
  /** Public: the `sid` claim. */
  readonly id: string;
  /** What the cookie proves: in clear where Dex wrote it, else `$h1$…` (a keyed hash). */
  readonly secret: Secret;
  readonly userId: string;
  readonly connectorId: string;
  readonly clientStates: Readonly<Record<string, ClientState>>;
  readonly createdAt: number;
  readonly lastActivity: number;
  readonly ipAddress: string;
  readonly userAgent: string;
  readonly absoluteExpiry: number;
  readonly idleExpiry: number;
  readonly logoutState?: LogoutState;
  readonly extra?: AuthSessionExtra;
}

export interface AuthSessionExtra {
  /** Milliseconds; when the person last proved who they are in this browser. OIDC Core §2 `auth_time`. */
  readonly authTime?: number;
  /** How they did: OIDC Core §2 `amr` (RFC 8176) and `acr`. */
  readonly amr?: readonly string[];
  readonly acr?: string;
  /** Ids of the second factors that were proved in it, and the `acr` contexts that they make up. */
  readonly factors?: readonly string[];
  readonly contexts?: readonly string[];
  /** The cookie outlives the browser's own session. */
  readonly isRemembered?: boolean;
  /** What the connector said at the login: refresh tokens of a reused session need it, and its own logout. */
  readonly connectorData?: Secret<Uint8Array>;
  /** The upstream was not asked for lasting access, so a refresh token of this session could not be refreshed. */
  readonly isOnlineOnly?: boolean;
  readonly upstreamSessionId?: string;
}

/** A connector as stored (gRPC) or configured; its running form is `connector/contract.ts`. */
export interface ConnectorRecord {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  /** A change of it means: open anew. */
  readonly resourceVersion: string;
  /** JSON text. It may hold upstream secrets. */
  readonly config: Secret<Uint8Array>;
  /** Empty: all. */
  readonly grantTypes: readonly string[];
}

/** A JWK as Dex stores it, with private members where it is a signing key. RFC 7517. */
export type StoredJwk = Readonly<Record<string, string>>;

export interface VerificationKey {
  readonly publicKey: StoredJwk;
  readonly expiry: number;
}

/** The one `keys` object that Dex reads, and our own states beside it. */
export interface Keys {
  readonly signingKey?: Secret<StoredJwk>;
  readonly signingKeyPub?: StoredJwk;
  readonly verificationKeys: readonly VerificationKey[];
  readonly nextRotation: number;
  readonly extra?: KeysExtra;
}

export interface KeysExtra {
  /** The key that will sign next: public from `publishedAt` on, so that every JWKS cache knows it first. */
  readonly next?: { readonly key: Secret<StoredJwk>; readonly publishedAt: number };
}

export interface DeviceRequest {
  readonly userCode: string;
  readonly deviceCode: string;
  readonly clientId: string;
  readonly clientSecret: Secret;
  readonly scopes: readonly string[];
  readonly expiry: number;
}

export interface DeviceToken extends Pkce {
  readonly deviceCode: string;
  readonly status: string;
  /** The complete token response, JSON text, once `status` is `complete`. */
  readonly token: Secret;
  readonly expiry: number;
  readonly lastRequest: number;
  /** Seconds. */
  readonly pollInterval: number;
}

/** Ours: the root of every derived key (sealing, keyed hashes, refresh secrets). Written once, by whoever starts first. */
export interface ServerSecret {
  readonly id: "root";
  /** 32 bytes. */
  readonly key: Secret<Uint8Array>;
  readonly createdAt: number;
}

/**
 * Ours: tokens that no longer count, by what they have in common: a `jti`, the beginning that those of one grant share, a
 * session, a person (RFC 7009); or the challenge of a passkey that was answered.
 */
export interface RevokedToken {
  readonly id: string;
  /** Those issued later count. Absent: none does. */
  readonly issuedBefore?: number;
  readonly expiry: number;
}

/** Ours: a client that is still to hear of a session's end. Kept until it did, or until `expiry`. OIDC Back-Channel Logout §2.5. */
export interface LogoutDelivery {
  readonly id: string;
  readonly clientId: string;
  readonly sessionId: string;
  readonly userId: string;
  readonly connectorId: string;
  readonly createdAt: number;
  readonly attempts: number;
  /** Not before: whoever tries moves it on first, so that of several replicas one tries. */
  readonly nextAttempt: number;
  readonly expiry: number;
}

/** Ours: our sessions that stand on one session of an upstream, under a hash of that one's name. OIDC Back-Channel Logout §2.4 `sid`. */
export interface UpstreamSession {
  readonly id: string;
  readonly sessionIds: readonly string[];
  readonly expiry: number;
}

/**
 * Ours: what a person of the built-in database was mailed and may use once (`verify`, `reset`, `email`), or a device that
 * they have logged in from (`device`).
 */
export interface AccountToken {
  /** A keyed hash: whoever reads the database learns no token. */
  readonly id: string;
  readonly purpose: "verify" | "reset" | "email" | "device";
  readonly userId: string;
  /** The key of the {@link Password} when it was made. */
  readonly email: string;
  /** The address that `email` changes to; else empty. */
  readonly newEmail: string;
  /** A keyed hash of the password's hash when it was made, or empty: a changed password ends it. */
  readonly passwordTag: string;
  /** Where the login goes on afterwards: a rooted path of ours, or empty. */
  readonly back: string;
  readonly createdAt: number;
  readonly expiry: number;
}

/** Ours: a mail that is still to be delivered, or the wish for one. Kept until it is, or until `expiry`. */
export interface MailDelivery {
  readonly id: string;
  /** All of it, sealed: a mail holds links that let their reader in. */
  readonly content: string;
  readonly createdAt: number;
  readonly attempts: number;
  /** As {@link LogoutDelivery.nextAttempt}. */
  readonly nextAttempt: number;
  readonly expiry: number;
}

/**
 * Ours: tries at one secret of one account, from known devices or from elsewhere, under a keyed hash of what was typed.
 * Gone after a right one.
 */
export interface LoginAttempts {
  readonly id: string;
  readonly failures: number;
  readonly lastTry: number;
  /** No try before; the unset time: at once. */
  readonly lockedUntil: number;
  /** Whom it is about, sealed, for administrators; empty until the first lock. */
  readonly who: string;
  readonly expiry: number;
}

/** The key of what belongs to one user at one connector. */
export interface UserKey {
  readonly userId: string;
  readonly connectorId: string;
}

/** Every kind: its key and its record. Backends derive tables, prefixes, collection and clean-up from {@link kinds}. */
export interface RecordKinds {
  clients: { key: string; record: Client };
  authRequests: { key: string; record: AuthRequest };
  authCodes: { key: string; record: AuthCode };
  refreshTokens: { key: string; record: RefreshToken };
  passwords: { key: string; record: Password };
  offlineSessions: { key: UserKey; record: OfflineSession };
  userIdentities: { key: UserKey; record: UserIdentity };
  authSessions: { key: string; record: AuthSession };
  connectors: { key: string; record: ConnectorRecord };
  keys: { key: "keys"; record: Keys };
  deviceRequests: { key: string; record: DeviceRequest };
  deviceTokens: { key: string; record: DeviceToken };
  serverSecrets: { key: "root"; record: ServerSecret };
  revokedTokens: { key: string; record: RevokedToken };
  logoutDeliveries: { key: string; record: LogoutDelivery };
  upstreamSessions: { key: string; record: UpstreamSession };
  accountTokens: { key: string; record: AccountToken };
  mailDeliveries: { key: string; record: MailDelivery };
  loginAttempts: { key: string; record: LoginAttempts };
}

export type KindName = keyof RecordKinds;
