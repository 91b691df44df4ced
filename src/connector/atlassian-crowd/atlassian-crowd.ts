import { z } from "zod";
import { BadAnswerError } from "../../kernel/errors.ts";
import { Secret } from "../../kernel/secret.ts";
import { type ConnectorDeps, defineConnector, type Identity, type Login, type LoginResult } from "../contract.ts";
import { fetchFor } from "../shared/fetch-for.ts";
import { keepOut } from "../shared/keep-out.ts";
import { readConnectorData } from "../shared/stored-tokens.ts";
import { type CrowdConfig, crowdConfig } from "./config.ts";
import { type CrowdApi, type CrowdUser, crowdApi } from "./crowd-api.ts";

/** People of Atlassian Crowd. Crowd's REST API, `usermanagement/1`. */
export const atlassianCrowd = defineConnector<CrowdConfig>({
  type: "atlassian-crowd",
  config: crowdConfig,
  about: {
    refresh: true,
    groups: true,
    preferredUsername: true,
    logout: false,
    tokenExchange: false,
    status: "stable",
  },
  async open(config, deps) {
    const { preferredUsernameField: field } = config;
    if (!["", "key", "name", "email"].includes(field)) {
      deps.logger.warn("preferred_username left empty. Invalid crowd field mapped to preferred_username", { field });
    }
    const api = crowdApi(config, fetchFor(config, deps), (error) =>
      deps.logger.warn("crowd: a session was not ended", { connector_id: deps.id }, error),
    );
    const people = new People(config, api, deps);
    return {
      kind: "password" as const,
      prompt: config.usernamePrompt,
      login: (username, password, login) => people.login(username, password, login),
      refresh: (identity, login) => people.refresh(identity, login),
      probe: api.probe,
    };
  },
  async diagnose(config, deps, report) {
    const api = crowdApi(config, fetchFor(config, deps), () => undefined);
    await api.user({ username: "dex-connector-test" }, AbortSignal.timeout(20_000));
    report.fact("pass", "application", "Crowd knows us and our password, and lets us read people");
  },
});

const stored = z.object({ username: z.string() });

/** What Crowd's reasons for a refusal mean to the person. Any other is a fault. */
const refusals: Readonly<Record<string, "wrong_credentials" | "password_expired" | "not_in_required_groups">> = {
  INVALID_USER_AUTHENTICATION: "wrong_credentials",
  USER_NOT_FOUND: "wrong_credentials",
  INACTIVE_ACCOUNT: "wrong_credentials",
  INVALID_CREDENTIAL: "wrong_credentials",
  EXPIRED_CREDENTIAL: "password_expired",
  APPLICATION_ACCESS_DENIED: "not_in_required_groups",
};

/** Who is in Crowd, and who of them may sign in. */
class People {
  readonly #config: CrowdConfig;
  readonly #api: CrowdApi;
  readonly #deps: ConnectorDeps;

  constructor(config: CrowdConfig, api: CrowdApi, deps: ConnectorDeps) {
    this.#config = config;
    this.#api = api;
    this.#deps = deps;
  }

  async login(username: string, password: Secret, login: Login): Promise<LoginResult> {
    if (password.reveal() === "") return { ok: false, reason: "wrong_credentials" };
    const verdict = await this.#api.authenticate(username, password, login.signal);
    if (!verdict.ok) return this.#refused(verdict.reason, login);
    const user = await this.#api.user({ username: verdict.name }, login.signal);
    if (user === undefined) throw new BadAnswerError("crowd: get user: nobody of the name that it let in a moment ago");
    return this.#admit(user, username, login);
  }

  async refresh(identity: Identity, login: Login): Promise<LoginResult> {
    const { username } = readConnectorData(identity.connectorData, stored);
    const named = await this.#api.user({ username }, login.signal);
    // Renamed, and perhaps somebody else has the name now: the key stays.
    const user = named?.key === identity.userId ? named : await this.#api.user({ key: identity.userId }, login.signal);
    if (user?.key !== identity.userId)
      return keepOut("gone", "Crowd has nobody of that key any more", login, this.#deps);
    const verdict = await this.#api.authenticate(user.name, undefined, login.signal);
    if (!verdict.ok) {
      const refused = this.#refused(verdict.reason, login);
      return refused.reason === "not_in_required_groups" ? refused : { ok: false, reason: "gone" };
    }
    return this.#admit(user, named === user ? username : user.name, login);
  }

  async #admit(user: CrowdUser, username: string, login: Login): Promise<LoginResult> {
    const { groups: required } = this.#config;
    // Everybody without one would be one person.
    if (user.key === "") throw new BadAnswerError("crowd: get user: the person has no key");
    if (!user.active) return this.#refused("INACTIVE_ACCOUNT", login);
    const isAsked = login.scopes.groups || required.length > 0;
    const all = isAsked ? await this.#api.groups(user.name, login.signal) : [];
    const groups = required.length === 0 ? all : this.#allowed(all);
    if (required.length > 0 && groups.length === 0) {
      return keepOut("not_in_required_groups", "a member of none of the required groups", login, this.#deps);
    }
    const preferredUsername = this.#preferred(user);
    return {
      ok: true,
      identity: {
        userId: user.key,
        username: user.name,
        ...(preferredUsername === "" ? {} : { preferredUsername }),
        ...(user.email === "" ? {} : { email: user.email }),
        emailVerified: true,
        groups,
        ...(login.scopes.offlineAccess ? { connectorData: new Secret(Buffer.from(JSON.stringify({ username }))) } : {}),
      },
    };
  }

  #allowed(given: readonly string[]): readonly string[] {
    const fold = (name: string): string => (this.#config.groupsIgnoreCase ? name.toLowerCase() : name);
    const wanted = new Set(this.#config.groups.map(fold));
    return given.filter((name) => wanted.has(fold(name)));
  }

  #preferred({ key, name, email }: CrowdUser): string {
    const field = this.#config.preferredUsernameField;
    return field === "key" ? key : field === "name" ? name : field === "email" ? email : "";
  }

  #refused(reason: string, login: Login) {
    const meaning = Object.hasOwn(refusals, reason) ? refusals[reason] : undefined;
    if (meaning === undefined) throw new BadAnswerError(`crowd: authenticate user: ${reason.slice(0, 60)}`);
    return keepOut(meaning, `Crowd says ${reason}`, login, this.#deps);
  }
}
