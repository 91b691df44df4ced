import { EventEmitter } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { Agent, type Dispatcher, ProxyAgent, request } from "undici";
import { UnavailableError } from "../../kernel/errors.ts";
import { goJson } from "../../kernel/go-json.ts";
import type { Random } from "../../kernel/ports.ts";
import { systemClock } from "../../kernel/system.ts";
import { isObject, type JsonObject, textMember } from "../shared/dex-json.ts";
import type { Cluster, Credentials, Tls } from "./credentials.ts";

/** Milliseconds one call may take, attempts and all. */
const patience = 10_000;
/** Milliseconds after which tokens and certificates are read anew. compat(dex): storage/kubernetes/transport.go. */
const credentialsAge = 30_000;
/** Milliseconds at most that a server which wants to be asked later is given. */
const longestPause = 2_000;

export type Verb = "GET" | "POST" | "PUT" | "DELETE";

export interface Answer {
  readonly status: number;
  /** Undefined: the body is no JSON object. */
  readonly body: JsonObject | undefined;
}

interface Call {
  readonly verb: Verb;
  readonly path: string;
  readonly body?: JsonObject;
  readonly signal?: AbortSignal;
}

/** The API server over HTTPS. Says what it answered; what that means is for the caller, unless it is that it cannot. */
export class KubernetesApi {
  readonly #cluster: Cluster;
  readonly #random: Random;
  #credentials: Promise<Credentials> | undefined;
  #readAt = 0;
  #tls: Tls = {};
  #dispatcher: Dispatcher | undefined;

  constructor(cluster: Cluster, random: Random) {
    this.#cluster = cluster;
    this.#random = random;
  }

  get namespace(): string {
    return this.#cluster.namespace;
  }

  /** @throws {UnavailableError} It cannot be reached, refuses us, is too busy, or failed; a write may then have been done. */
  async call(call: Call): Promise<Answer> {
    const end = systemClock.now() + patience;
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#attempt(call, end);
      if (answer.status === 401 && attempt === 1) {
        this.#readAt = 0;
        continue;
      }
      // Refused before anything was done. API Priority and Fairness.
      if (answer.status === 429 && attempt < 6 && systemClock.now() < end) {
        await wait(this.#pause(answer.retryAfter, attempt));
        continue;
      }
      if (isUnavailable(answer.status)) throw new UnavailableError("storage", told(call, answer));
      return answer;
    }
  }

  async close(): Promise<void> {
    await this.#dispatcher?.destroy();
  }

  async #attempt(call: Call, end: number): Promise<Answer & { readonly retryAfter: string }> {
    const { verb, path, body, signal } = call;
    // An emitter and a timer: signals that are made for each call, and joined, cost a fifth of it.
    const giving = new EventEmitter();
    const giveUp = (): void => void giving.emit("abort");
    const timer = setTimeout(giveUp, Math.max(1, end - systemClock.now()));
    signal?.addEventListener("abort", giveUp, { once: true });
    try {
      const { headers } = await this.#prepared();
      signal?.throwIfAborted();
      const answer = await request(this.#cluster.server + path, {
        method: verb,
        headers: { accept: "application/json", "content-type": "application/json", "user-agent": "dex", ...headers },
        ...(body === undefined ? {} : { body: goJson(body) }),
        ...(this.#dispatcher === undefined ? {} : { dispatcher: this.#dispatcher }),
        signal: giving,
      });
      const text = await answer.body.text();
      const retryAfter = answer.headers["retry-after"];
      return {
        status: answer.statusCode,
        body: parseObject(text),
        retryAfter: typeof retryAfter === "string" ? retryAfter : "",
      };
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      const reason = error instanceof Error ? error.message : String(error);
      throw new UnavailableError("storage", `the Kubernetes API does not answer: ${reason}`, { cause: error });
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", giveUp);
    }
  }

  /** The credentials of the moment, and connections made with them. */
  async #prepared(): Promise<Credentials> {
    if (this.#credentials === undefined || systemClock.now() - this.#readAt > credentialsAge) {
      this.#readAt = systemClock.now();
      this.#credentials = this.#cluster.credentials();
      // What cannot be read is tried again with the next call.
      this.#credentials.catch(() => {
        this.#credentials = undefined;
      });
    }
    const credentials = await this.#credentials;
    if (this.#dispatcher === undefined || !isSameTls(this.#tls, credentials.tls)) {
      void this.#dispatcher?.close();
      this.#dispatcher = openDispatcher(credentials.tls, this.#cluster.proxy);
      this.#tls = credentials.tls;
    }
    return credentials;
  }

  #pause(retryAfter: string, attempt: number): number {
    const asked = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : 0;
    const chance = (this.#random.bytes(1)[0] ?? 0) / 256;
    return Math.min(longestPause, Math.max(asked, 50 * attempt)) * (0.5 + chance / 2);
  }
}

function openDispatcher(tls: Tls, proxy: string | undefined): Dispatcher {
  // HTTP/1.1: a call costs a fifth less here than a stream of HTTP/2, and a connection that died without a word fails the
  // one call that is on it, not all.
  const allowH2 = false;
  if (proxy !== undefined) return new ProxyAgent({ uri: proxy, requestTls: { ...tls }, allowH2 });
  return new Agent({ connect: { ...tls, timeout: 5_000 }, connections: 64, allowH2 });
}

const isSameTls = (one: Tls, other: Tls): boolean =>
  (["ca", "cert", "key", "servername", "rejectUnauthorized"] as const).every(
    (name) => String(one[name] ?? "") === String(other[name] ?? ""),
  );

const isUnavailable = (status: number): boolean => status === 401 || status === 403 || status === 429 || status >= 500;

/** The server's own words name resources and users, never what is in an object. */
function told({ verb, path }: Call, { status, body }: Answer): string {
  const [resource] = path.replace(/^.*\/(namespaces\/[^/]+|dex\.coreos\.com\/v1)\//, "").split(/[/?]/);
  const message = body === undefined ? "" : textMember(body, "message");
  const words = status === 403 || status === 401 ? message : "";
  return `the Kubernetes API answers ${status} to ${verb} ${resource}${words === "" ? "" : `: ${words}`}`;
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    // The server says "404 page not found" in plain text where it does not know a resource.
    return undefined;
  }
}
