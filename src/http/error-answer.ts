import { TooManyAttemptsError, UnavailableError } from "../kernel/errors.ts";
import type { Logger } from "../kernel/ports.ts";
import { OAuthError } from "../oauth/error.ts";
import { type RefusalKey, refusalsEn } from "../page/messages/refusals-en.ts";
import { html, json } from "./answers.ts";
import { type HttpAnswer, MalformedError, PageError } from "./contract.ts";

/** What the error page shows. */
export interface ErrorPage {
  readonly status: number;
  /** What the person reads, unless there is {@link wait} to tell. */
  readonly sentence: RefusalKey;
  /** For who builds the application, in English as protocols are. */
  readonly detail?: string;
  /** Seconds until another attempt counts. */
  readonly wait?: number;
  readonly traceId: string;
  readonly path: string;
  /** The languages that the client asked for, and those that the browser would like. RFC 9110 §12.5.4. */
  readonly uiLocales: readonly string[];
  readonly acceptLanguage: string | undefined;
}

/** Draws an error page. The pages are another room's, so it is handed in. */
export type RenderErrorPage = (page: ErrorPage) => string;

/** Seconds. Long enough for a failover to start, short enough that a person waits for it. */
const retryAfter = "5";

/** Everything a handler may throw, in the protocol's words. What is unknown becomes a 500 that says nothing. */
export function asOAuthError(error: unknown): OAuthError {
  if (error instanceof OAuthError) return error;
  if (error instanceof MalformedError) return new OAuthError("invalid_request", error.message, { cause: error });
  if (error instanceof UnavailableError)
    return new OAuthError("temporarily_unavailable", refusalsEn["refusal.away"], { cause: error });
  if (error instanceof PageError) return fromPage(error);
  if (error instanceof TooManyAttemptsError) {
    const description = `Too many attempts. Try again in ${inWords(error.retryAfter)}.`;
    return new OAuthError("temporarily_unavailable", description, { status: 429, cause: error });
  }
  return new OAuthError("server_error", "", { cause: error });
}

const inWords = (seconds: number): string => {
  const [count, unit] = seconds < 120 ? [seconds, "second"] : [Math.ceil(seconds / 60), "minute"];
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
};

function fromPage(error: PageError): OAuthError {
  const { status, message } = error;
  const refusal = status === 401 || status === 403 ? "access_denied" : "invalid_request";
  return new OAuthError(status >= 500 ? "server_error" : refusal, message, { status, cause: error });
}

export interface ErrorPlace {
  readonly surface: "json" | "page";
  readonly path: string;
  readonly traceId: string;
  readonly uiLocales: readonly string[];
  readonly acceptLanguage: string | undefined;
  readonly render: RenderErrorPage;
}

/** The error as its endpoint writes errors: RFC 6749 §5.2 JSON for a machine, a page for a person. */
export function errorAnswer(error: OAuthError, place: ErrorPlace): HttpAnswer {
  const headers = waitingHeaders(error);
  if (place.surface === "page") return html(error.status, place.render(errorPage(error, place)), headers);
  const description = error.description === "" ? {} : { error_description: error.description };
  return json(
    error.status,
    { error: error.code, ...description },
    { "cache-control": "no-store", pragma: "no-cache", ...headers, ...challenge(error) },
  );
}

function waitingHeaders({ status, cause }: OAuthError): Readonly<Record<string, string>> {
  if (cause instanceof TooManyAttemptsError) return { "retry-after": String(cause.retryAfter) };
  return status === 503 ? { "retry-after": retryAfter } : {};
}

function errorPage(error: OAuthError, { render: _, surface: __, ...place }: ErrorPlace): ErrorPage {
  const { status, cause } = error;
  return {
    status,
    ...told(error),
    ...(cause instanceof TooManyAttemptsError ? { wait: cause.retryAfter } : {}),
    ...place,
  };
}

/** A sentence where there is one for what happened; else one for its kind, with the protocol's own words below. */
function told({ code, status, description, cause }: OAuthError): Pick<ErrorPage, "sentence" | "detail"> {
  if (cause instanceof PageError) return { sentence: cause.sentence };
  if (code === "temporarily_unavailable") return { sentence: "refusal.away" };
  if (status >= 500) return { sentence: "refusal.fault" };
  if (code === "access_denied") return { sentence: "refusal.denied" };
  const sentence = status === 413 || cause instanceof MalformedError ? "refusal.unreadable" : "refusal.refused";
  return { sentence, ...(description === "" ? {} : { detail: description }) };
}

/** Never on a page, where a browser would answer it by asking the person for a password. RFC 9110 §11.6.1. */
function challenge(error: OAuthError): Readonly<Record<string, string>> {
  if (error.code === "invalid_client" && error.status === 401) return { "www-authenticate": 'Basic realm="dex"' };
  if (error.code !== "invalid_token" && error.code !== "insufficient_scope") return {};
  const description = error.description === "" ? "" : `, error_description="${quotable(error.description)}"`;
  return { "www-authenticate": `Bearer realm="dex", error="${error.code}"${description}` };
}

/** RFC 6750 §3 allows no quote, no backslash and no control character here. */
const quotable = (description: string): string => description.replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, "'");

/** One line per failed request: faults loud, refusals quiet, a device that polls as RFC 8628 asks nearly silent. */
export function logError(logger: Logger, error: OAuthError, method: string, path: string): void {
  const fields = { method, path, status: error.status, error: error.code, detail: error.detail };
  if (error.cause instanceof UnavailableError) {
    logger.warn("dependency unavailable", { ...fields, dependency: error.cause.dependency }, error.cause);
  } else if (error.status >= 500) {
    logger.error("request failed", fields, error.cause ?? error);
  } else if (error.code === "authorization_pending" || error.code === "slow_down") {
    logger.debug("request refused", fields);
  } else {
    logger.info("request refused", { ...fields, description: error.description });
  }
}
