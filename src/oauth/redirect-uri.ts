/** Which redirect URIs a client may use. RFC 6749 §3.1.2.3, RFC 8252 §7.3, and Dex's rule for native apps. */

/** Shown instead of a redirect: the person copies the code. */
export const outOfBandUri = "urn:ietf:wg:oauth:2.0:oob";

/** The internal target of the device flow, below the issuer's path. */
export const deviceCallbackPath = "/device/callback";

export interface RedirectPolicy {
  readonly registered: readonly string[];
  readonly isPublic: boolean;
}

/**
 * Whether `uri` may receive the answer: exactly as registered, or, for a public client that registered
 * nothing, out of band, the device callback or a loopback address.
 */
export function mayRedirectTo(uri: string, policy: RedirectPolicy): boolean {
  if (policy.registered.includes(uri)) return true;
  if (!policy.isPublic || policy.registered.length > 0) return false;
  return uri === outOfBandUri || uri === deviceCallbackPath || isLoopback(uri);
}

/** `http` to this very machine, any port and path. Compared as text, because a parser that repairs is a parser that is fooled. */
function isLoopback(uri: string): boolean {
  const authority = /^http:\/\/(?:[^/?#\\@]*@)?([^/?#\\@]*)(?:[/?#]|$)/.exec(uri)?.[1];
  if (authority === undefined) return false;
  const match = /^(localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::(\d{1,5}))?$/.exec(authority);
  if (match === null) return false;
  const octets = match[1]?.startsWith("127") === true ? match[1].split(".").map(Number) : [];
  const port = match[2] === undefined ? 0 : Number(match[2]);
  return octets.every((octet) => octet <= 255) && port <= 65_535 && isPrintable(uri);
}

/** No space, control character or non-ASCII: those never belong into a URI (RFC 3986 §2). */
const isPrintable = (uri: string): boolean => /^[\x21-\x7e]*$/.test(uri);

/** `uri` as a URL that can carry an answer, or undefined: no fragment trickery, no script. RFC 6749 §3.1.2. */
export function parseRedirectUri(uri: string): URL | undefined {
  if (!URL.canParse(uri)) return undefined;
  const url = new URL(uri);
  return /^(javascript|data|vbscript|blob|file):$/.test(url.protocol) ? undefined : url;
}
