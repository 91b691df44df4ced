/**
 * Sent with every answer, static files and 404 included (Dex sends none by default). The operator's
 * `web.headers` override them by name; an empty value removes one.
 *
 * - Content-Security-Policy: pages are plain HTML, style sheets and a theme's fonts. An injected tag loads and runs nothing;
 *   `img-src https:` is for logos of themes and clients, `data:` for the QR code of TOTP enrolment.
 *   There is no `form-action`: Chromium applies it to the redirects after a form post as well, and consent is a
 *   post that ends with a redirect to the client, whose address is not known here. `'self'` would break every
 *   login. The forms' targets are ours and escaped, and `base-uri 'none'` keeps them.
 * - X-Frame-Options beside frame-ancestors, for browsers and scanners that know only the former (clickjacking
 *   of consent: RFC 9700 §4.16).
 * - Referrer-Policy: our addresses hold codes and states, which must reach neither a logo's host nor another
 *   application on the issuer's own host (RFC 9700 §4.2.4). In exchange browsers send `Origin: null` with our
 *   own form posts, so cross-site posts must be told apart by a token, never by Origin.
 * - No Cross-Origin-Opener-Policy: an application may run its login in a popup and wait for word through
 *   `window.opener`. Any value but `unsafe-none` on a page of ours would cut that tie, though it is the
 *   application's own callback that uses it.
 * - No-store, because nearly everything here is about one person. Answers that may be kept say so themselves.
 */
const defaults: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data: https:; " +
    "frame-ancestors 'none'; base-uri 'none'",
  "x-frame-options": "DENY",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
};

/** Without includeSubDomains: hosts below the issuer's are not ours to force. RFC 6797 §6.1. */
const strictTransport = "max-age=31536000";

/** Lower-case names. `isTls` adds HSTS, which browsers ignore on plain HTTP (RFC 6797 §8.1). */
export function baseHeaders(
  operator: Readonly<Record<string, string>>,
  isTls: boolean,
): Readonly<Record<string, string>> {
  const headers = new Map(Object.entries(defaults));
  if (isTls) headers.set("strict-transport-security", strictTransport);
  for (const [name, value] of Object.entries(operator)) {
    if (value === "") headers.delete(name.toLowerCase());
    else headers.set(name.toLowerCase(), value);
  }
  return Object.fromEntries(headers);
}
