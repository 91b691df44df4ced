import type {
  Callback,
  ConnectorDeps,
  Login,
  RedirectConnector,
  Report,
  Wishes,
} from "../../src/connector/contract.ts";
import type { Decision, Logger } from "../../src/kernel/ports.ts";
import { Secret } from "../../src/kernel/secret.ts";
import { systemClock, systemRandom } from "../../src/kernel/system.ts";
import { createUpstreams, type UpstreamOptions } from "../../src/kernel/upstream-fetch.ts";

export interface TestDeps extends ConnectorDeps {
  /** `level event`, one a line. */
  readonly log: readonly string[];
  /** Every address that was asked for, as the connector knows it. */
  readonly asked: readonly string[];
  close(): void;
}

export interface DepsOptions {
  readonly id?: string;
  readonly clock?: ConnectorDeps["clock"];
  readonly env?: Readonly<Record<string, string>>;
  /** Which fake stands for a vendor's host: `{ "api.github.com": "http://127.0.0.1:1234" }`. Everything else is loopback or refused. */
  readonly hosts?: Readonly<Record<string, string>>;
  /** For each `openFetch`. */
  readonly upstream?: UpstreamOptions;
}

/** What a connector is given, real but for the hosts it reaches. */
export function connectorDeps({
  id = "up",
  clock = systemClock,
  env = {},
  hosts = {},
  upstream,
}: DepsOptions = {}): TestDeps {
  const closing = new AbortController();
  const openUpstream = createUpstreams(env);
  const log: string[] = [];
  const asked: string[] = [];
  const write = (level: string) => (event: string, _fields?: unknown, cause?: unknown) =>
    void log.push(`${level} ${event}${cause instanceof Error ? `: ${cause.message}` : ""}`);
  const logger: Logger = {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    with: () => logger,
  };
  return {
    id,
    name: "Upstream",
    clock,
    random: systemRandom,
    logger,
    log,
    asked,
    openFetch(options = {}) {
      const ask = openUpstream({ ...options, ...upstream }, { dependency: `connector ${id}`, closing: closing.signal });
      return async (input, init) => {
        const request = new Request(input, init);
        const url = new URL(request.url);
        asked.push(`${request.method} ${url.href}`);
        const fake = Object.hasOwn(hosts, url.host) ? hosts[url.host] : undefined;
        if (fake === undefined && url.hostname !== "127.0.0.1" && url.hostname !== "localhost") {
          throw new Error(`a test may not reach ${url.host}`);
        }
        return ask(fake === undefined ? request : new Request(`${fake}${url.pathname}${url.search}`, request));
      };
    },
    close: () => closing.abort(),
  };
}

export interface TestLogin extends Login {
  readonly trail: { note(decision: Decision): void };
  readonly decisions: readonly Decision[];
}

export function aLogin({ offlineAccess = true, groups = true, signal = new AbortController().signal } = {}): TestLogin {
  const decisions: Decision[] = [];
  return { scopes: { offlineAccess, groups }, decisions, trail: { note: (one) => void decisions.push(one) }, signal };
}

/** What a client may wish for that wishes for nothing. */
export const noWishes: Wishes = { uiLocales: [], acrValues: [], mustProve: false, mustChoose: false };

/** A report as `dex connector test` gives it, kept as `outcome about: text`. No server is looked at. */
export function aReport(): { readonly told: readonly string[]; readonly report: Report } {
  const told: string[] = [];
  const fact: Report["fact"] = (outcome, about, text) => void told.push(`${outcome} ${about}: ${text}`);
  const report: Report = {
    fact,
    address: async (url) => fact("pass", "address", url.href),
    tls: (socket) => fact("pass", "tls", String(socket.getProtocol())),
    clock: (theirs) => fact("pass", "clock", new Date(theirs).toISOString()),
    certificate: (name, validTo) => fact("pass", "certificate", `${name} until ${new Date(validTo).toISOString()}`),
  };
  return { told, report };
}

export const callbackUrl = new URL("https://dex.test/callback");

/** What the browser brings back at `url`. */
export const callbackAt = (url: URL): Callback => ({
  method: "GET",
  url,
  headers: {},
  form: new Map(),
  peer: "127.0.0.1",
});

/** A whole sign-in: away, through `authorize`, and back. Returns what the connector makes of it. */
export async function signInThrough(
  connector: RedirectConnector,
  authorize: (url: URL) => Promise<URL>,
  login: Login = aLogin(),
): ReturnType<RedirectConnector["finish"]> {
  let remembered: Secret | undefined;
  const departure = await connector.begin(
    callbackUrl,
    (remember) => {
      remembered = remember;
      return "the-state";
    },
    login,
  );
  const back = await authorize(departure.to);
  return connector.finish(callbackAt(back), remembered, login);
}

/** `connectorData` in clear. */
export const clear = (data: Secret<Uint8Array> | undefined): string => Buffer.from(data?.reveal() ?? []).toString();

/** `text` as connector data. */
export const asData = (text: string): Secret<Uint8Array> => new Secret(Buffer.from(text));
