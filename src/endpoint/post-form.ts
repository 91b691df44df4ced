import type { FormPost } from "../flow/contract.ts";
import type { HttpAnswer, HttpRequest } from "../http/contract.ts";
import { forwardPage } from "../page/forward-page.ts";
import type { Provider } from "./provider.ts";
import { showPage } from "./show-page.ts";

/** Our own script may press the button of such a page, and nothing else runs there. */
const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data: https:; " +
  "frame-ancestors 'none'; base-uri 'none'";

/** A page whose form takes the browser on by a POST, by itself where scripts run. */
export function postForm(
  { to, fields, receiver }: Omit<FormPost, "go">,
  request: HttpRequest,
  provider: Provider,
): HttpAnswer {
  const props = { postTo: to, fields: Object.entries(fields).map(([name, value]) => ({ name, value })), receiver };
  const page = showPage(200, forwardPage(provider.page(request), { ...props, isAutomatic: true }));
  return { ...page, headers: { ...page.headers, "content-security-policy": contentSecurityPolicy } };
}

/** The same request once more, now from our own page: a cross-site POST brings no `SameSite=Lax` cookie. RFC 6265bis §5.2. */
export function bounce(request: HttpRequest, provider: Provider): HttpAnswer {
  const form = request.form();
  const fields = Object.fromEntries(form.names.map((name) => [name, form.get(name) ?? ""]));
  const query = request.rawQuery === "" ? "" : `?${request.rawQuery}`;
  const to = `${new URL(provider.flow.policy.issuer).origin}${request.path}${query}`;
  return postForm({ to, fields: { ...fields, [bounced]: "1" }, receiver: "self" }, request, provider);
}

const bounced = "dex_bounced";

export const isBounced = (request: HttpRequest): boolean => request.form().get(bounced) !== undefined;
