import type { Findings } from "./mistake.ts";

/** The issuer, and the path that every route stands below. */
export interface Issuer {
  readonly issuer: string;
  /** `/dex`; empty when the issuer has no path. Never ends in a slash. Escaped as in the issuer. */
  readonly issuerPath: string;
}

/**
 * The issuer as it appears in every token. compat(dex): it is what Go's `url.Parse(…).String()` makes of the
 * configured text, so a trailing slash and the host's case survive, and clients compare it byte for byte.
 */
export function readIssuer(text: string, findings: Findings): Issuer {
  const parsed = parseIssuer(text);
  if (parsed === undefined) {
    findings.refuse("setup", "issuer", "failed to initialize server: server: can't parse issuer URL", {
      hint: 'an absolute address, "https://dex.example.com/dex"',
    });
    return { issuer: text, issuerPath: "" };
  }
  const { url, scheme, host, path, rest } = parsed;
  if (rest !== "") findings.warn("issuer", "the issuer has a query or a fragment, which OIDC Core §2 forbids");
  if (scheme === "http" && !isLoopback(host)) {
    findings.warn("issuer", "the issuer is plain http: whoever is on the path can read every token");
  }
  return { issuer: url, issuerPath: path.replace(/\/+$/, "") };
}

interface ParsedIssuer {
  readonly url: string;
  readonly scheme: string;
  readonly host: string;
  readonly path: string;
  readonly rest: string;
}

function parseIssuer(text: string): ParsedIssuer | undefined {
  const match = /^(https?):\/\/([^/?#]+)([^?#]*)(\?[^#]*)?(#.*)?$/is.exec(text);
  if (match === null || /\p{Cc}/u.test(text) || !URL.canParse(text)) return undefined;
  const [, scheme = "", authority = "", path = "", query = "", fragment = ""] = match;
  // A name, an IPv4 address or a bracketed IPv6 address, and a port of digits. Userinfo has no business here.
  if (!/^(?:\[[\da-fA-F:.]+\]|[^\s@:[\]%"<>\\^`{|}]+)(?::\d*)?$/.test(authority)) return undefined;
  if (/%(?![\da-fA-F]{2})/.test(path + fragment)) return undefined;
  const canonical = escapePath(path);
  const rest = query + (fragment === "#" ? "" : fragment);
  const lower = scheme.toLowerCase();
  return {
    url: `${lower}://${encodeHost(authority)}${canonical}${rest}`,
    scheme: lower,
    host: hostname(authority),
    path: canonical,
    rest,
  };
}

/** Go leaves an escaping it finds valid alone, and otherwise writes its own. */
function escapePath(path: string): string {
  if (/^[\w\-.~%!$&'()*+,;=:@[\]/]*$/.test(path)) return path;
  // A path that is partly escaped is unescaped first, byte by byte.
  const bytes = Buffer.concat(
    path
      .split(/(%[\da-fA-F]{2})/)
      .map((part) => (part.startsWith("%") ? Buffer.from(part.slice(1), "hex") : Buffer.from(part))),
  );
  let escaped = "";
  for (const byte of bytes) {
    const char = String.fromCharCode(byte);
    escaped +=
      byte < 0x80 && /[\w\-.~$&+,/:;=@]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return escaped;
}

const encodeHost = (host: string): string =>
  host.replace(/\P{ASCII}+/gu, (part) =>
    [...Buffer.from(part)].map((byte) => `%${byte.toString(16).toUpperCase()}`).join(""),
  );

const hostname = (authority: string): string =>
  authority
    .replace(/:\d*$/, "")
    .replace(/^\[|\]$/g, "")
    .toLowerCase();

/** Whether the name can only mean this machine. */
export const isLoopback = (host: string): boolean =>
  host === "localhost" || host.endsWith(".localhost") || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);

/** The host name in `issuer`, lower case, without port and brackets; empty if there is none. */
export const issuerHost = (issuer: string): string => parseIssuer(issuer)?.host ?? "";
