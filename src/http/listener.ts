import type { Server } from "node:http";
import { METHODS } from "node:http";
import type { Http2SecureServer } from "node:http2";
import { createServer, type ListenOptions, type Server as NetServer, type Socket } from "node:net";
import { fastify } from "fastify";
import type { Clock } from "../kernel/ports.ts";
import { OAuthError } from "../oauth/error.ts";
import type { CertificatePair } from "./certificate.ts";
import type { Limits } from "./limits.ts";
import type { RawRequest, RawResponse } from "./request.ts";

/** What a listener calls with each request, once its body is there or is known to be unreadable. */
export type Serve = (raw: RawRequest, response: RawResponse, body: unknown, refused?: OAuthError) => void;

/**
 * Who else listens on the address: nobody; other threads of this process, of which this is the first; or this is one
 * of those. The system spreads connections over all of them (`SO_REUSEPORT`).
 */
export type Sharing = "alone" | "first" | "beside";

export interface TlsSettings {
  readonly pair: CertificatePair;
  readonly minVersion: "1.2" | "1.3";
  readonly maxVersion?: "1.2" | "1.3";
}

export interface Listener {
  /** "127.0.0.1:5556", with the real port. */
  readonly address: string;
  /** New handshakes use it; open connections keep what they have. Nothing on a plain listener. */
  setCertificate(pair: CertificatePair): void;
  /** Accepts nothing more, closes idle connections, waits for the others, then cuts them off. */
  close(drain: Limits["drain"], clock: Clock): Promise<void>;
}

/**
 * Dex's TLS 1.2 suites without the two that use the certificate's key itself: those have no forward secrecy
 * (RFC 9325 §4.1) and HTTP/2 forbids them (RFC 9113 §9.2.2).
 */
export const ciphers = [
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
].join(":");

const secureContext = ({ pair, minVersion, maxVersion }: TlsSettings) => ({
  cert: pair.cert,
  key: pair.key,
  ciphers,
  minVersion: `TLSv${minVersion}` as const,
  ...(maxVersion === undefined ? {} : { maxVersion: `TLSv${maxVersion}` as const }),
});

/** Opens one address, "host:port"; without a host all interfaces. Rejects if it is taken. */
export async function listen(
  address: string,
  tls: TlsSettings | undefined,
  limits: Limits,
  sharing: Sharing,
  serve: Serve,
): Promise<Listener> {
  const at = { ...splitAddress(address), sharing };
  const common = {
    logger: false,
    bodyLimit: limits.body,
    requestTimeout: limits.requestTimeout,
    keepAliveTimeout: limits.idle,
    // Requests that arrive during the drain are served, and told to come back on another connection.
    return503OnClosing: false,
    // The library would split every query; ours is split when somebody asks.
    routerOptions: { querystringParser: () => ({}) },
    clientErrorHandler: refuseGarbage,
    // No route has a schema; the compilers for them would be loaded at every start.
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    // An escape in the path that is none: the library gives up, we know a path nobody has.
    frameworkErrors: (_error: unknown, request: AppRequest, reply: AppReply) => {
      reply.hijack();
      serve(request.raw, reply.raw, undefined);
    },
  } as const;
  const node = {
    maxHeaderSize: limits.head,
    headersTimeout: limits.headTimeout,
    connectionsCheckingInterval: limits.sweep,
    // A second Authorization must not vanish: a proxy may have checked that one.
    joinDuplicateHeaders: true,
  };
  if (tls === undefined) {
    const app = fastify({ ...common, http: node });
    install(app, serve);
    return open(app, at, () => undefined);
  }
  const https = {
    ...node,
    ...secureContext(tls),
    allowHTTP1: true,
    settings: { maxConcurrentStreams: limits.streams, maxHeaderListSize: limits.streamHead },
  };
  const app = fastify({ ...common, http2: true, http2SessionTimeout: limits.idle, https });
  install(app, serve);
  return open(app, at, (pair) => app.server.setSecureContext(secureContext({ ...tls, pair })));
}

/** The part of the library that is used, common to its HTTP/1.1 and HTTP/2 servers. */
interface App {
  readonly server: Server | Http2SecureServer;
  readonly supportedMethods: readonly string[];
  addHttpMethod(method: string, options: { hasBody: boolean }): unknown;
  removeAllContentTypeParsers(): unknown;
  addContentTypeParser(
    type: string,
    options: { parseAs: "buffer" },
    parser: (request: unknown, body: Buffer, done: (error: null, body: Buffer) => void) => void,
  ): unknown;
  all(path: string, handler: AppHandler): unknown;
  setNotFoundHandler(handler: AppHandler): unknown;
  setErrorHandler(handler: (error: AppError, request: AppRequest, reply: AppReply) => void): unknown;
  ready(): PromiseLike<unknown>;
  close(): PromiseLike<unknown>;
}
type AppHandler = (request: AppRequest, reply: AppReply) => void;
interface AppRequest {
  readonly raw: RawRequest;
  readonly body: unknown;
}
interface AppReply {
  readonly raw: RawResponse;
  hijack(): unknown;
}
interface AppError {
  readonly statusCode?: number;
}

