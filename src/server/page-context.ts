import type { Config } from "../config/config.ts";
import { chooseLocale } from "../page/choose-locale.ts";
import type { PageContext } from "../page/layout.ts";

interface PageFacts {
  readonly path: string;
  readonly traceId: string;
  readonly acceptLanguage: string | undefined;
  /** What the client asked for, best first. */
  readonly uiLocales: readonly string[];
}

/** What the pages need to know of this server and this request. */
export function pageContextOf(config: Config, request: PageFacts): PageContext {
  return {
    issuerName: config.frontend.issuer,
    logoUrl: config.frontend.logoURL,
    requestPath: request.path,
    serverPath: config.issuerPath,
    theme: config.frontend.theme,
    locale: chooseLocale(request.uiLocales, request.acceptLanguage),
    traceId: request.traceId,
  };
}
