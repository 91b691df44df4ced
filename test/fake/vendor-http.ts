/**
 * A vendor's HTTP API on loopback, without the vendor: it remembers what was asked, counts how much was asked at once,
 * and goes wrong on cue. A vendor's file adds paths and people.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { bodyOf, loopbackServer } from "./loopback-server.ts";
import { type Heard, newSpoils, type Spoils } from "./spoiled.ts";

/** One call, with its body as it came. */
export interface Call extends Heard {
  readonly body: string;
}

export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text as it is; anything else as JSON. Absent: nothing. */
  readonly body?: unknown;
}

export interface FakeHttp extends Spoils {
  readonly url: string;
  readonly calls: readonly Call[];
  /** `METHOD path` of every call. */
  asked(): readonly string[];
  /** The most calls that were under way at the same time. */
  mostAtOnce(): number;
  /** Milliseconds that every answer takes. */
  pause: number;
  close(): Promise<void>;
}

export async function startFakeHttp(
  answer: (call: Call) => Reply | Promise<Reply>,
  tls?: { readonly cert: string; readonly key: string },
): Promise<FakeHttp> {
  const calls: Call[] = [];
  let underWay = 0;
  let most = 0;

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "", server.url);
    const body = await bodyOf(request);
    const { method = "", headers } = request;
    const call = {
      method,
      path: url.pathname,
      query: url.searchParams,
      headers,
      body,
      form: new URLSearchParams(body),
    };
    calls.push(call);
    if (fake.pause > 0) await new Promise((resolve) => setTimeout(resolve, fake.pause));
    if (await fake.apply(url.pathname, response)) return;
    const reply = await answer(call);
    const isText = typeof reply.body === "string";
    response.writeHead(reply.status ?? 200, {
      "content-type": isText ? "text/plain;charset=UTF-8" : "application/json",
      ...reply.headers,
    });
    response.end(isText || reply.body === undefined ? reply.body : JSON.stringify(reply.body));
  }

  const server = await loopbackServer((request, response) => {
    most = Math.max(most, ++underWay);
    response.once("close", () => underWay--);
    serve(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  }, tls);
  const fake: FakeHttp = {
    ...newSpoils(),
    url: server.url,
    calls,
    asked: () => calls.map(({ method, path }) => `${method} ${path}`),
    mostAtOnce: () => most,
    pause: 0,
    close: () => server.close(),
  };
  return fake;
}

/** A member of a JSON body, by path; undefined when it is not there. */
export function memberOf(body: string, ...path: readonly string[]): unknown {
  let at: unknown = JSON.parse(body);
  for (const name of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, name)) return undefined;
    at = Reflect.get(at, name);
  }
  return at;
}
