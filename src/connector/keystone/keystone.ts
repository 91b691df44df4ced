import type { Secret } from "../../kernel/secret.ts";
import { type ConnectorDeps, defineConnector, type Identity, type Login, type LoginResult } from "../contract.ts";
import { fetchFor } from "../shared/fetch-for.ts";
import { filterGroups } from "../shared/filter-groups.ts";
import { keepOut } from "../shared/keep-out.ts";
import { type AdminToken, adminToken } from "./admin-token.ts";
import { type KeystoneConfig, keystoneConfig } from "./config.ts";
import { domainReference } from "./domain.ts";
import {
  ForbiddenError,
  type KeystoneApi,
  type KeystoneGroup,
  type KeystoneUser,
  keystoneApi,
} from "./keystone-api.ts";

/** People of OpenStack. Identity API v3. */
export const keystone = defineConnector<KeystoneConfig>({
  type: "keystone",
  config: keystoneConfig,
  about: {
    refresh: true,
    groups: true,
    preferredUsername: true,
    logout: false,
    tokenExchange: false,
    status: "stable",
  },
  async open(config, deps) {
    const api = apiFor(config, deps);
    const admin = adminToken(config, api, deps.clock);
    const people = new People(config, api, admin, deps);
    return {
      kind: "password" as const,
      // compat(dex): in lower case.
      prompt: "username",
      login: (username, password, login) => people.login(username, password, login),
      refresh: (identity, login) => people.refresh(identity, login),
      probe: api.probe,
      close: async () => admin.close(),
    };
  },
  async diagnose(config, deps, report) {
    const api = apiFor(config, deps);
    const admin = adminToken(config, api, deps.clock);
    const nobody = await admin.using((token) => api.user("dex-connector-test", token, AbortSignal.timeout(20_000)));
    report.fact("pass", "account", "Keystone knows it, and it may read people");
    if (nobody !== undefined) report.fact("warn", "account", "Keystone has somebody of an id that is none");
    admin.close();
  },
});

const apiFor = (config: KeystoneConfig, deps: ConnectorDeps): KeystoneApi =>
  keystoneApi(config.keystoneHost, fetchFor(config, deps), (error) =>
    deps.logger.warn("keystone: a token was not ended", { connector_id: deps.id }, error),
  );

/** Who is in Keystone, and who of them may sign in. */
class People {
  readonly #config: KeystoneConfig;
  readonly #api: KeystoneApi;
  readonly #admin: AdminToken;
  readonly #deps: ConnectorDeps;

  constructor(config: KeystoneConfig, api: KeystoneApi, admin: AdminToken, deps: ConnectorDeps) {
    this.#config = config;
    this.#api = api;
    this.#admin = admin;
    this.#deps = deps;
  }

  async login(username: string, password: Secret, login: Login): Promise<LoginResult> {
    if (password.reveal() === "") return { ok: false, reason: "wrong_credentials" };
    const user = { name: username, domain: domainReference(this.#config.domain), password: password.reveal() };
    const answer = await this.#api.authenticate(
      { identity: { methods: ["password"], password: { user } } },
      login.signal,
    );
    if (!answer.ok) {
      const reason = answer.isExpiredPassword ? "password_expired" : "wrong_credentials";
      return keepOut(reason, `Keystone says ${answer.because}`, login, this.#deps);
    }
    try {
      const { userId, token } = answer;
      const known = await this.#readable("the person", () => this.#api.user(userId, token, login.signal));
      return await this.#admit({ userId, user: known, typed: username, token }, login);
    } finally {
      this.#api.revoke(answer.token);
    }
  }

  refresh(identity: Identity, login: Login): Promise<LoginResult> {
    return this.#admin.using(async (token) => {
      const { userId, username, email } = identity;
      const user = await this.#api.user(userId, token, login.signal);
      if (user === undefined) return keepOut("gone", "Keystone has no such user any more", login, this.#deps);
      // Typed with other capitals it is still the name; renamed it is not.
      const isRenamed = user.name !== "" && user.name.toLowerCase() !== username.toLowerCase();
      const typed = isRenamed ? user.name : username;
      return this.#admit({ userId, user, typed, token, ...(email === undefined ? {} : { email }) }, login);
    });
  }

  async #admit({ userId, user, typed, token, email: known }: Admission, login: Login): Promise<LoginResult> {
    const { projects, groups: required } = this.#config;
    if (user?.enabled === false) return keepOut("gone", "Keystone has disabled the account", login, this.#deps);
    if (projects.length > 0 && !(await this.#hasProject(userId, token, login))) {
      return keepOut("not_in_required_groups", "has a role on none of the required projects", login, this.#deps);
    }
    const isAsked = login.scopes.groups || required.length > 0;
    const all = isAsked ? await this.#groups(userId, token, login) : [];
    const groups = required.length === 0 ? all : filterGroups(all, required);
    if (required.length > 0 && groups.length === 0) {
      return keepOut("not_in_required_groups", "a member of none of the required groups", login, this.#deps);
    }
    const email = user === undefined ? (known ?? "") : user.email;
    const username = this.#config.usernameFormat === "canonical" ? user?.name || typed : typed;
    const preferredUsername = this.#preferred(userId, username, user, email);
    return {
      ok: true,
      identity: {
        userId,
        username,
        ...(preferredUsername === "" ? {} : { preferredUsername }),
        ...(email === "" ? {} : { email }),
        emailVerified: email !== "",
        groups,
      },
    };
  }

  /** By the person's own token, or the account's: a refusal to say is no membership. */
  async #hasProject(userId: string, token: Secret, { signal }: Login): Promise<boolean> {
    const wanted = new Set(this.#config.projects);
    const projects = await this.#readable("projects", () => this.#api.projects(userId, token, signal));
    return (projects ?? []).some(({ id, name, enabled }) => enabled && (wanted.has(id) || wanted.has(name)));
  }

  async #groups(userId: string, token: Secret, { signal }: Login): Promise<readonly string[]> {
    const groups = (await this.#readable("groups", () => this.#api.groups(userId, token, signal))) ?? [];
    const { groupNameFormat: format } = this.#config;
    if (format === "id") return groups.map(({ id }) => id);
    if (format !== "domain:name") return groups.map(({ name }) => name);
    const domains = await this.#domainNames(groups);
    return groups.map(({ name, domain_id }) => `${domains.get(domain_id) ?? domain_id}:${name}`);
  }

  /** People may not read domains; the account may. */
  async #domainNames(groups: readonly KeystoneGroup[]): Promise<ReadonlyMap<string, string>> {
    const names = new Map<string, string>();
    for (const id of new Set(groups.map(({ domain_id }) => domain_id))) {
      const signal = AbortSignal.timeout(15_000);
      names.set(id, await this.#admin.using((token) => this.#api.domainName(id, token, signal)));
    }
    return names;
  }

  #preferred(userId: string, username: string, user: KeystoneUser | undefined, email: string): string {
    const field = this.#config.preferredUsernameField;
    return field === "id" ? userId : field === "name" ? user?.name || username : field === "email" ? email : "";
  }

  /** compat(dex): what policy keeps from somebody's token is as good as not there. */
  async #readable<T>(what: string, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof ForbiddenError)) throw error;
      this.#deps.logger.warn(`keystone: policy does not let ${what} be read`, { connector_id: this.#deps.id }, error);
      return undefined;
    }
  }
}

interface Admission {
  readonly userId: string;
  /** Undefined: it may not be read. */
  readonly user: KeystoneUser | undefined;
  readonly typed: string;
  readonly token: Secret;
  /** As it was known before. */
  readonly email?: string;
}
