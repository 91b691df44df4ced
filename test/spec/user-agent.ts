import { Agent, request as httpRequest, type IncomingHttpHeaders } from "node:http";

/** One HTTP answer, whole. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Of a redirect, made absolute. */
  readonly location: URL | undefined;
  /** The address that was asked. */
  readonly url: URL;
  /** The client's port: two answers with the same one came over one connection. */
  readonly connection: number;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Sent as `application/x-www-form-urlencoded`. */
  readonly form?: Readonly<Record<string, string>> | readonly (readonly [string, string])[];
  /** Sent as it is, with `headers` alone to say what it is. */
  readonly body?: string | Uint8Array;
  /** Over a connection of its own, which ends with the answer. */
  readonly isFresh?: boolean;
}

/** Where a server listens, and how it is called from outside. */
export interface Place {
  readonly issuer: string;
  readonly port: number;
}

/**
 * A browser as far as the protocol knows one: a cookie jar and kept connections. It follows no redirect by itself
 * and reaches nothing but the server under test: the issuer's host leads to its real port.
 */
export class UserAgent {
  #place: Place;
  readonly #agent: Agent;
  readonly #cookies = new Map<string, string>();
  /** Sent with every request. */
  headers: Readonly<Record<string, string>> = {};

  constructor(place: Place, connections = Number.POSITIVE_INFINITY) {
    this.#place = place;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  get cookies(): ReadonlyMap<string, string> {
    return this.#cookies;
  }

  /** The same browser goes on with another server, the one that took over. */
  moveTo(place: Place): void {
    this.#place = place;
  }

  close(): void {
    this.#agent.destroy();
  }

  /** Asks for `target`: an absolute address of ours, or a path below the issuer's. */
  async ask(target: string, { method = "GET", headers = {}, form, body, isFresh = false }: Ask = {}): Promise<Answer> {
    const { issuer, port } = this.#place;
    const url = target.startsWith("http") ? target : `${issuer.replace(/\/$/, "")}${target}`;
    const { origin, host } = new URL(issuer);
    if (!url.startsWith(`${origin}/`)) throw new Error(`${url} is not the server's`);
    const sent = form === undefined ? body : new URLSearchParams(toPairs(form)).toString();
    const path = url.slice(origin.length).replace(/#.*$/, "");
    const jar = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    return new Promise((resolve, reject) => {
      const request = httpRequest({
        host: "127.0.0.1",
        port,
        path,
        method,
        agent: isFresh ? false : this.#agent,
        headers: {
          host,
          ...this.headers,
          ...(jar === "" ? {} : { cookie: jar }),
          ...(form === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" }),
          ...(sent === undefined ? {} : { "content-length": Buffer.byteLength(sent) }),
          ...headers,
        },
      });
      let connection = 0;
      request.once("socket", (socket) => {
        const note = (): void => {
          connection = socket.localPort ?? 0;
        };
        if (socket.connecting) socket.once("connect", note);
        else note();
      });
      request.once("error", reject);
      request.once("response", (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.once("error", reject);
        response.once("end", () => {
          this.#keep(response.headers["set-cookie"] ?? []);
          const { location } = response.headers;
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
            location: location === undefined ? undefined : new URL(location, new URL(path, origin)),
            url: new URL(path, origin),
            connection,
          });
        });
      });
      request.end(sent);
    });
  }

  get(target: string): Promise<Answer> {
    return this.ask(target);
  }

  post(target: string, form: Readonly<Record<string, string>>): Promise<Answer> {
    return this.ask(target, { method: "POST", form });
  }

  /** Goes along redirects while they stay on the server; the last answer is a page or leads to a client. */
  async follow(answer: Answer): Promise<Answer> {
    let last = answer;
    for (let hops = 0; last.location?.href.startsWith(this.#ownPrefix()); hops++) {
      if (hops === 10) throw new Error(`redirects without end, at last to ${last.location.pathname}`);
      last = await this.get(last.location.href);
    }
    return last;
  }

  #ownPrefix(): string {
    return `${this.#place.issuer.replace(/\/$/, "")}/`;
  }

  #keep(cookies: readonly string[]): void {
    for (const cookie of cookies) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (/;\s*max-age=0(;|$)/i.test(cookie)) this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
  }
}

const toPairs = (form: NonNullable<Ask["form"]>): [string, string][] =>
  (isList(form) ? form : Object.entries(form)).map(([name, value]) => [name, value]);

const isList = (form: NonNullable<Ask["form"]>): form is readonly (readonly [string, string])[] => Array.isArray(form);
