/**
 * People of an LDAP directory: OpenLDAP, Active Directory, 389 Directory Server and their kin. The person's name is
 * searched with the service account, the password is tried as the entry found, and the groups are searched again with
 * the service account. `wire/` speaks the protocol; no login ever follows a referral. RFC 4511, RFC 4513.
 */
import { Resolver } from "node:dns/promises";
import { Secret } from "../../kernel/secret.ts";
import { type ConnectorDeps, defineConnector, type Identity, type Login, type LoginResult } from "../contract.ts";
import { bindVerdict } from "./bind-verdict.ts";
import { readConnectorData, writeConnectorData } from "./connector-data.ts";
import { diagnoseDirectory } from "./diagnose.ts";
import { diagnoseServers } from "./diagnose-servers.ts";
import { createDirectory, type Directory } from "./directory.ts";
import { directoryOptions } from "./directory-options.ts";
import { sameDn } from "./dn.ts";
import { rawOf } from "./entry-text.ts";
import { findGroups, type GroupSearch, groupSearchOf } from "./group-search.ts";
import { type Kerberos, openKerberos } from "./kerberos/kerberos.ts";
import { ldapSchema } from "./schema.ts";
import { findUser, identityOf, type UserSearch, userSearchOf } from "./user-search.ts";
import type { LdapConnection } from "./wire/connection.ts";
import { LdapResultError } from "./wire/errors.ts";
import type { Entry } from "./wire/message.ts";

export const ldap = defineConnector({
  type: "ldap",
  config: ldapSchema,
  about: {
    refresh: true,
    groups: true,
    preferredUsername: true,
    logout: false,
    tokenExchange: false,
    status: "stable",
  },
  async open(settings, deps) {
    const directory = createDirectory(await directoryOptions(settings, deps, new Resolver()), deps);
    const people = new People(directory, userSearchOf(settings), groupSearchOf(settings, deps.logger), deps);
    const kerberos = await openKerberos(settings, deps);
    return {
      kind: "password" as const,
      prompt: settings.usernamePrompt,
      login: (username, password, login) => people.login(username, password, login),
      refresh: (identity, login) => people.refresh(identity, login),
      probe: directory.probe,
      ...(kerberos === undefined
        ? {}
        : { negotiate: (token: Secret<Uint8Array>, login: Login) => people.negotiate(kerberos, token, login) }),
      close: async () => {
        kerberos?.close();
        await directory.close();
      },
    };
  },
  async diagnose(settings, deps, report) {
    const options = await directoryOptions(settings, deps, new Resolver());
    const signal = AbortSignal.timeout(diagnosisTime);
    await diagnoseServers(options, report, signal);
    const directory = createDirectory(options, deps);
    const asked = {
      bindDn: settings.bindDN,
      users: userSearchOf(settings),
      groups: groupSearchOf(settings, deps.logger),
    };
    try {
      await diagnoseDirectory(directory, asked, report, signal);
    } finally {
      await directory.close();
    }
  },
});

/** Nobody is called so. A form has room for a megabyte, and a filter of that takes seconds to write. */
const longestName = 1024;

/** How long `dex connector test` waits for the directory. */
const diagnosisTime = 30_000;

type Negotiated = LoginResult | { readonly ok: "fallback" };

/** Who is in the directory, and what is known of them. */
class People {
  readonly #directory: Directory;
  readonly #users: UserSearch;
  readonly #groups: GroupSearch;
  readonly #deps: ConnectorDeps;

  constructor(directory: Directory, users: UserSearch, groups: GroupSearch, deps: ConnectorDeps) {
    this.#directory = directory;
    this.#users = users;
    this.#groups = groups;
    this.#deps = deps;
  }

