/**
 * What tells an application, without a request, whether the browser's login is still the one it was told of.
 * OIDC Session Management §2, §3. The browser's state follows from the session's public id: it changes when
 * somebody else signs in or out, and is no proof of anything.
 */
import { hash } from "node:crypto";
import type { Random } from "../kernel/ports.ts";

/** 128 bits; what our own frame reads from a cookie. */
export const browserStateOf = (sessionId: string): string =>
  hash("sha256", `dex session ${sessionId}`, "buffer").subarray(0, 16).toString("base64url");

/** `session_state` for one client: it tells two clients apart, and says nothing without the browser's state. Undefined: a redirect URI without an origin. */
export function sessionState(
  { clientId, redirectUri }: { readonly clientId: string; readonly redirectUri: string },
  browserState: string,
  random: Random,
): string | undefined {
  const origin = URL.parse(redirectUri)?.origin ?? "null";
  if (origin === "null") return undefined;
  const salt = Buffer.from(random.bytes(12)).toString("base64url");
  return `${hash("sha256", `${clientId} ${origin} ${browserState} ${salt}`, "base64url")}.${salt}`;
}
