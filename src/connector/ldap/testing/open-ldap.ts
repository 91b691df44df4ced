import type { Logger } from "../../../kernel/ports.ts";
import { Secret } from "../../../kernel/secret.ts";
import { systemClock, systemRandom } from "../../../kernel/system.ts";
import type { ConnectorDeps, Identity, Login, LoginResult, PasswordConnector } from "../../contract.ts";
import { ldap } from "../ldap.ts";

/** What the connector wrote to its log. */
export class KeptLog implements Logger {
  readonly lines: string[] = [];
  readonly #keep =
    (level: string) =>
    (event: string, fields: object = {}, cause?: unknown): void => {
      this.lines.push([level, event, JSON.stringify(fields), ...messagesOf(cause)].join(" "));
    };
  readonly debug = this.#keep("debug");
  readonly info = this.#keep("info");
  readonly warn = this.#keep("warn");
  readonly error = this.#keep("error");

  with(): Logger {
    return this;
  }
}

/** The message of an error and of all that caused it. */
export const messagesOf = (error: unknown): readonly string[] =>
  error instanceof Error ? [error.message, ...messagesOf(error.cause)] : [];

export interface OpenLdap {
  readonly connector: PasswordConnector;
  readonly log: KeptLog;
  /** Logs in with both scopes, unless told otherwise. */
  login(username: string, password: string, login?: Partial<Login>): Promise<LoginResult>;
  refresh(identity: Identity, login?: Partial<Login>): Promise<LoginResult>;
}

const aLogin = (more: Partial<Login> = {}): Login => ({
  scopes: { offlineAccess: true, groups: true },
  trail: { note: () => undefined },
  signal: AbortSignal.timeout(30_000),
  ...more,
});

export async function openLdap(config: unknown, more: Partial<ConnectorDeps> = {}): Promise<OpenLdap> {
  const log = new KeptLog();
  const deps: ConnectorDeps = {
    id: "ldap",
    name: "LDAP",
    clock: systemClock,
    random: systemRandom,
    logger: log,
    openFetch: () => () => Promise.reject(new Error("LDAP is no HTTP")),
    ...more,
  };
  const connector = await ldap.open(ldap.config.parse(config), deps);
  if (connector.kind !== "password") throw new Error("no password connector");
  return {
    connector,
    log,
    login: (username, password, login) => connector.login(username, new Secret(password), aLogin(login)),
    refresh: async (identity, login) => {
      const result = await connector.refresh?.(identity, aLogin(login));
      if (result === undefined) throw new Error("it cannot refresh");
      return result;
    },
  };
}
