/** Which redirect URIs a client may use. RFC 6749 §3.1.2.3, RFC 8252 §7.3, and Dex's rule for native apps. */

/** Shown instead of a redirect: the person copies the code. */
export const outOfBandUri = "urn:ietf:wg:oauth:2.0:oob";

/** The internal target of the device flow, below the issuer's path. */
export const deviceCallbackPath = "/device/callback";

/** The ways to write that target; which of them is registered is the client's affair. The first is what it means. */
function deviceCallbacks(issuer: string): readonly [string, ...string[]] {
  const base = issuer.replace(/\/$/, "");
  const path = new URL(issuer).pathname.replace(/\/$/, "");
  return [`${path}${deviceCallbackPath}`, deviceCallbackPath, `${base}${deviceCallbackPath}`];
}

/** Whether `uri` is the device flow's own target, not some client's address that only ends like it. */
export const isDeviceCallback = (uri: string, issuer: string): boolean =>
  uri.endsWith(deviceCallbackPath) && deviceCallbacks(issuer).includes(uri);

/** The target as `/auth` takes it from this client; undefined if it did not register for the device flow. RFC 8628 §3.1. */
export const deviceRedirectOf = (issuer: string, policy: RedirectPolicy): string | undefined =>
  deviceCallbacks(issuer).find((uri) => mayRedirectTo(uri, policy));

export interface RedirectPolicy {
  readonly registered: readonly string[];
  readonly isPublic: boolean;
}

/**
 * Whether `uri` may receive the answer: exactly as registered; for a public client, a native app, a registered
 * loopback address with any port; for one that registered nothing, out of band, the device callback or any
 * loopback address.
 */
export function mayRedirectTo(uri: string, policy: RedirectPolicy): boolean {
  if (policy.registered.includes(uri)) return true;
  if (!policy.isPublic) return false;
  if (policy.registered.length > 0) return hasRegisteredLoopback(uri, policy.registered);
  return uri === outOfBandUri || uri === deviceCallbackPath || loopbackOf(uri) !== undefined;
}

/** A native app learns its port from the system when it asks for one. RFC 8252 §7.3, RFC 9700 §2.1. */
function hasRegisteredLoopback(uri: string, registered: readonly string[]): boolean {
  const asked = loopbackOf(uri);
  return asked !== undefined && registered.some((entry) => loopbackOf(entry) === asked);
}

/**
 * `uri` without its port, if it is `http` to this very machine. Read as text, because a parser that repairs is a
 * parser that is fooled.
 */
function loopbackOf(uri: string): string | undefined {
  const parts = /^(http:\/\/(?:[^/?#\\@]*@)?)(localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::(\d{1,5}))?([/?#].*)?$/.exec(
    uri,
  );
  if (parts === null || !isPrintable(uri)) return undefined;
  const [, start = "", host = "", port = "0", rest = ""] = parts;
  const octets = host.startsWith("127") ? host.split(".").map(Number) : [];
  return octets.every((octet) => octet <= 255) && Number(port) <= 65_535 ? `${start}${host}${rest}` : undefined;
}

/** No space, control character or non-ASCII: those never belong into a URI (RFC 3986 §2). */
const isPrintable = (uri: string): boolean => /^[\x21-\x7e]*$/.test(uri);

/** `uri` as a URL that can carry an answer, or undefined: no fragment trickery, no script. RFC 6749 §3.1.2. */
export function parseRedirectUri(uri: string): URL | undefined {
  if (!URL.canParse(uri)) return undefined;
  const url = new URL(uri);
  return /^(javascript|data|vbscript|blob|file):$/.test(url.protocol) ? undefined : url;
}
