import type { Millis } from "../kernel/ports.ts";
import type { RefreshToken } from "../storage/records.ts";
import { matchSecret } from "./refresh-secret.ts";

/** `expiry.refreshTokens` of the configuration. Zero means never. */
export interface RefreshPolicy {
  readonly disableRotation: boolean;
  readonly reuseInterval: Millis;
  readonly absoluteLifetime: Millis;
  readonly validIfNotUsedFor: Millis;
}

/**
 * How long after a single-use credential was spent a second presentation may still be its holder's own race
 * (two tabs, a retry): it is refused, but taken for no attack. Long enough for a burst on a busy machine
 * and for two replicas' clocks; far too short to steal a token and try it.
 */
export const raceWindow = 2_000 as Millis;

/** What a presented refresh token earns. */
export type RefreshVerdict =
  /** Not a secret of this family, or one that Dex rotated out. */
  | { readonly kind: "unknown" }
  | { readonly kind: "expired" }
  /** A secret that we rotated out. Whether it is a race or a theft is for {@link isReplay}. */
  | { readonly kind: "rotated_out"; readonly isOlder: boolean }
  /** Inside `reuseInterval`: the current secret and the stored claims again, nothing changes. */
  | { readonly kind: "same_answer" }
  /** Valid: ask the connector, then rotate, or only note the use. */
  | { readonly kind: "use"; readonly rotate: boolean };

/**
 * Judges a presented secret. Pure. RFC 6749 §6, RFC 9700 §4.14.2.
 * compat(dex): an age exactly at the limit still counts, the reuse window is inclusive and opens with the first
 * issue as well (server/tokens/refresh_strategy.go).
 */
export function judgeRefresh(
  token: RefreshToken,
  secret: string,
  policy: RefreshPolicy,
  key: Uint8Array,
  now: number,
): RefreshVerdict {
  const match = matchSecret(token, secret, key);
  if (match === "none") return { kind: "unknown" };
  const mayReuse = policy.reuseInterval > 0 && now <= token.lastUsed + policy.reuseInterval;
  const isPrevious = match === "previous" || match === "dex_previous";
  if (match === "older" || (isPrevious && !mayReuse)) {
    return match === "dex_previous" ? { kind: "unknown" } : { kind: "rotated_out", isOlder: match === "older" };
  }
  if (isExpired(token, policy, now)) return { kind: "expired" };
  return mayReuse ? { kind: "same_answer" } : { kind: "use", rotate: !policy.disableRotation };
}

/** Older than `absoluteLifetime`, or idle longer than `validIfNotUsedFor`. */
export function isExpired(token: RefreshToken, policy: RefreshPolicy, now: number): boolean {
  return (
    (policy.absoluteLifetime > 0 && now > token.createdAt + policy.absoluteLifetime) ||
    (policy.validIfNotUsedFor > 0 && now > token.lastUsed + policy.validIfNotUsedFor)
  );
}