  async login(username: string, password: Secret, login: Login): Promise<LoginResult> {
    // Many servers take a name without a password for an anonymous bind, and say yes. RFC 4513 §5.1.2.
    if (password.reveal() === "") return { ok: false, reason: "wrong_credentials" };
    const user = await this.#directory.ask((connection) => this.#find(connection, username, login), login.signal);
    const verdict = await this.#check(user, password, login);
    if (verdict !== "right" || user === undefined)
      return { ok: false, reason: verdict === "password_expired" ? verdict : "wrong_credentials" };
    return { ok: true, identity: await this.#identify(user, username, login) };
  }

  /** An empty token asks what happens to those who have none. */
  async negotiate(kerberos: Kerberos, token: Secret<Uint8Array>, login: Login): Promise<Negotiated> {
    const refused: Negotiated = kerberos.fallsBack ? { ok: "fallback" } : { ok: false, reason: "wrong_credentials" };
    if (token.reveal().length === 0) return refused;
    const verdict = await kerberos.usernameIn(token, login);
    if (!verdict.ok) return refused;
    const { username } = verdict;
    const user = await this.#directory.ask((connection) => this.#find(connection, username, login), login.signal);
    if (user !== undefined) return { ok: true, identity: await this.#identify(user, username, login) };
    // No fallback: a password of somebody else is not what this person came with.
    login.trail.note({ check: "ldap.user", outcome: "fail", because: "the ticket is good and its name has no entry" });
    return { ok: false, reason: "gone" };
  }

  async refresh(identity: Identity, login: Login): Promise<LoginResult> {
    const remembered = readConnectorData(identity.connectorData);
    if (remembered === undefined) return this.#gone(login, "nothing was remembered of the login");
    const user = await this.#directory.ask(
      (connection) => this.#find(connection, remembered.username, login),
      login.signal,
    );
    if (user === undefined) return this.#gone(login, "the directory has no such entry any more");
    // The name may have been given to somebody else.
    if (!sameDn(user.dn, remembered.dn)) return this.#gone(login, "the name leads to another entry now");
    const now = await this.#identify(user, remembered.username, login);
    if (now.userId !== identity.userId) return this.#gone(login, "the entry has another user id now");
    const { connectorData } = identity;
    return { ok: true, identity: connectorData === undefined ? now : { ...now, connectorData } };
  }

  async #find(connection: LdapConnection, username: string, { signal }: Login): Promise<Entry | undefined> {
    if (username.length > longestName) return undefined;
    const user = await findUser(connection, this.#users, this.#groups.matchers, username, signal);
    if (user === undefined) this.#deps.logger.debug("no results returned for filter", { username });
    else this.#deps.logger.debug("username mapped to entry", { username, user_dn: user.dn });
    return user;
  }

  /** Takes about as long for a name that nobody has: how long it took tells nothing. */
  async #check(user: Entry | undefined, password: Secret, { trail, signal }: Login) {
    const { random, logger } = this.#deps;
    const stranger = Buffer.from(random.bytes(16)).toString("hex");
    const dn = user?.dn ?? `cn=${stranger},${this.#users.baseDn}`;
    const answer = await this.#directory.tryPassword(dn, user === undefined ? new Secret(stranger) : password, signal);
    if (user === undefined) {
      trail.note({ check: "ldap.user", outcome: "fail", because: "the search found no entry", spec: "RFC 4511 §4.5" });
      return "wrong_credentials";
    }
    try {
      const verdict = bindVerdict(answer);
      if (verdict.verdict === "right") return verdict.verdict;
      // Without the name, which is the endpoint's to log.
      logger.info("password refused", { reason: verdict.because });
      trail.note({ check: "ldap.bind", outcome: "fail", because: verdict.because, spec: "RFC 4511 §4.2" });
      return verdict.verdict;
    } catch (error) {
      if (!(error instanceof LdapResultError)) throw error;
      throw new Error(`ldap: failed to bind as dn "${dn}": ${error.message}`, { cause: error });
    }
  }

  async #identify(user: Entry, username: string, { scopes, signal, heard }: Login): Promise<Identity> {
    heard?.(rawOf(user));
    const identity = identityOf(user, this.#users);
    const groups = scopes.groups
      ? await this.#directory.ask((connection) => findGroups(connection, this.#groups, user, signal), signal)
      : [];
    const connectorData = scopes.offlineAccess ? writeConnectorData({ username, dn: user.dn }) : undefined;
    return { ...identity, groups, ...(connectorData === undefined ? {} : { connectorData }) };
  }

  #gone({ trail }: Login, because: string): LoginResult {
    trail.note({ check: "ldap.refresh", outcome: "fail", because });
    return { ok: false, reason: "gone" };
  }
}