/**
 * The library reads bodies within their limit and speaks both versions of HTTP. Finding routes and writing
 * answers stays with us: its router decodes a path before it matches, and its writer adds a charset to JSON.
 */
function install(app: App, serve: Serve): void {
  // Endpoints refuse methods themselves, each on its own surface. CONNECT never arrives as a request.
  for (const method of METHODS) {
    if (!app.supportedMethods.includes(method)) app.addHttpMethod(method, { hasBody: true });
  }
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  const answer: AppHandler = (request, reply) => {
    reply.hijack();
    serve(request.raw, reply.raw, request.body);
  };
  app.all("*", answer);
  app.setNotFoundHandler(answer);
  app.setErrorHandler((error, request, reply) => {
    reply.hijack();
    serve(request.raw, reply.raw, undefined, unreadable(error));
  });
}

function noSchemas(): never {
  throw new Error("a route of the library has a schema");
}

/** "127.0.0.1:5556", "[::1]:5556" or ":5556". */
export function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(address) ?? [];
  if (port === undefined || Number(port) > 65_535) throw new TypeError(`${address} is not host:port`);
  // Go binds localhost to IPv4; Node may choose IPv6, where an old health check does not look.
  const host = plain === "localhost" ? "127.0.0.1" : plain;
  return { host: bracketed ?? (host || "::"), port: Number(port) };
}

/** Why a body could not be read: too long, shorter than announced, of a type that is no type. */
function unreadable(error: AppError): OAuthError {
  const status = error.statusCode ?? 500;
  if (status >= 500) return new OAuthError("server_error", "", { cause: error });
  const description = status === 413 ? "request body is too large" : "request body could not be read";
  return new OAuthError("invalid_request", description, { status, cause: error });
}

/** Answers what is no HTTP, or came too slowly, before there is a request. */
function refuseGarbage(error: NodeJS.ErrnoException, socket: Socket): void {
  const status = garbageStatus[error.code ?? ""] ?? "400 Bad Request";
  if (socket.writable && error.code !== "ECONNRESET") {
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nCache-Control: no-store\r\nContent-Length: 0\r\n\r\n`);
  }
  // end() alone would wait for a peer that may never close its side.
  socket.destroySoon();
}

const garbageStatus: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
};

interface Place {
  readonly host: string;
  readonly port: number;
  readonly sharing: Sharing;
}

async function open(app: App, at: Place, setCertificate: Listener["setCertificate"]): Promise<Listener> {
  const { server } = app;
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await app.ready();
  await bind(server, at);
  return {
    address: addressOf(server),
    setCertificate,
    async close(drain, clock) {
      const done = new AbortController();
      // Whoever still holds a request by then holds the whole shutdown: cut.
      const cut = clock.sleep(drain, done.signal).then(
        () => {
          for (const socket of sockets) socket.destroy();
        },
        () => undefined,
      );
      await app.close();
      done.abort();
      await cut;
    },
  };
}

/** Without a host: all interfaces, IPv4 alone where the machine has no IPv6. */
async function bind(server: Server | Http2SecureServer, at: Place): Promise<void> {
  try {
    await listenOn(server, at);
  } catch (error) {
    const hasNoIpv6 =
      error instanceof Error && "code" in error && /^(EAFNOSUPPORT|EADDRNOTAVAIL)$/.test(`${error.code}`);
    if (at.host !== "::" || !hasNoIpv6) throw error;
    await listenOn(server, { ...at, host: "0.0.0.0" });
  }
}

async function listenOn(server: Server | Http2SecureServer, { host, port, sharing }: Place): Promise<void> {
  // Sharing would let a second server of the same user join unnoticed: the address must be free first.
  if (sharing === "first" && port !== 0) await checkFree(host, port);
  await listening(server, { host, port, reusePort: sharing !== "alone" });
}

async function checkFree(host: string, port: number): Promise<void> {
  const probe = createServer();
  await listening(probe, { host, port });
  await new Promise((resolve) => probe.close(resolve));
}

const listening = (server: NetServer, options: ListenOptions): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(options, () => {
      server.off("error", reject);
      resolve();
    });
  });

function addressOf(server: Server | Http2SecureServer): string {
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new TypeError("listener is not bound to a port");
  return bound.family === "IPv6" ? `[${bound.address}]:${bound.port}` : `${bound.address}:${bound.port}`;
}
