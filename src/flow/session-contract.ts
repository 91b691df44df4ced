/** What sessions are made of, as the flow sees them; `session.ts` has the rules, `keep-session.ts` the writes. */
import type { Millis } from "../kernel/ports.ts";

/** The operator's choices, config `sessions`. */
export interface SessionPolicy {
  readonly absoluteLifetime: Millis;
  readonly validIfNotUsedFor: Millis;
  /** Also decides for logins that have no checkbox. compat(dex). */
  readonly rememberMeByDefault: boolean;
  readonly ssoSharedWithDefault: "none" | "all";
  /** Key of the stored hashes of secrets. */
  readonly secretKey: Uint8Array;
}

/** What a cookie says: which session, and the proof of it. */
export interface SessionKey {
  readonly id: string;
  readonly secret: string;
}

/** How a browser holds its session: the cookie that it brought, and the one that its answer sets. */
export interface SessionHolder {
  readonly presented: SessionKey | undefined;
  /** The browser is given this one. `isRemembered`: it outlives the browser's own session. */
  hold(key: SessionKey, isRemembered: boolean): void;
  /**
   * The browser's state where applications may ask for it, and the cookie that our frame reads is set to it; undefined
   * where they may not. OIDC Session Management §3.2.
   */
  stateFor(sessionId: string): string | undefined;
  /** What the browser brought is worth nothing any more. */
  letGo(): void;
}

/** Where a request comes from, as the account page tells it. */
export interface Device {
  readonly ipAddress: string;
  readonly userAgent: string;
}
