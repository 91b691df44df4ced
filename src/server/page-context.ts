import type { Config } from "../config/config.ts";
import type { HttpRequest } from "../http/contract.ts";
import type { PageContext } from "../page/layout.ts";
import { defaultLocale } from "../page/messages.ts";

/** What the pages need to know of this server and this request. */
export function pageContextOf(config: Config, request: Pick<HttpRequest, "path" | "traceId">): PageContext {
  return {
    issuerName: config.frontend.issuer,
    logoUrl: config.frontend.logoURL,
    requestPath: request.path,
    serverPath: config.issuerPath,
    theme: config.frontend.theme,
    locale: defaultLocale,
    traceId: request.traceId,
  };
}
