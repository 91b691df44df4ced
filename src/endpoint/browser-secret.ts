import type { HttpRequest } from "../http/contract.ts";
import type { Random } from "../kernel/ports.ts";

/**
 * The secrets that tie every step of a login to the browser that began it. They say nothing about the person and
 * outlive no browser session; without one an address of ours continues nothing. RFC 9700 §4.7.
 *
 * A browser has one, unless it opened its first tabs side by side (a restored session): each of them was given its
 * own, under a name of its own so that neither replaces the other.
 */
export interface BrowserSecrets {
  readonly values: readonly [string, ...string[]];
  /** To be set; undefined when the browser holds one already. */
  readonly cookie: string | undefined;
}

const form = /^[A-Za-z0-9_-]{22}$/;
/** As many as a restored session may sensibly have made. */
const mostSecrets = 8;

/** `__Host-` keeps a neighbouring domain from planting a secret it knows; browsers allow it on https only. RFC 6265bis §4.1.3. */
const cookiePrefix = (isSecure: boolean): string => (isSecure ? "__Host-dex_browser_" : "dex_browser_");

/** The secrets that the browser brings; nothing was ever sealed for one that brings none. */
export function readBrowserSecrets(request: HttpRequest, isSecure: boolean): readonly string[] {
  const prefix = cookiePrefix(isSecure);
  return Object.entries(request.cookies)
    .flatMap(([name, value]) => (name.startsWith(prefix) && value !== undefined && form.test(value) ? [value] : []))
    .slice(0, mostSecrets);
}

/** The browser's secrets; one is made if it has none. */
export function ensureBrowserSecret(request: HttpRequest, isSecure: boolean, random: Random): BrowserSecrets {
  const [first, ...more] = readBrowserSecrets(request, isSecure);
  if (first !== undefined) return { values: [first, ...more], cookie: undefined };
  const value = Buffer.from(random.bytes(16)).toString("base64url");
  const name = cookiePrefix(isSecure) + Buffer.from(random.bytes(4)).toString("hex");
  const attributes = `Path=/; HttpOnly; ${isSecure ? "Secure; " : ""}SameSite=Lax`;
  return { values: [value], cookie: `${name}=${value}; ${attributes}` };
}
