import type { Clock, Millis, Random } from "../kernel/ports.ts";
import type { Signer } from "../signer/contract.ts";
import type { Authorized } from "./authorize.ts";
import { claimsJson } from "./claims.ts";
import { type GrantTag, newTokenId } from "./grant-tag.ts";
import { encodeJwt, halfHash } from "./jws.ts";

/** What minting needs, once per server. */
export interface MintDeps {
  readonly issuer: string;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly random: Random;
  /** Of ID and access tokens alike. */
  readonly lifetime: Millis;
}

/** What this issuance adds to the claims. */
export interface MintOptions {
  readonly nonce: string;
  /** Milliseconds; unset leaves `auth_time` out. OIDC Core §2. */
  readonly authTime?: number;
  readonly sessionId?: string;
  /** The code that is handed out or redeemed with the ID token: becomes `c_hash`. OIDC Core §3.3.2.11. */
  readonly code?: string;
  /** What the ID token says of the strength of the login; unset leaves it out. OIDC Core §2. */
  readonly acr?: string;
  /** How the person proved who they are. OIDC Core §2. */
  readonly amr?: readonly string[];
  /** Which tokens to make. */
  readonly access: boolean;
  readonly id: boolean;
  /** What all tokens of this grant have in common, where they may have to be revoked together. */
  readonly grantTag?: GrantTag;
}

export interface Minted {
  readonly accessToken?: string;
  readonly idToken?: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

const seconds = (ms: number): number => Math.floor(ms / 1000);

/**
 * Signs an access token, an ID token, or both, for what {@link Authorized} proves. One key signs the whole
 * answer, so that header, hashes and signature agree even while keys rotate. OIDC Core §2, §3.1.3.6.
 * @throws {UnavailableError} No key can sign now.
 */
export async function mintTokens(authorized: Authorized, options: MintOptions, deps: MintDeps): Promise<Minted> {
  const key = await deps.signer.current();
  const issuedAt = seconds(deps.clock.now());
  const expiresAt = issuedAt + seconds(deps.lifetime);
  const shared = {
    issuer: deps.issuer,
    issuedAt,
    expiresAt,
    nonce: options.nonce,
    ...(options.authTime === undefined ? {} : { authTime: seconds(options.authTime) }),
    ...(options.sessionId === undefined ? {} : { sessionId: options.sessionId }),
  };
  let accessToken: string | undefined;
  if (options.access) {
    // compat(dex): every access token carries the hash of a value that nobody knows (server/tokens).
    const accessTokenHash = halfHash(key.alg, Buffer.from(deps.random.bytes(16)).toString("base64url"));
    const tokenId = newTokenId(deps.random, options.grantTag);
    accessToken = await encodeJwt(
      key,
      claimsJson(authorized, { ...shared, tokenId, accessTokenHash, named: authorized.namedClaims.userinfo }),
    );
  }
  let idToken: string | undefined;
  if (options.id) {
    const hashes = {
      ...(accessToken === undefined ? {} : { accessTokenHash: halfHash(key.alg, accessToken) }),
      ...(options.code === undefined ? {} : { codeHash: halfHash(key.alg, options.code) }),
    };
    const own = {
      tokenId: newTokenId(deps.random, options.grantTag),
      named: authorized.namedClaims.idToken,
      ...(options.acr === undefined ? {} : { acr: options.acr }),
      ...(options.amr === undefined ? {} : { amr: options.amr }),
    };
    idToken = await encodeJwt(key, claimsJson(authorized, { ...shared, ...own, ...hashes }));
  }
  return {
    ...(accessToken === undefined ? {} : { accessToken }),
    ...(idToken === undefined ? {} : { idToken }),
    expiresAt: expiresAt * 1000,
  };
}
