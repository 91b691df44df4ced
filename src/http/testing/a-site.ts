/** A site on loopback, and a client that sees every byte: what `fetch` hides is what these tests are about. */
import { connect, type Socket } from "node:net";
import type { TestContext } from "node:test";
import type { Clock, Fields, Logger, Random } from "../../kernel/ports.ts";
import type { Route } from "../contract.ts";
import { type HttpOptions, type HttpServer, startHttp } from "../http-server.ts";

/** A clock that stands until it is wound. */
export interface HandClock extends Clock {
  wind(span: number): void;
  /** How many are asleep. */
  readonly sleepers: () => number;
}

export function handClock(start = Date.UTC(2026, 7, 1, 12)): HandClock {
  let now = start;
  const asleep = new Set<{ readonly until: number; readonly wake: () => void }>();
  return {
    now: () => now,
    sleepers: () => asleep.size,
    sleep: (span, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const sleeper = { until: now + span, wake: resolve };
        asleep.add(sleeper);
        signal.addEventListener("abort", () => {
          asleep.delete(sleeper);
          reject(signal.reason);
        });
      }),
    wind(span) {
      now += span;
      for (const sleeper of asleep) {
        if (sleeper.until > now) continue;
        asleep.delete(sleeper);
        sleeper.wake();
      }
    },
  };
}

/** Bytes that count up, so that no two draws are equal and each is known. */
function countingRandom(): Random {
  let next = 0;
  return { bytes: (count) => Uint8Array.from({ length: count }, () => ++next & 0xff) };
}

export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly event: string;
  readonly fields: Fields;
  readonly cause: unknown;
}

export function listLogger(lines: LogLine[], bound: Fields = {}): Logger {
  const at =
    (level: LogLine["level"]) =>
    (event: string, fields: Fields = {}, cause?: unknown): void =>
      void lines.push({ level, event, fields: { ...bound, ...fields }, cause });
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    with: (fields) => listLogger(lines, { ...bound, ...fields }),
  };
}

export interface TestSite {
  readonly server: HttpServer;
  readonly clock: HandClock;
  readonly lines: LogLine[];
  readonly port: number;
  readonly send: (request: string) => Promise<Reply>;
  /** Goes on with the same settings, all files read anew. */
  readonly reload: () => Promise<void>;
}

/** Starts `routes` on plain HTTP, closed when the test ends. */
export async function aSite(
  t: TestContext,
  routes: readonly Route[],
  options: Partial<HttpOptions> = {},
): Promise<TestSite> {
  const lines: LogLine[] = [];
  const clock = handClock();
  const settings: HttpOptions = {
    routes,
    issuerPath: "/dex",
    listeners: { http: "127.0.0.1:0" },
    headers: {},
    cors: { allowedOrigins: [], allowedHeaders: ["Authorization"] },
    clientRemoteIp: { trustedProxies: [] },
    staticFiles: [],
    clock,
    random: countingRandom(),
    logger: listLogger(lines),
    onError: ({ status, sentence, detail, traceId, path }) =>
      `<p>${[status, sentence, detail, traceId, path].join("|")}`,
    ...options,
  };
  const server = await startHttp(settings);
  t.after(async () => {
    // Whoever is still connected when a test ends is cut off.
    const closed = server.close();
    const winding = setInterval(() => clock.wind(60_000), 5);
    await closed;
    clearInterval(winding);
  });
  const port = portOf(server.addresses.http ?? server.addresses.https);
  const reload = async (): Promise<void> => (await server.prepare(settings)).commit();
  return { server, clock, lines, port, reload, send: (request) => exchange(port, request) };
}

export const portOf = (address: string | undefined): number => Number(address?.split(":").at(-1));

export interface Reply {
  readonly status: number;
  /** Lower-case names; a repeated one is joined by newlines. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Sends `request` as it is, one line per header, and reads until the server closes. */
export async function exchange(port: number, request: string): Promise<Reply> {
  const [head = "", body = ""] = request.split("\n\n");
  const lines = [...head.split("\n"), "Host: issuer.example", "Connection: close"];
  return parseReply(await talk(port, `${lines.join("\r\n")}\r\n\r\n${body}`));
}

/** A form post, ready for {@link exchange}. */
export const post = (path: string, body: string, ...headers: string[]): string =>
  [
    `POST ${path} HTTP/1.1`,
    "Content-Type: application/x-www-form-urlencoded",
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...headers,
  ].join("\n") + `\n\n${body}`;

export const get = (path: string, ...headers: string[]): string => [`GET ${path} HTTP/1.1`, ...headers].join("\n");

/** Everything the server says to `bytes` until it closes. */
export async function talk(port: number, bytes: string): Promise<string> {
  const socket = open(port);
  socket.write(bytes, "latin1");
  return heard(socket);
}

export const open = (port: number): Socket => connect(port, "127.0.0.1");

export async function heard(socket: Socket): Promise<string> {
  let text = "";
  socket.setEncoding("latin1");
  try {
    for await (const chunk of socket) text += chunk;
  } catch (error) {
    // A reset after an answer: the server had unread bytes of ours. Without an answer it is a failure.
    if (text === "") throw error;
  }
  return text;
}

export function parseReply(text: string): Reply {
  const end = text.indexOf("\r\n\r\n");
  const [start = "", ...lines] = text.slice(0, end).split("\r\n");
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const name = line.slice(0, line.indexOf(":")).toLowerCase();
    const value = line.slice(line.indexOf(":") + 1).trim();
    headers[name] = headers[name] === undefined ? value : `${headers[name]}\n${value}`;
  }
  return { status: Number(start.split(" ")[1]), headers, body: text.slice(end + 4) };
}
