import { hash } from "node:crypto";

/** Proof Key for Code Exchange, RFC 7636. */
export type CodeChallengeMethod = "S256" | "plain";

export const isCodeChallengeMethod = (text: string): text is CodeChallengeMethod => text === "S256" || text === "plain";

/** 43 to 128 unreserved characters. RFC 7636 §4.1, §4.2. */
export const isCodeVerifier = (text: string): boolean => /^[A-Za-z0-9\-._~]{43,128}$/.test(text);

/** The challenge that belongs to `verifier`. RFC 7636 §4.2. */
export function challengeOf(verifier: string, method: string): string {
  return method === "S256" ? hash("sha256", verifier, "base64url") : verifier;
}
