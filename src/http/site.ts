import type { OutgoingHttpHeaders } from "node:http";
import type { OAuthError } from "../oauth/error.ts";
import { text } from "./answers.ts";
import type { HttpAnswer, Route } from "./contract.ts";
import type { CorsDecision, CorsRequest } from "./cors.ts";
import type { RenderErrorPage } from "./error-answer.ts";
import { asOAuthError, errorAnswer, logError } from "./error-answer.ts";
import { isJsonType } from "./is-json-type.ts";
import type { RawRequest, RawResponse, Surroundings } from "./request.ts";
import { EdgeRequest, splitTarget } from "./request.ts";
import type { RouteTable } from "./route-table.ts";
import type { StaticFiles } from "./static-files.ts";
import { staticAnswer } from "./static-files.ts";

/** One answered request, for metrics. Static files and unknown paths are not observed, as in Dex. */
export interface Observation {
  /** The route's path as registered, "/auth/{connector}". */
  readonly route: string;
  readonly method: string;
  readonly status: number;
  /** Milliseconds from the complete request to its answer. */
  readonly took: number;
  /** Length of the body. */
  readonly bytes: number;
}

type BaseHeaders = Readonly<Record<string, string>>;

/** What both listeners serve. */
export interface Site {
  readonly routes: RouteTable;
  readonly files: StaticFiles;
  /** Of every answer, lower-case; HTTPS has some more. */
  readonly baseHeaders: { readonly plain: BaseHeaders; readonly secure: BaseHeaders };
  /** Undefined where CORS is off. */
  readonly cors: ((request: CorsRequest) => CorsDecision) | undefined;
  readonly around: Surroundings;
  readonly render: RenderErrorPage;
  readonly observe: ((observation: Observation) => void) | undefined;
}

/** How one listener writes. */
export interface Channel {
  /** Over TLS. */
  readonly isSecure: boolean;
  /** Told to HTTP/1.1 clients, so that none sends another request down a connection about to close. */
  isDraining: boolean;
}

/** Answers one request. Never rejects. `refused` is set where the request could not be read, 413 for example. */
export async function serve(
  site: Site,
  channel: Channel,
  raw: RawRequest,
  response: RawResponse,
  body: Buffer,
  refused?: OAuthError,
): Promise<void> {
  const target = splitTarget(raw.url ?? "/");
  const match = site.routes(target.path);
  const request = new EdgeRequest(site.around, raw, response, target, match?.params ?? {}, body);
  // The rest of a body that we did not read would be taken for the next request.
  const isLast = refused !== undefined;
  if (match === undefined) {
    const answer = staticAnswer(site.files, request.method, target.path, request.headers["if-none-match"]);
    write(site, channel, request, response, answer, undefined, isLast);
    return;
  }
  const { route } = match;
  const cors = route.cors === true ? site.cors?.(corsRequest(request)) : undefined;
  let answer: HttpAnswer;
  if (cors?.kind === "answer") answer = cors.answer;
  else {
    try {
      if (refused !== undefined) throw refused;
      answer = await route.handler(request);
    } catch (error) {
      answer = answerFault(site, request, route, error);
    }
  }
  const sent = write(site, channel, request, response, answer, cors, isLast);
  site.observe?.({
    route: route.path,
    method: request.method,
    status: sent,
    took: site.around.clock.now() - request.receivedAt,
    bytes: lengthOf(answer.body),
  });
}

const corsRequest = ({ method, headers }: EdgeRequest): CorsRequest => ({
  method,
  origin: headers.origin,
  requestMethod: headers["access-control-request-method"],
  requestHeaders: headers["access-control-request-headers"],
});

function answerFault(site: Site, request: EdgeRequest, route: Route, fault: unknown): HttpAnswer {
  const { method, path } = request;
  const error = asOAuthError(fault);
  if (request.isClientGone) request.logger.debug("client went away", { method, path });
  else logError(request.logger, error, method, path);
  try {
    const { traceId, uiLocales, headers } = request;
    const surface = surfaceOf(route, request);
    const acceptLanguage = headers["accept-language"];
    return errorAnswer(error, { surface, path, traceId, uiLocales, acceptLanguage, render: site.render });
  } catch (cause) {
    request.logger.error("error page failed", { path }, cause);
    return text(error.status, `${error.status}, trace ${request.traceId}\n`);
  }
}

function surfaceOf({ surface }: Route, { headers }: EdgeRequest): "json" | "page" {
  if (surface !== "asked") return surface;
  return isJsonType(headers["content-type"]) ? "json" : "page";
}

const lengthOf = (body: string | Uint8Array): number =>
  typeof body === "string" ? Buffer.byteLength(body) : body.byteLength;

/** Writes `answer` and returns the status sent. A header that Node refuses turns it into a bare 500. */
function write(
  { baseHeaders }: Site,
  channel: Channel,
  request: EdgeRequest,
  response: RawResponse,
  answer: HttpAnswer,
  cors: CorsDecision | undefined,
  isLast: boolean,
): number {
  request.markAnswered();
  // HTTP/2 has no such header: it says goodbye with a frame.
  const mustClose = (isLast || channel.isDraining) && response.req.httpVersionMajor === 1;
  const base = channel.isSecure ? baseHeaders.secure : baseHeaders.plain;
  try {
    const headers = allHeaders(base, answer);
    headers["x-trace-id"] = request.traceId;
    if (cors !== undefined) addCors(headers, cors);
    if (mustClose) headers.connection = "close";
    send(request.method, response, answer, headers);
    return answer.status;
  } catch (cause) {
    request.logger.error("answer could not be written", { path: request.path }, cause);
    if (!response.headersSent) {
      writeHead(response, 500, { ...base, "x-trace-id": request.traceId, "content-length": "0" });
    }
    response.end();
    return 500;
  }
}

function allHeaders(base: BaseHeaders, { headers: own }: HttpAnswer): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = { ...base };
  for (const name of Object.keys(own)) {
    const value = own[name];
    if (value === "") delete headers[name.toLowerCase()];
    else if (value !== undefined) headers[name.toLowerCase()] = typeof value === "string" ? value : [...value];
  }
  return headers;
}

function addCors(headers: OutgoingHttpHeaders, cors: CorsDecision): void {
  const vary = headers.vary;
  headers.vary = typeof vary === "string" ? `${vary}, Origin` : "Origin";
  if (cors.kind === "handle" && cors.allowOrigin !== undefined) {
    headers["access-control-allow-origin"] = cors.allowOrigin;
  }
}

/** RFC 9110 §8.6: no length with 204, none needed with 304; HEAD has the length of the body it leaves out. */
function send(method: string, response: RawResponse, { status, body }: HttpAnswer, headers: OutgoingHttpHeaders): void {
  if (status === 204 || status === 304) {
    writeHead(response, status, headers);
    response.end();
    return;
  }
  headers["content-length"] = lengthOf(body);
  writeHead(response, status, headers);
  if (method === "HEAD") response.end();
  else response.end(body);
}

/** The two libraries' overloads do not unite. */
function writeHead(response: RawResponse, status: number, headers: OutgoingHttpHeaders): void {
  if ("stream" in response) response.writeHead(status, headers);
  else response.writeHead(status, headers);
}
