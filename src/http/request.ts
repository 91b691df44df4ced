import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { UnavailableError } from "../kernel/errors.ts";
import { newUuid } from "../kernel/ids.ts";
import type { Clock, Logger, Millis, Random } from "../kernel/ports.ts";
import { millis } from "../kernel/ports.ts";
import { parseScope } from "../oauth/scope.ts";
import type { ClientIp } from "./client-ip.ts";
import { type HttpRequest, MalformedError, type Params } from "./contract.ts";
import type { Cookies } from "./cookies.ts";
import { parseCookies } from "./cookies.ts";
import { noParams, parseForm, parseQuery } from "./params.ts";
import { traceIdOf } from "./trace-id.ts";

export type RawRequest = IncomingMessage | Http2ServerRequest;
export type RawResponse = ServerResponse | Http2ServerResponse;

/** What all requests share. */
export interface Surroundings {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly clientIp: ClientIp;
  /** Lower-case name of the header of `web.clientRemoteIP`. */
  readonly clientIpHeader: string | undefined;
  readonly deadline: Millis;
}

export interface Target {
  readonly path: string;
  readonly rawQuery: string;
}

/** Splits a request target. A proxy may send the absolute form, which a server must accept. RFC 9112 §3.2.2. */
export function splitTarget(url: string): Target {
  const target = url.startsWith("/") ? url : url.replace(/^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/?]*/, "");
  const question = target.indexOf("?");
  return question < 0
    ? { path: target, rawQuery: "" }
    : { path: target.slice(0, question), rawQuery: target.slice(question + 1) };
}

type Headers = Readonly<Record<string, string | undefined>>;

const isPlain = (headers: Readonly<Record<string, string | string[] | undefined>>): headers is Headers =>
  headers["set-cookie"] === undefined;

const formType = /^application\/x-www-form-urlencoded[ \t]*(;|$)/i;

/** A request as handlers see it. All is derived when asked for and kept: the token endpoint asks for little. */
export class EdgeRequest implements HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly rawQuery: string;
  readonly route: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly receivedAt: number;
  readonly #raw: RawRequest;
  readonly #response: RawResponse;
  readonly #around: Surroundings;
  readonly #peer: string | undefined;
  #query: Params | undefined;
  #form: Params | undefined;
  #cookies: Cookies | undefined;
  #clientIp: string | undefined;
  #traceId: string | undefined;
  #requestId: string | undefined;
  #logger: Logger | undefined;
  #abort: AbortController | undefined;
  #uiLocales: readonly string[] | undefined;
  #isAnswered = false;
  #isClientGone = false;

  constructor(
    around: Surroundings,
    raw: RawRequest,
    response: RawResponse,
    target: Target,
    route: Readonly<Record<string, string>>,
    body: Buffer,
  ) {
    this.method = raw.method ?? "GET";
    this.path = target.path;
    this.rawQuery = target.rawQuery;
    this.route = route;
    this.body = body;
    this.receivedAt = around.clock.now();
    // Now, because a closed socket has forgotten it, and an audit record may be written after that.
    this.#peer = raw.socket.remoteAddress;
    this.#raw = raw;
    this.#response = response;
    this.#around = around;
  }

  get uiLocales(): readonly string[] {
    return this.#uiLocales ?? localesIn(this);
  }

  set uiLocales(tags: readonly string[]) {
    this.#uiLocales = tags;
  }

  query(): Params {
    this.#query ??= parseQuery(this.rawQuery);
    return this.#query;
  }

  form(): Params {
    const isForm = formType.test(this.#raw.headers["content-type"] ?? "");
    this.#form ??= isForm ? parseForm(this.body) : noParams;
    return this.#form;
  }

  get headers(): Headers {
    const headers = this.#raw.headers;
    // A request has no business with Set-Cookie, the one header that Node makes a list.
    return isPlain(headers) ? headers : { ...headers, "set-cookie": undefined };
  }

  get repeatedHeaders(): ReadonlySet<string> {
    const names = this.#raw.rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
    return new Set(names.filter((name, index) => names.indexOf(name) !== index));
  }

  get cookies(): Cookies {
    this.#cookies ??= parseCookies(this.#raw.headers.cookie);
    return this.#cookies;
  }

  get clientIp(): string {
    const { clientIp, clientIpHeader } = this.#around;
    const header = clientIpHeader === undefined ? undefined : this.headers[clientIpHeader];
    this.#clientIp ??= clientIp(this.#peer, header);
    return this.#clientIp;
  }

  get peer(): string {
    return this.#peer ?? "";
  }

  get traceId(): string {
    this.#traceId ??= traceIdOf(this.headers.traceparent, this.#around.random);
    return this.#traceId;
  }

  set traceId(moved: string) {
    this.#traceId = moved;
    this.#logger = undefined;
  }

  get connection(): object {
    return ("stream" in this.#raw ? this.#raw.stream.session : undefined) ?? this.#raw.socket;
  }

  get logger(): Logger {
    if (this.#logger === undefined) {
      // One trace may have many requests, so Dex's `request_id` stays a value of its own.
      this.#requestId ??= newUuid(this.#around.random);
      const ids = { request_id: this.#requestId, trace_id: this.traceId };
      const isIpWanted = this.#around.clientIpHeader !== undefined;
      this.#logger = this.#around.logger.with(isIpWanted ? { ...ids, client_remote_addr: this.clientIp } : ids);
    }
    return this.#logger;
  }

  get signal(): AbortSignal {
    this.#abort ??= this.#startAbort();
    return this.#abort.signal;
  }

  /** Whether the client went away before its answer. Known only if somebody asked for {@link signal}. */
  get isClientGone(): boolean {
    return this.#isClientGone;
  }

  /** The answer is on its way: from now on a closed connection is no abort. */
  markAnswered(): void {
    this.#isAnswered = true;
  }

  #startAbort(): AbortController {
    const abort = new AbortController();
    const over = new AbortController();
    const leave = (): void => {
      over.abort();
      if (this.#isAnswered) return;
      this.#isClientGone = true;
      abort.abort(new DOMException("the client went away", "AbortError"));
    };
    if (this.#isClosed()) leave();
    else this.#response.once("close", leave);
    const { clock, deadline } = this.#around;
    const left = millis(Math.max(0, this.receivedAt + deadline - clock.now()));
    clock.sleep(left, over.signal).then(
      () => abort.abort(new UnavailableError("deadline", "the request was not done in time")),
      // Over before its deadline.
      () => undefined,
    );
    return abort;
  }

  #isClosed(): boolean {
    return "stream" in this.#raw ? this.#raw.stream.destroyed : this.#raw.socket.destroyed;
  }
}

/** For the page that says that the request cannot be read, too. */
function localesIn(request: EdgeRequest): readonly string[] {
  try {
    return parseScope(request.form().get("ui_locales") ?? request.query().get("ui_locales") ?? "");
  } catch (error) {
    if (error instanceof MalformedError) return [];
    throw error;
  }
}
