import type { HttpAnswer } from "../http/contract.ts";

/** Our own script talks to the browser's keys and to us, and nothing else runs. */
const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; font-src 'self'; " +
  "img-src 'self' data: https:; frame-ancestors 'none'; base-uri 'none'";

/** A page that may run a script of ours. */
export const withScript = (page: HttpAnswer): HttpAnswer => ({
  ...page,
  headers: { ...page.headers, "content-security-policy": contentSecurityPolicy },
});
