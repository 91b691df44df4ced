import { readFile } from "node:fs/promises";
import { Secret } from "../../kernel/secret.ts";
import { type ConnectorDeps, defineConnector, type Login, type RedirectConnector } from "../contract.ts";
import { claimsIn } from "../shared/claims.ts";
import { diagnoseClient } from "../shared/diagnose-client.ts";
import { filterGroups } from "../shared/filter-groups.ts";
import { keepOut } from "../shared/keep-out.ts";
import { type ClientAuthentication, createTokenClient, type TokenClient } from "../shared/token-client.ts";
import { type VendorApi, vendorApi } from "../shared/vendor-api.ts";
import { vendorLogin, type WhoIs } from "../shared/vendor-login.ts";
import { isManyTenants, type MicrosoftConfig, microsoftConfig } from "./config.ts";
import { type GraphCall, type GraphUser, isOfTenant, readGroups, readUser } from "./graph.ts";

/** People of Entra ID (Azure AD) and Microsoft accounts. Microsoft identity platform 2.0, Graph 1.0. */
export const microsoft = defineConnector<MicrosoftConfig>({
  type: "microsoft",
  config: microsoftConfig,
  about: { refresh: true, groups: true, preferredUsername: true, logout: false, tokenExchange: true, status: "stable" },
  async open(config, deps) {
    const { preferredUsernameField: field } = config;
    if (!Object.hasOwn(preferred, field)) {
      deps.logger.warn("preferred_username left empty. Invalid microsoft field mapped to preferred_username", {
        field,
      });
    }
    return connect(config, deps.openFetch(), deps);
  },
  diagnose: (config, deps, report) =>
    diagnoseClient(clientFor(config, deps.openFetch(), deps), config.redirectURI, report),
});

const preferred: Readonly<Record<string, (user: GraphUser, email: string) => string>> = {
  "": () => "",
  name: ({ displayName }) => displayName,
  email: (_user, email) => email,
  mailNickname: ({ mailNickname }) => mailNickname,
  onPremisesSamAccountName: ({ onPremisesSamAccountName }) => onPremisesSamAccountName,
};

const endpoint = ({ apiURL, tenant }: MicrosoftConfig, name: string): string =>
  `${apiURL}/${encodeURIComponent(tenant || "common")}/oauth2/v2.0/${name}`;

function clientFor(config: MicrosoftConfig, fetch: typeof globalThis.fetch, { clock }: ConnectorDeps): TokenClient {
  return createTokenClient({
    fetch,
    tokenUrl: endpoint(config, "token"),
    clientId: config.clientID,
    authentication: authenticationOf(config),
    clock,
    what: "microsoft: failed to get token",
  });
}

function authenticationOf({ clientAssertion: path, clientSecret: secret }: MicrosoftConfig): ClientAuthentication {
  if (path === "") return { kind: "secret", secret };
  // Read each time: who wrote it renews it.
  const make = async (): Promise<Secret> => {
    try {
      return new Secret((await readFile(path, "utf8")).trim());
    } catch (error) {
      throw new Error("microsoft: failed to read client assertion", { cause: error });
    }
  };
  return { kind: "assertion", make };
}

function connect(config: MicrosoftConfig, fetch: typeof globalThis.fetch, deps: ConnectorDeps): RedirectConnector {
  const { clientID, scopes, promptType, domainHint } = config;
  const api = vendorApi({
    fetch,
    base: config.graphURL,
    official: "https://graph.microsoft.com",
    what: "microsoft",
    ended: /account.*(disabled|deleted)/i,
  });
  const people = new People(config, api, deps);
  return vendorLogin(
    {
      what: "microsoft",
      clientId: clientID,
      redirectUri: config.redirectURI,
      authorizationUrl: endpoint(config, "authorize"),
      client: clientFor(config, fetch, deps),
      pkce: config.pkce,
      more: (wishes) => ({
        // It takes one value only.
        prompt: (wishes?.mustProve && "login") || promptType || (wishes?.mustChoose && "select_account") || undefined,
        domain_hint: domainHint || undefined,
        login_hint: wishes?.loginHint,
      }),
      scope: (wanted) =>
        [
          ...(scopes.length === 0 ? ["user.read"] : scopes),
          ...(people.needsGroups(wanted.groups) ? ["directory.read.all"] : []),
          ...(wanted.offlineAccess ? ["offline_access"] : []),
        ].join(" "),
      whoIs: (token, login) => people.whoIs(token, login),
      isOurs: (token, signal) => people.isOurs(token, signal),
      redeems: "when expired",
    },
    deps,
  );
}

