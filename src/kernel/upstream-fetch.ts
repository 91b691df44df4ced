/**
 * How we speak HTTP to others. A call always ends: it has one deadline for everything, its body is bounded, and where
 * it goes is bounded too. What comes back has been read whole. Nothing here logs or quotes a query, a header or a
 * body: they hold codes and tokens.
 */
import { lookup as systemLookup } from "node:dns";
import { isIP } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { createSecureContext, type SecureContext } from "node:tls";
import type { Dispatcher, fetch as UndiciFetch } from "undici";
import { trustedAuthorities } from "./authorities.ts";
import { BadAnswerError, UnavailableError } from "./errors.ts";
import { judgedLookup, notToBeCalled } from "./judged-lookup.ts";
import { type ProxyFor, proxyFrom } from "./proxy.ts";
import type { Secret } from "./secret.ts";

/** How one upstream is reached over HTTP. */
export interface UpstreamOptions {
  /** PEM texts that replace the system's authorities. */
  readonly rootCAs?: readonly string[];
  /** Adds to the system's authorities instead of replacing them. */
  readonly keepsSystemCAs?: boolean;
  readonly insecureSkipVerify?: boolean;
  /** The name that the certificate must carry, and that is asked for, if not the address's. */
  readonly serverName?: string;
  readonly clientCertificate?: { readonly cert: string; readonly key: Secret };
  /** Milliseconds for one call: redirects, retries and the answer included. Default 15 seconds. */
  readonly deadline?: number;
  /** Bytes of an answer's body at the most, unpacked. Default 4 MiB. */
  readonly maxBody?: number;
  /**
   * Whether a machine with this address may be called; absent: any. Asked of every address that is about to be connected
   * to, after the name was resolved for that connection: a name that has another address a moment later reaches nothing
   * else. Behind a proxy, which resolves names itself, only addresses that stand in the URL are judged.
   */
  readonly mayReach?: (address: string) => boolean;
}

/** Whose calls they are. */
export interface Caller {
  /** In an operator's words, "connector ldap"; names the {@link UnavailableError}. */
  readonly dependency: string;
  /** Ends every connection. A call that is under way fails. */
  readonly closing: AbortSignal;
}

/** Opens a `fetch` with connections of its own. */
export type OpenUpstreamFetch = (options: UpstreamOptions, caller: Caller) => typeof fetch;

/** A redirect chain longer than this leads nowhere. */
const maxHops = 5;
const maxRetries = 2;
const keptConnections = 64;

/**
 * The upstreams of one process: they share its proxies, what the machine trusts and how it resolves names.
 * @throws {Error} A proxy is no URL.
 */
export function createUpstreams(
  env: Readonly<Record<string, string | undefined>>,
  lookup: typeof systemLookup = systemLookup,
): OpenUpstreamFetch {
  const proxyOf = proxyFrom(env);
  let trusted: readonly string[] | undefined;
  let plain: SecureContext | undefined;

  function contextFor({ rootCAs, keepsSystemCAs = false, clientCertificate }: UpstreamOptions): SecureContext {
    const isPlain = rootCAs === undefined && clientCertificate === undefined;
    if (isPlain && plain !== undefined) return plain;
    if (rootCAs === undefined || keepsSystemCAs) trusted ??= trustedAuthorities(env);
    const ca = rootCAs === undefined ? trusted : [...rootCAs, ...(keepsSystemCAs ? (trusted ?? []) : [])];
    const context = createSecureContext({
      ca: [...(ca ?? [])],
      ...(clientCertificate === undefined ? {} : { cert: clientCertificate.cert, key: clientCertificate.key.reveal() }),
    });
    if (isPlain) plain = context;
    return context;
  }

  return (options, caller) => {
    let ways: Promise<Ways> | undefined;
    return async (input, init) => {
      const request = new Request(input, init);
      ways ??= openWays(options, { contextFor, proxyOf, lookup }, caller.closing);
      return call(request, await ways, options, caller);
    };
  };
}

