import { createServer as createPlainServer, type Server } from "node:http";
import type { Http2SecureServer } from "node:http2";
import { createServer, type ListenOptions, type Server as NetServer, type Socket } from "node:net";
import type { Clock } from "../kernel/ports.ts";
import type { OAuthError } from "../oauth/error.ts";
import type { CertificatePair } from "./certificate.ts";
import type { Limits } from "./limits.ts";
import { readBody } from "./read-body.ts";
import type { RawRequest, RawResponse } from "./request.ts";

/** What a listener calls with each request, once its body is there or is known to be unreadable. */
export type Serve = (raw: RawRequest, response: RawResponse, body: Buffer, refused?: OAuthError) => void;

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
  const answer = (raw: RawRequest, response: RawResponse): void =>
    readBody(raw, limits.body, (body, refused) => serve(raw, response, body, refused));
  const options = {
    maxHeaderSize: limits.head,
    headersTimeout: limits.headTimeout,
    requestTimeout: limits.requestTimeout,
    keepAliveTimeout: limits.idle,
    connectionsCheckingInterval: limits.sweep,
    // A second Authorization must not vanish: a proxy may have checked that one.
    joinDuplicateHeaders: true,
  };
  if (tls === undefined) return open(createPlainServer(options, answer), at, () => undefined);
  // Loaded by those who serve it: it is large.
  const { createSecureServer } = await import("node:http2");
  const server = createSecureServer(
    {
      ...options,
      ...secureContext(tls),
      allowHTTP1: true,
      settings: { maxConcurrentStreams: limits.streams, maxHeaderListSize: limits.streamHead },
    },
    answer,
  );
  server.on("session", (session) => session.setTimeout(limits.idle, () => session.close()));
  return open(server, at, (pair) => server.setSecureContext(secureContext({ ...tls, pair })));
}

/** "127.0.0.1:5556", "[::1]:5556" or ":5556". */
function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(address) ?? [];
  if (port === undefined || Number(port) > 65_535) throw new TypeError(`${address} is not host:port`);
  // Go binds localhost to IPv4; Node may choose IPv6, where an old health check does not look.
  const host = plain === "localhost" ? "127.0.0.1" : plain;
  return { host: bracketed ?? (host || "::"), port: Number(port) };
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

async function open(
  server: Server | Http2SecureServer,
  at: Place,
  setCertificate: Listener["setCertificate"],
): Promise<Listener> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("clientError", refuseGarbage);
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
      await new Promise((resolve) => server.close(resolve));
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
