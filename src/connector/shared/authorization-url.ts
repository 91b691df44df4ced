import type { Random } from "../../kernel/ports.ts";

/** `base` with `params`, sorted by name; what it brings itself stays as it is. Undefined leaves one out. compat(dex): x/oauth2. */
export function authorizationUrl(base: string, params: Readonly<Record<string, string | undefined>>): URL {
  const given = Object.entries(params).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, value]],
  );
  const query = new URLSearchParams(given.toSorted(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0)));
  return new URL(`${base}${base.includes("?") ? "&" : "?"}${query}`);
}

/** A fresh verifier of 256 bits. RFC 7636 §4.1. */
export const newVerifier = (random: Random): string => Buffer.from(random.bytes(32)).toString("base64url");

/**
 * The address the upstream sends the person back to: the configured one, which must be our own callback, shared by all
 * connectors or, against mixing them up (RFC 9700 §4.4.2.2), this one's alone. @throws {Error} It is another.
 */
export function redirectFor(configured: string, callback: URL, id: string): string {
  if (configured === callback.href || configured === `${callback.href}/${encodeURIComponent(id)}`) return configured;
  throw new Error(`expected callback URL "${callback.href}" did not match the URL in the config "${configured}"`);
}
