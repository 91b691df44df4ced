/**
 * The thin skin over the HTTP library. It owns sockets, TLS, parsing, limits, headers and the writing of
 * answers; it knows no OAuth beyond the shape of an error. An endpoint is a function from
 * {@link HttpRequest} to {@link HttpAnswer} and never sees the library.
 */
import type { Logger } from "../kernel/ports.ts";
import { type RefusalKey, refusalsEn } from "../page/messages/refusals-en.ts";

/** Parameters of a query or an urlencoded body, decoded once. */
export interface Params {
  /** The first value, or undefined. */
  get(name: string): string | undefined;
  /** Every value, in order. */
  all(name: string): readonly string[];
  /** Names that occur more than once: RFC 6749 §3.1 forbids them. */
  readonly repeated: readonly string[];
  readonly names: readonly string[];
}

export interface HttpRequest {
  /** Upper case. */
  readonly method: string;
  /** Path as sent, without query. */
  readonly path: string;
  /** Raw query string, without `?`; empty when absent. */
  readonly rawQuery: string;
  /** Path parameters by name, unescaped once. */
  readonly route: Readonly<Record<string, string>>;
  /** @throws {MalformedError} A bad escape, a `;`, or too many parameters. */
  query(): Params;
  /** The urlencoded body; empty for any other content type. @throws {MalformedError} as {@link query}. */
  form(): Params;
  /** The raw body, for endpoints that read JSON. */
  readonly body: Uint8Array;
  /** Lower-case names; a repeated header is joined with ", ". */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Lower-case names of headers that came in several lines. */
  readonly repeatedHeaders: ReadonlySet<string>;
  readonly cookies: Readonly<Record<string, string | undefined>>;
  /** The person's address by `web.clientRemoteIP`, else the peer's. No port. */
  readonly clientIp: string;
  /** The address of the TCP peer, no port, whatever any header says. */
  readonly peer: string;
  /** 32 hex digits; on every log line of this request, in `X-Trace-Id` and on error pages. W3C Trace Context. */
  traceId: string;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  /** Identity of the TCP connection: two requests with the same one were sent one after the other. */
  readonly connection: object;
  /** Aborts when the client goes away or the deadline passes. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /**
   * The languages that the client asked for, best first; of this address until a step knows of the whole login. OIDC Core
   * §3.1.2.1 `ui_locales`.
   */
  uiLocales: readonly string[];
}

/** The body or query could not be parsed. Answered as the endpoint's own kind of 400. */
export class MalformedError extends Error {
  override readonly name = "MalformedError";
}

/** A refusal for a person: a page with this status and one sentence of the catalogues. Thrown anywhere, written in `http/`. */
export class PageError extends Error {
  override readonly name = "PageError";
  readonly status: number;
  /** `message` is the same in English, for logs and programs. */
  readonly sentence: RefusalKey;

  constructor(status: number, sentence: RefusalKey, options?: ErrorOptions) {
    super(refusalsEn[sentence], options);
    this.status = status;
    this.sentence = sentence;
  }
}

export type HeaderValue = string | readonly string[];

export interface HttpAnswer {
  readonly status: number;
  /** Any case; `http/` adds security headers, length and trace id. An empty value removes a security header. */
  readonly headers: Readonly<Record<string, HeaderValue>>;
  readonly body: string | Uint8Array;
}

export type Handler = (request: HttpRequest) => Promise<HttpAnswer> | HttpAnswer;

/** One path. `{name}` matches one non-empty segment. Methods not listed still reach the handler, as in Dex. */
export interface Route {
  /** Below the issuer's path, "/token"; "" is the issuer's path itself. */
  readonly path: string;
  readonly handler: Handler;
  /** Answered with CORS where `web.allowedOrigins` is set. */
  readonly cors?: boolean;
  /** True: `path` is the whole path, whatever the issuer's. For well-known addresses. RFC 8414 §3.1. */
  readonly isAtRoot?: boolean;
  /**
   * How a fault or a refusal is written when the handler throws: JSON for machines, a page for people; `asked` is JSON
   * for whoever sends JSON.
   */
  readonly surface: "json" | "page" | "asked";
}
