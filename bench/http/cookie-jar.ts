/** One browser's cookies for one host. Just RFC 6265 §5 as far as a login on a loopback server needs it. */

interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
}

export class CookieJar {
  #cookies: Cookie[] = [];

  /** Takes one `Set-Cookie` line that answered a request for `requestPath`; `now` is milliseconds since the epoch. */
  store(line: string, requestPath: string, now: number): void {
    const parts = line.split(";");
    const pair = parts[0] ?? "";
    const equals = pair.indexOf("=");
    if (equals < 1) return;
    let path = defaultPath(requestPath);
    let isExpired = false;
    let hasMaxAge = false;
    for (const part of parts.slice(1)) {
      const split = part.indexOf("=");
      const attribute = (split < 0 ? part : part.slice(0, split)).trim().toLowerCase();
      const value = split < 0 ? "" : part.slice(split + 1).trim();
      if (attribute === "path" && value.startsWith("/")) path = value;
      // Max-Age wins over Expires wherever it stands. RFC 6265 §4.1.2.2.
      if (attribute === "max-age") [hasMaxAge, isExpired] = [true, Number(value) <= 0];
      if (attribute === "expires" && !hasMaxAge) isExpired = Date.parse(value) <= now;
    }
    const cookie = { name: pair.slice(0, equals).trim(), value: pair.slice(equals + 1).trim(), path };
    this.#cookies = this.#cookies.filter((held) => held.name !== cookie.name || held.path !== cookie.path);
    if (!isExpired) this.#cookies.push(cookie);
  }

  /** The `Cookie` header for a request to `path` (no query), or "" for none. Longer paths first: RFC 6265 §5.4. */
  header(path: string): string {
    if (this.#cookies.length === 0) return "";
    return this.#cookies
      .filter((cookie) => pathMatches(path, cookie.path))
      .sort((a, b) => b.path.length - a.path.length)
      .map((cookie) => `${cookie.name}=${cookie.value}`)
      .join("; ");
  }
}

function defaultPath(requestPath: string): string {
  const lastSlash = requestPath.lastIndexOf("/");
  return lastSlash <= 0 ? "/" : requestPath.slice(0, lastSlash);
}

function pathMatches(path: string, cookiePath: string): boolean {
  if (!path.startsWith(cookiePath)) return false;
  return path.length === cookiePath.length || cookiePath.endsWith("/") || path.charAt(cookiePath.length) === "/";
}
