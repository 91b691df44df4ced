/**
 * The specifications, asked of a whole server over HTTP. Every file starts the real composition in its own process:
 * a YAML text, storage in memory, a clock wound by hand, and nothing but requests from then on. Tests are phrased as
 * the requirement and sit in files named for their section, or for the module of the OpenID conformance suite.
 *
 * The issuer is a name only: requests go to whatever port was free. Sessions are off, so that each request stands
 * for itself, unless a test asks for them (or `SPEC_SESSIONS=true` turns them on for all, to see what differs).
 */
import { stringify } from "yaml";
import { loadConfig } from "../../src/config/config.ts";
import { levels } from "../../src/kernel/log-level.ts";
import { createLogger } from "../../src/kernel/logger.ts";
import { systemRandom } from "../../src/kernel/system.ts";
import { startServer } from "../../src/server/server.ts";
import { type HandClock, handClock } from "../fake/hand-clock.ts";
import { UserAgent } from "./user-agent.ts";

export const issuer = "http://127.0.0.1:5556/dex";

/** The configuration file as data; a section given here replaces the default one. */
export type ConfigFile = Readonly<Record<string, unknown>>;

/** Signs everybody in at once, so most tests need no form. */
export const mockConnector = { type: "mockCallback", id: "mock", name: "Mock" } as const;

/** A form with one user. */
export const passwordConnector = {
  type: "mockPassword",
  id: "pw",
  name: "Password",
  config: { username: "kilgore", password: "trout" },
} as const;

export const appClient = {
  id: "app",
  name: "The App",
  secret: "app-secret",
  redirectURIs: ["https://app.example/callback"],
} as const;

const defaults: ConfigFile = {
  issuer,
  storage: { type: "memory" },
  web: { http: "127.0.0.1:0" },
  oauth2: { skipApprovalScreen: true },
  staticClients: [appClient],
  connectors: [mockConnector],
};

export interface ServerUnderTest {
  readonly issuer: string;
  readonly port: number;
  /** "host:port" of `telemetry.http`; empty without one. */
  readonly telemetry: string;
  /** Goes on with another configuration, as after a change of the file. Resolves to what needs a restart. */
  change(file: ConfigFile): Promise<readonly string[]>;
  readonly clock: HandClock;
  /** Every line it has logged, down to debug. */
  readonly log: readonly string[];
  /** A browser that has never been here. `connections`: how many it keeps at once. */
  newAgent(connections?: number): UserAgent;
  close(): Promise<void>;
}

export interface Start {
  readonly env?: Readonly<Record<string, string>>;
  /** Whether logins are remembered, as they are by default outside these tests. */
  readonly sessions?: boolean;
  /** That of the server whose place this one takes. */
  readonly clock?: HandClock;
}

export async function startServerUnderTest(
  file: ConfigFile = {},
  { env = {}, sessions = process.env.SPEC_SESSIONS === "true", clock = handClock() }: Start = {},
): Promise<ServerUnderTest> {
  const settings = { DEX_SESSIONS_ENABLED: String(sessions), ...env };
  const loaded = await loadConfig(stringify({ ...defaults, ...file }), { env: settings });
  if (!loaded.ok) throw new Error(loaded.mistakes.map(({ path, message }) => `${path}: ${message}`).join("\n"));
  const log: string[] = [];
  const logger = createLogger({
    level: levels.debug,
    format: "json",
    excludeFields: [],
    write: (line) => log.push(line),
    clock,
  });
  const stop = new AbortController();
  const deps = { clock, random: systemRandom, logger, env: settings, signal: stop.signal };
  const running = await startServer(loaded.config, deps);
  const place = { issuer: loaded.config.issuer, port: Number(running.addresses.http?.replace(/^.*:/, "")) };
  const agents: UserAgent[] = [];
  return {
    ...place,
    telemetry: running.addresses.telemetry ?? "",
    change(next) {
      const text = stringify({ ...defaults, ...next });
      const read = async () => {
        const reloaded = await loadConfig(text, { env: settings });
        if (!reloaded.ok) throw new Error(reloaded.mistakes.map(({ message }) => message).join("\n"));
        return reloaded.config;
      };
      return running.change(read, Buffer.from(text));
    },
    clock,
    log,
    newAgent(connections) {
      const agent = new UserAgent(place, connections);
      agents.push(agent);
      return agent;
    },
    async close() {
      for (const agent of agents) agent.close();
      stop.abort();
      await running.closed;
    },
  };
}
