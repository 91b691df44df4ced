/**
 * `dex connector test`: one connector of the configuration, opened and asked by itself, with every step told. It needs
 * no running server and no storage.
 */
import type { Config } from "../config/config.ts";
import type { ConnectorConfig } from "../config/read-connectors.ts";
import type { Connector, ConnectorDeps, Findings, Report } from "../connector/contract.ts";
import { type AnyConnectorType, connectorTypes } from "../connector/registry.ts";
import { createUpstreams } from "../kernel/upstream-fetch.ts";
import { probeAddress, reportCertificate, reportClock, reportSkew, reportTls } from "./probe-address.ts";
import type { ServerDeps } from "./server-deps.ts";
import { type AskPerson, testLogin } from "./test-login.ts";

export interface ConnectorTest {
  readonly config: Config;
  readonly id: string;
  readonly report: Findings & {
    /** Sees every HTTP answer before the connector does. */
    readonly heard?: (response: Response) => Promise<Response>;
  };
  /** For a real login; undefined leaves it out. */
  readonly ask: AskPerson | undefined;
}

/** @throws {Error} There is no such connector. */
export async function testConnector({ config, id, report, ask }: ConnectorTest, deps: ServerDeps): Promise<void> {
  const found = config.connectors.find((connector) => connector.id === id);
  if (found === undefined) {
    const known = config.connectors.map((connector) => connector.id).join(", ");
    throw new Error(`no connector ${JSON.stringify(id)} in the configuration; there are: ${known || "none"}`);
  }
  const load = Object.hasOwn(connectorTypes, found.type) ? connectorTypes[found.type] : undefined;
  if (load === undefined) throw new Error(`unknown connector type ${JSON.stringify(found.type)}`);
  const type = await load();
  report.fact("pass", "config", `connector ${id} of type ${found.type}`);
  checkRedirect(found, config.issuer, report);
  const connectorDeps = depsFor(found, config, report, deps);
  const full = reportOn(report, deps);
  for (const url of addressesIn(found.config)) await full.address(url);
  try {
    await type.diagnose?.(found.config, connectorDeps, full);
  } catch (error) {
    report.fact("fail", "upstream", reasonsOf(error));
    return;
  }
  const connector = await open(type, found, connectorDeps, report);
  if (connector === undefined) return;
  try {
    if (ask !== undefined) await testLogin(connector, found, config.issuer, ask, report, deps.signal);
  } catch (error) {
    report.fact("fail", "login", reasonsOf(error));
  } finally {
    await connector.close?.();
  }
}

/** compat(dex): it is compared when somebody signs in; here it is told before. */
function checkRedirect({ config, id }: ConnectorConfig, issuer: string, report: Findings): void {
  const { redirectURI } = config;
  if (typeof redirectURI !== "string" || redirectURI === "") return;
  const callback = `${issuer.replace(/\/$/, "")}/callback`;
  const isOurs = redirectURI === callback || redirectURI === `${callback}/${encodeURIComponent(id)}`;
  report.fact(
    isOurs ? "pass" : "fail",
    "redirect",
    isOurs ? `the upstream must know ${redirectURI}` : `redirectURI is ${redirectURI}, and should be ${callback}`,
  );
}

/** Each server is looked at once. */
function reportOn(findings: Findings, { clock }: ServerDeps): Report {
  const looked = new Set<string>();
  return {
    fact: findings.fact,
    async address(url) {
      const server = `${url.protocol}//${url.host}`;
      if (looked.has(server)) return;
      looked.add(server);
      await probeAddress(url, findings, clock);
    },
    tls: (socket) => reportTls(socket, findings, clock.now()),
    clock: (theirs) => reportSkew(clock.now() - theirs, findings),
    certificate: (name, validTo) => reportCertificate(name, validTo, findings, clock.now()),
  };
}

/** Every address of the settings. */
function addressesIn(settings: unknown): readonly URL[] {
  const found: URL[] = [];
  const visit = (value: unknown): void => {
    if (typeof value === "string" && /^(https?|ldaps?):\/\//i.test(value)) {
      const url = URL.parse(value);
      if (url !== null) found.push(url);
    } else if (typeof value === "object" && value !== null) {
      // Our own address is nobody's upstream.
      for (const [name, inner] of Object.entries(value)) if (name !== "redirectURI") visit(inner);
    }
  };
  visit(settings);
  return found;
}

async function open(
  type: AnyConnectorType,
  { config }: ConnectorConfig,
  deps: ConnectorDeps,
  report: Findings,
): Promise<Connector | undefined> {
  try {
    const connector = await type.open(config, deps);
    report.fact("pass", "open", "the connector opens");
    return connector;
  } catch (error) {
    report.fact("fail", "open", reasonsOf(error));
    return undefined;
  }
}

/** An error with its causes, in one line. */
function reasonsOf(error: unknown): string {
  const reasons: string[] = [];
  for (let at = error; at instanceof Error && reasons.length < 5; at = at.cause) {
    if (!reasons.some((reason) => reason.includes(at.message))) reasons.push(at.message);
  }
  return reasons.length === 0 ? String(error) : reasons.join(": ");
}

/** What the connector is given: a `fetch` that tells what was asked and what the clocks say. */
function depsFor(
  { id, name, type }: ConnectorConfig,
  { web }: Config,
  report: ConnectorTest["report"],
  deps: ServerDeps,
): ConnectorDeps {
  const openUpstream = createUpstreams(deps.env);
  const compared = new Set<string>();
  return {
    id,
    name,
    clock: deps.clock,
    random: deps.random,
    logger: deps.logger.with({ connector: { type, id } }),
    trustedProxies: web.clientRemoteIP.trustedProxies,
    openFetch: (options = {}) => {
      const ask = openUpstream(options, { dependency: `connector ${id}`, closing: deps.signal });
      return async (input, init) => {
        const { method, url } = new Request(input, init);
        const { origin, pathname } = new URL(url);
        const response = await ask(input, init);
        report.fact(
          response.status < 500 ? "pass" : "warn",
          "http",
          `${method} ${origin}${pathname}: ${response.status}`,
        );
        if (!compared.has(origin)) reportClock(response, report, deps.clock);
        compared.add(origin);
        return report.heard === undefined ? response : report.heard(response);
      };
    },
  };
}
