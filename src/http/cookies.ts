const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** RFC 6265 §4.1.1 cookie-octet: no space, quote, comma, semicolon or backslash. */
const octets = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/;
const pathOctets = /^\/[\x20-\x3a\x3c-\x7e]*$/;

export type Cookies = Readonly<Record<string, string | undefined>>;

/**
 * The cookies of a `Cookie` header. The first of two with one name wins: browsers send the longer path first
 * (RFC 6265 §5.4), so a cookie planted on `/` by a sibling application does not hide ours. What is no cookie
 * is skipped, because one broken cookie of a neighbour must not lock a person out. Values are taken as they
 * are, without percent-decoding; a pair of quotes around one is removed.
 */
export function parseCookies(header: string | undefined): Cookies {
  const cookies: Record<string, string | undefined> = Object.create(null);
  if (header === undefined) return cookies;
  for (const piece of header.split(";")) {
    const equals = piece.indexOf("=");
    if (equals < 0) continue;
    const name = piece.slice(0, equals).trim();
    const value = unquoted(piece.slice(equals + 1).trim());
    if (token.test(name) && octets.test(value) && cookies[name] === undefined) cookies[name] = value;
  }
  return cookies;
}

const unquoted = (value: string): string =>
  value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;

export interface CookieAttributes {
  readonly path: string;
  /** Seconds; 0 deletes the cookie; absent makes it end with the browser. */
  readonly maxAge?: number;
  readonly httpOnly?: boolean;
  readonly secure?: boolean;
  readonly sameSite?: "Lax" | "Strict" | "None";
}

/**
 * One `Set-Cookie` value, attributes in Go's order. RFC 6265 §4.1.
 *
 * @throws {TypeError} The name, value or path would end the cookie early: an injection, so a mistake of ours.
 */
export function setCookie(name: string, value: string, attributes: CookieAttributes): string {
  if (!token.test(name)) throw new TypeError("cookie name is not a token");
  if (!octets.test(value)) throw new TypeError(`value of cookie ${name} has characters a cookie cannot carry`);
  if (!pathOctets.test(attributes.path)) throw new TypeError(`path of cookie ${name} is not a path`);
  let text = `${name}=${value}; Path=${attributes.path}`;
  if (attributes.maxAge !== undefined) text += `; Max-Age=${Math.max(0, Math.floor(attributes.maxAge))}`;
  if (attributes.httpOnly === true) text += "; HttpOnly";
  if (attributes.secure === true) text += "; Secure";
  if (attributes.sameSite !== undefined) text += `; SameSite=${attributes.sameSite}`;
  return text;
}