/** Graph, by the names that tokens for it bear. */
const graphAudiences = ["00000003-0000-0000-c000-000000000000", "https://graph.microsoft.com"];

/** Who Graph says somebody is, and who of them may sign in. */
class People {
  readonly #config: MicrosoftConfig;
  readonly #api: VendorApi;
  readonly #deps: ConnectorDeps;

  constructor(config: MicrosoftConfig, api: VendorApi, deps: ConnectorDeps) {
    this.#config = config;
    this.#api = api;
    this.#deps = deps;
  }

  /** compat(dex): where the tenant is many, no groups are told; a restriction is looked at all the same. */
  needsGroups(areAskedFor: boolean): boolean {
    return this.#config.groups.length > 0 || (areAskedFor && !isManyTenants(this.#config.tenant));
  }

  async whoIs(token: Secret, login: Login): Promise<WhoIs> {
    const { allowedTenants, groups: required, emailField } = this.#config;
    const call = { token, signal: login.signal };
    const user = await readUser(this.#api, call, emailField === "mail");
    if (allowedTenants.length > 0 && !(await isOfTenant(this.#api, call, allowedTenants))) {
      return keepOut("not_in_required_groups", "microsoft: of none of the allowed tenants", login, this.#deps);
    }
    const all = this.needsGroups(login.scopes.groups) ? await this.#groups(call) : [];
    const matching = filterGroups(all, required);
    if (required.length > 0 && matching.length === 0) {
      return keepOut("not_in_required_groups", "microsoft: a member of none of the required groups", login, this.#deps);
    }
    const groups = this.#config.useGroupsAsWhitelist ? matching : all;
    return { ok: true, identity: { ...this.#identityOf(user), groups } };
  }

  #identityOf(user: GraphUser) {
    const { emailField, emailToLowercase, checkEmailVerified, preferredUsernameField: field } = this.#config;
    const written = emailField === "mail" ? user.mail : user.userPrincipalName;
    const email = emailToLowercase ? written.toLowerCase() : written;
    const preferredUsername = Object.hasOwn(preferred, field) ? (preferred[field]?.(user, email) ?? "") : "";
    // `mail` is whatever an administrator of any tenant writes there; a guest's name is of another tenant's domain.
    const isProven = emailField !== "mail" && !/#ext#/i.test(user.userPrincipalName);
    return {
      userId: user.id,
      username: user.displayName,
      ...(preferredUsername === "" ? {} : { preferredUsername }),
      ...(email === "" ? {} : { email }),
      emailVerified: !checkEmailVerified || (isProven && email !== ""),
    };
  }

  async #groups(call: GraphCall): Promise<readonly string[]> {
    const { onlySecurityGroups, groupNameFormat } = this.#config;
    const wantsNames = groupNameFormat !== "id";
    const groups = await readGroups(this.#api, call, { onlySecurityGroups, wantsNames });
    return groups.map(({ id, name }) => (wantsNames ? name : id));
  }

  /**
   * Whether an access token for Graph was issued to us, in our tenant. What it says is worth nothing by itself: the
   * signature is Graph's to check, and Graph is asked with this very token before anybody is believed.
   */
  async isOurs(token: Secret, signal: AbortSignal): Promise<boolean> {
    const payload = token.reveal().split(".")[1] ?? "";
    const claims = claimsIn(Buffer.from(payload, "base64url").toString());
    const client = claims?.get("appid") ?? claims?.get("azp");
    const audience = String(claims?.get("aud") ?? "").replace(/\/$/, "");
    const isForGraph = [...graphAudiences, this.#config.graphURL].includes(audience);
    if (client !== this.#config.clientID || !isForGraph) return false;
    const { tenant } = this.#config;
    if (isManyTenants(tenant)) return tenant !== "consumers";
    // Our application may be known in other tenants, too; a login would not let their people in.
    return claims?.get("tid") === tenant || isOfTenant(this.#api, { token, signal }, [tenant]);
  }
}
