import type { HttpAnswer, HttpRequest } from "../http/contract.ts";
import { homePage } from "../page/home-page.ts";
import type { Provider } from "./provider.ts";
import { showPage } from "./show-page.ts";

/** The issuer's own address: says what this is and where machines find the rest. */
export function homeEndpoint(request: HttpRequest, provider: Provider): HttpAnswer {
  const base = provider.flow.policy.issuer.replace(/\/$/, "");
  return showPage(200, homePage(provider.page(request), { discoveryUrl: `${base}/.well-known/openid-configuration` }));
}