/** What all upstreams share. */
interface Surroundings {
  readonly contextFor: (options: UpstreamOptions) => SecureContext;
  readonly proxyOf: ProxyFor;
  readonly lookup: typeof systemLookup;
}

/** The pools of connections to one upstream: direct, and one for each proxy. */
interface Ways {
  readonly fetch: typeof UndiciFetch;
  /** @throws {Error} The address in it may not be called. */
  to(url: URL): Dispatcher;
}

async function openWays(
  options: UpstreamOptions,
  { contextFor, proxyOf, lookup }: Surroundings,
  closing: AbortSignal,
): Promise<Ways> {
  const { Agent, ProxyAgent, fetch } = await import("undici");
  const { mayReach } = options;
  const common = { connections: keptConnections, allowH2: false };
  const resolve = mayReach === undefined ? {} : { lookup: judgedLookup(lookup, mayReach) };
  const open = new Map<string, Dispatcher>();
  const close = (): void => {
    for (const dispatcher of open.values()) dispatcher.destroy().catch(() => undefined);
  };
  closing.addEventListener("abort", close, { once: true });

  function make(proxy: URL | undefined, isSecure: boolean): Dispatcher {
    // Only where it is needed: reading the system's authorities takes its time.
    const context = isSecure ? { secureContext: contextFor(options) } : {};
    const requestTls = {
      ...context,
      rejectUnauthorized: options.insecureSkipVerify !== true,
      ...(options.serverName === undefined ? {} : { servername: options.serverName }),
    };
    if (proxy === undefined) return new Agent({ ...common, connect: { ...requestTls, ...resolve } });
    const proxyTls = proxy.protocol === "https:" ? { secureContext: contextFor({}) } : {};
    // Plain HTTP is forwarded, as Go does it: many a proxy opens tunnels to port 443 alone.
    return new ProxyAgent({ ...common, uri: proxy.href, proxyTunnel: false, requestTls, proxyTls });
  }

  return {
    fetch,
    to(url) {
      closing.throwIfAborted();
      if (!/^https?:$/.test(url.protocol)) throw new Error("not an address of the web");
      const host = url.hostname.replace(/^\[|\]$/g, "");
      // No connection resolves these.
      if (isIP(host) !== 0 && mayReach?.(host) === false) throw new Error(notToBeCalled);
      const proxy = proxyOf(url);
      const key = `${url.protocol} ${proxy?.href ?? ""}`;
      const known = open.get(key) ?? make(proxy, url.protocol === "https:");
      open.set(key, known);
      return known;
    },
  };
}

/** A request with everything read, so that it can be sent again. */
interface Outgoing {
  readonly url: URL;
  readonly method: string;
  readonly headers: Headers;
  readonly body: Uint8Array | undefined;
  readonly redirect: Request["redirect"];
}

async function call(request: Request, ways: Ways, options: UpstreamOptions, caller: Caller): Promise<Response> {
  const { deadline = 15_000, maxBody = 4 * 1024 * 1024 } = options;
  const late = AbortSignal.timeout(deadline);
  const signal = AbortSignal.any([request.signal, late]);
  const url = new URL(request.url);
  try {
    const body = request.body === null ? undefined : new Uint8Array(await request.arrayBuffer());
    const { method, redirect, headers } = request;
    if (!headers.has("user-agent")) headers.set("user-agent", "dex");
    const outgoing = { url, method, headers, body, redirect };
    return await patiently(outgoing, ways, { signal, maxBody, endsAt: performance.now() + deadline });
  } catch (error) {
    if (request.signal.aborted) throw request.signal.reason;
    const where = `${request.method} ${url.origin}${url.pathname}`;
    if (error instanceof BadAnswerError) throw new BadAnswerError(`${where}: ${error.message}`, { cause: error.cause });
    const why = late.aborted ? `no answer within ${deadline / 1000} s` : reasonOf(error);
    throw new UnavailableError(caller.dependency, `${where}: ${why}`, { cause: error });
  }
}

interface Bounds {
  readonly signal: AbortSignal;
  readonly maxBody: number;
  /** By `performance.now()`. */
  readonly endsAt: number;
}

