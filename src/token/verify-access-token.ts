import type { Clock } from "../kernel/ports.ts";
import type { Signer } from "../signer/contract.ts";
import type { Storage } from "../storage/contract.ts";

export interface VerifyDeps {
  readonly issuer: string;
  readonly signer: Signer;
  readonly storage: Pick<Storage, "revokedTokens">;
  readonly clock: Clock;
}

export type VerifiedAccessToken =
  | { readonly ok: true; readonly payload: string; readonly claims: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly because: string };

/** Whether a token of ours still counts: signature, issuer, time, kind, revocation. RFC 8725 §3. One storage read. */
export async function verifyAccessToken(jwt: string, deps: VerifyDeps): Promise<VerifiedAccessToken> {
  const verified = await deps.signer.verify(jwt);
  if (verified === undefined) return { ok: false, because: "no key of ours signed it" };
  const claims = objectOf(verified.payload);
  if (claims === undefined) return { ok: false, because: "the payload is no object" };
  if (claims.iss !== deps.issuer) return { ok: false, because: "another issuer" };
  // A logout token is signed by the same keys and proves nothing about a caller. OIDC Back-Channel Logout §2.4.
  if (claims.events !== undefined) return { ok: false, because: "a logout token" };
  if (typeof claims.exp !== "number" || claims.exp * 1000 <= deps.clock.now()) return { ok: false, because: "expired" };
  if (typeof claims.jti === "string" && (await deps.storage.revokedTokens.get(claims.jti)) !== undefined) {
    return { ok: false, because: "revoked" };
  }
  return { ok: true, payload: verified.payload, claims };
}

/** Our own signature covers the text, so its members are what we wrote. */
function objectOf(payload: string): Readonly<Record<string, unknown>> | undefined {
  const value: unknown = JSON.parse(payload);
  return isRecord(value) ? value : undefined;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
