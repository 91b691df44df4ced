import { html } from "../http/answers.ts";
import { type HttpAnswer, type HttpRequest, PageError } from "../http/contract.ts";
import { checkSessionPage } from "../page/check-session-page.ts";
import type { Provider } from "./provider.ts";

/** Any application may frame it: it shows nothing, and answers whoever asks with one word. */
const headers = {
  "content-security-policy": "default-src 'none'; script-src 'self'; frame-ancestors *; base-uri 'none'",
  // Older browsers know this header alone, and our default forbids every frame.
  "x-frame-options": "",
  "cache-control": "public, max-age=3600",
};

/** `/session/check`: the frame that applications ask. OIDC Session Management §3.2. */
export function checkSessionEndpoint(request: HttpRequest, provider: Provider): HttpAnswer {
  const cookie = provider.sessionCookies.stateCookie;
  if (cookie === undefined) throw new PageError(404, "refusal.missing");
  return html(200, checkSessionPage(provider.page(request), { cookie }).toString(), headers);
}
