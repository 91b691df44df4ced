import { timingSafeEqual } from "node:crypto";

/**
 * Compares two secrets without telling by its time where they differ. The only place that does.
 * The lengths may be told apart: what we compare are digests or values of our own fixed length,
 * and the length of a client's secret is no secret worth a copy of unbounded input.
 */
export function secretEqual(left: string | Uint8Array, right: string | Uint8Array): boolean {
  // A lone surrogate has no bytes of its own: every one becomes U+FFFD, and different texts would be the same.
  if (!isWellFormed(left) || !isWellFormed(right)) return false;
  const a = typeof left === "string" ? Buffer.from(left) : left;
  const b = typeof right === "string" ? Buffer.from(right) : right;
  if (a.byteLength !== b.byteLength) {
    timingSafeEqual(a, a);
    return false;
  }
  return timingSafeEqual(a, b);
}

const isWellFormed = (secret: string | Uint8Array): boolean => typeof secret !== "string" || secret.isWellFormed();