/** Asks again, where asking twice does no harm, when the upstream says that it is busy. RFC 6585 §4, RFC 9110 §10.2.3. */
async function patiently(outgoing: Outgoing, ways: Ways, bounds: Bounds): Promise<Response> {
  for (let retries = 0; ; retries++) {
    const response = await follow(outgoing, ways, bounds);
    const isBusy = response.status === 429 || response.status === 503;
    if (!isBusy || !isSafe(outgoing.method) || retries === maxRetries) return response;
    const pause = retryAfter(response.headers.get("retry-after")) ?? 250 * 2 ** retries;
    if (performance.now() + pause >= bounds.endsAt) return response;
    await wait(pause, undefined, { signal: bounds.signal });
  }
}

const isSafe = (method: string): boolean => method === "GET" || method === "HEAD";

/** In milliseconds; undefined when there is none that can be read. */
function retryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}

/** Goes along redirects of safe requests, never from TLS to clear text, and never to another origin with a credential. */
async function follow(outgoing: Outgoing, ways: Ways, bounds: Bounds): Promise<Response> {
  let { url } = outgoing;
  for (let hops = 0; ; hops++) {
    const { method, headers, body } = outgoing;
    const response = await ways.fetch(url.href, {
      method,
      headers: [...headers],
      ...(body === undefined ? {} : { body }),
      redirect: "manual",
      signal: bounds.signal,
      dispatcher: ways.to(url),
    });
    const location = [301, 302, 303, 307, 308].includes(response.status) ? response.headers.get("location") : null;
    if (location === null || outgoing.redirect === "manual") return readWhole(response, method, bounds.maxBody);
    await response.body?.cancel();
    if (outgoing.redirect === "error" || !isSafe(method)) throw new BadAnswerError("redirected, which is not allowed");
    if (hops === maxHops) throw new BadAnswerError("redirects without end");
    const next = redirectTarget(location, url);
    // Neither with it, since it is not for them, nor without it: what they say of a person is worth nothing.
    if (next.origin !== url.origin && outgoing.headers.has("authorization")) {
      throw new BadAnswerError("redirected to another host with a credential");
    }
    url = next;
  }
}

function redirectTarget(location: string, from: URL): URL {
  const next = URL.parse(location, from.href);
  const isAllowed =
    next !== null && (next.protocol === "https:" || (next.protocol === "http:" && from.protocol === "http:"));
  if (!isAllowed) throw new BadAnswerError("redirected to an address that is not as safe");
  return next;
}

type UndiciResponse = Awaited<ReturnType<typeof UndiciFetch>>;

async function readWhole(response: UndiciResponse, method: string, maxBody: number): Promise<Response> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    // Counted unpacked, chunk by chunk: a small compressed body may hold a very large one. Leaving the loop ends the connection.
    if (size > maxBody) throw new BadAnswerError(`answered with more than ${maxBody} bytes`);
    chunks.push(chunk);
  }
  const { status, statusText } = response;
  const headers = new Headers([...response.headers]);
  // They described the body as it travelled.
  for (const name of ["content-encoding", "content-length", "transfer-encoding"]) headers.delete(name);
  const isBodiless = method === "HEAD" || [101, 103, 204, 205, 304].includes(status);
  return new Response(isBodiless ? null : Buffer.concat(chunks), { status, statusText, headers });
}

/** The innermost reason: `fetch failed` tells nobody anything. */
function reasonOf(error: unknown): string {
  let innermost = error;
  for (let depth = 0; innermost instanceof Error && innermost.cause instanceof Error && depth < 5; depth++) {
    innermost = innermost.cause;
  }
  if (innermost instanceof AggregateError && innermost.errors[0] instanceof Error) innermost = innermost.errors[0];
  if (!(innermost instanceof Error)) return String(innermost);
  const code = "code" in innermost && typeof innermost.code === "string" ? innermost.code : "";
  return code === "" || innermost.message.includes(code) ? innermost.message : `${innermost.message} (${code})`;
}
