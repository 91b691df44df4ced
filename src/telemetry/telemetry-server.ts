/**
 * Telemetry owns what operators' machines read: metrics, health and profiles, on a plain listener of its own, and
 * what metrics are made of. It knows nothing of the protocol: it is told what happens through `kernel/ports.ts`.
 * Nobody is asked who they are here, hence nothing that is served holds a secret or a person's data.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { HealthReport } from "../kernel/health.ts";
import { healthAnswer } from "./health-answer.ts";
import { type Answer, plain, profileAnswer } from "./profiles.ts";

export interface TelemetryOptions {
  /** "host:port". */
  readonly address: string;
  readonly enableProfiling: boolean;
  /** In Prometheus' text format. */
  metrics(): Promise<{ readonly type: string; readonly text: string }>;
  /** By the name of the check. Must not reject. */
  health(): Promise<Readonly<Record<string, HealthReport>>>;
}

export interface TelemetryServer {
  /** "127.0.0.1:5558", with the real port. */
  readonly address: string;
  close(): Promise<void>;
}

/** Nobody needs more, and each could hold a socket for ever. */
const limits = { maxHeaderSize: 16 * 1024, headersTimeout: 5_000, requestTimeout: 10_000, keepAliveTimeout: 30_000 };
const mostConnections = 128;

const zip = promisify(gzip);

/** @throws {Error} The address is taken. */
export async function startTelemetry(options: TelemetryOptions): Promise<TelemetryServer> {
  const server = createServer(limits, (request, response) => {
    respond(request, response, options).catch(() => response.destroy());
  });
  server.maxConnections = mostConnections;
  const { host, port } = splitAddress(options.address);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, ...(host === "" ? {} : { host }) }, resolve);
  });
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("the telemetry listener has no address");
  return {
    address: bound.family === "IPv6" ? `[${bound.address}]:${bound.port}` : `${bound.address}:${bound.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(address.slice(colon + 1)) };
}

async function respond(request: IncomingMessage, response: ServerResponse, options: TelemetryOptions): Promise<void> {
  const { status, type, body } = await answerOf(request, options);
  const isZipped = body.length > 1024 && /\bgzip\b/.test(String(request.headers["accept-encoding"] ?? ""));
  const sent = isZipped ? await zip(body) : Buffer.from(body);
  response.writeHead(status, {
    "content-type": type,
    "content-length": sent.length,
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    ...(isZipped ? { "content-encoding": "gzip" } : {}),
  });
  response.end(request.method === "HEAD" ? undefined : sent);
}

async function answerOf(request: IncomingMessage, options: TelemetryOptions): Promise<Answer> {
  const url = URL.parse(request.url ?? "/", "http://telemetry");
  switch (url?.pathname) {
    case "/metrics": {
      const { type, text } = await options.metrics();
      return { status: 200, type, body: text };
    }
    case "/healthz":
    case "/healthz/ready": {
      const { status, body } = healthAnswer(await options.health(), url.searchParams.get("type") === "short");
      return { status, type: "application/json", body };
    }
    case "/healthz/live":
      return plain(200, "ok");
    default: {
      const profile = options.enableProfiling && url !== null ? await profileAnswer(url) : undefined;
      return profile ?? plain(404, "404 page not found\n");
    }
  }
}
