import { z } from "zod";
import { Secret } from "../../kernel/secret.ts";
import { type ConnectorDeps, defineConnector, type Login, type RedirectConnector } from "../contract.ts";
import { diagnoseClient } from "../shared/diagnose-client.ts";
import { filterGroups } from "../shared/filter-groups.ts";
import { looseText, numericId } from "../shared/json.ts";
import { keepOut } from "../shared/keep-out.ts";
import { readRootCAs } from "../shared/root-cas.ts";
import type { StoredTokens } from "../shared/stored-tokens.ts";
import { createTokenClient, type TokenClient } from "../shared/token-client.ts";
import { AccountEndedError, TokenRejectedError, type VendorApi, vendorApi } from "../shared/vendor-api.ts";
import { vendorLogin, type WhoIs } from "../shared/vendor-login.ts";
import { type GitlabConfig, gitlabConfig, pemIn } from "./config.ts";
import { readGroups } from "./groups.ts";

/** GitLab, theirs or your own. https://docs.gitlab.com/api/oauth2/ */
export const gitlab = defineConnector<GitlabConfig>({
  type: "gitlab",
  config: gitlabConfig,
  about: { refresh: true, groups: true, preferredUsername: true, logout: false, tokenExchange: true, status: "stable" },
  open: async (config, deps) => connect(config, fetchOf(config, deps), deps),
  diagnose: (config, deps, report) =>
    diagnoseClient(clientFor(config, fetchOf(config, deps), deps), config.redirectURI, report),
});

function fetchOf(
  { rootCAData, rootCAs, insecureSkipVerify }: GitlabConfig,
  { openFetch }: ConnectorDeps,
): typeof globalThis.fetch {
  const authorities = [...(rootCAData === "" ? [] : [pemIn(rootCAData)]), ...readRootCAs(rootCAs)];
  return openFetch({
    ...(authorities.length === 0 ? {} : { rootCAs: authorities, keepsSystemCAs: true }),
    insecureSkipVerify,
  });
}

const clientFor = (config: GitlabConfig, fetch: typeof globalThis.fetch, { clock }: ConnectorDeps): TokenClient =>
  createTokenClient({
    fetch,
    tokenUrl: `${config.baseURL}/oauth/token`,
    clientId: config.clientID,
    authentication: { kind: "secret", secret: config.clientSecret },
    clock,
    what: "gitlab: failed to get token",
  });

function connect(config: GitlabConfig, fetch: typeof globalThis.fetch, deps: ConnectorDeps): RedirectConnector {
  const { baseURL: base } = config;
  const api = vendorApi({ fetch, base, what: "gitlab", ended: /blocked|deactivated|banned|pending approval/i });

  async function whoIs(token: Secret, login: Login): Promise<WhoIs> {
    const { signal, scopes } = login;
    const user = await api.get("/api/v4/user", userAnswer, { token, signal, about: "get user" });
    if (closedStates.has(user.state)) throw new AccountEndedError(`gitlab: the account is ${user.state}`);
    const wantsGroups = config.groups.length > 0 || scopes.groups;
    const all = wantsGroups ? await readGroups({ userId: user.id, token, signal }, api, config) : [];
    const groups = config.groups.length === 0 ? all : filterGroups(all, config.groups);
    if (config.groups.length > 0 && groups.length === 0) {
      const because = `gitlab: user "${user.username}" is not in any of the required groups`;
      return keepOut("not_in_required_groups", because, login, deps);
    }
    const identity = {
      userId: config.useLoginAsID ? user.username : user.id,
      // compat(dex): the address, not the user name.
      username: user.name || user.email,
      preferredUsername: user.username,
      ...(user.email === "" ? {} : { email: user.email }),
      emailVerified: config.checkEmailVerified ? user.confirmed_at !== "" : true,
      groups,
    };
    return { ok: true, identity };
  }

  return vendorLogin(
    {
      what: "gitlab",
      clientId: config.clientID,
      redirectUri: config.redirectURI,
      authorizationUrl: `${base}/oauth/authorize`,
      client: clientFor(config, fetch, deps),
      pkce: config.pkce,
      scope: ({ groups }) => scopeFor(config, config.groups.length > 0 || groups),
      whoIs,
      isOurs: (token, signal) => isOurs(token, signal, api, config),
      redeems: "always",
      write: writeTokens,
    },
    deps,
  );
}

const scopeFor = ({ inheritedGroups }: GitlabConfig, wantsGroups: boolean): string =>
  ["read_user", ...(wantsGroups ? ["openid"] : []), ...(wantsGroups && inheritedGroups ? ["read_api"] : [])].join(" ");

const userAnswer = z.object({
  id: numericId,
  username: z.string().min(1),
  name: looseText,
  email: looseText,
  state: looseText,
  confirmed_at: looseText,
});

/** https://docs.gitlab.com/administration/moderate_users/: who is in one of these cannot sign in there either. */
const closedStates: ReadonlySet<string> = new Set([
  "blocked",
  "ldap_blocked",
  "blocked_pending_approval",
  "banned",
  "deactivated",
]);

/** compat(dex): without the expiry. */
const writeTokens = ({ accessToken, refreshToken }: StoredTokens): Secret<Uint8Array> =>
  new Secret(
    Buffer.from(JSON.stringify({ accessToken: accessToken.reveal(), refreshToken: refreshToken?.reveal() ?? "" })),
  );

const tokenInfo = z.object({ application: z.object({ uid: z.string() }) });

/** https://docs.gitlab.com/api/oauth2/#retrieve-the-token-information. Personal access tokens are nobody's: 401. */
async function isOurs(
  token: Secret,
  signal: AbortSignal,
  api: VendorApi,
  { clientID, tokenExchangeAudiences }: GitlabConfig,
): Promise<boolean> {
  try {
    const { application } = await api.get("/oauth/token/info", tokenInfo, { token, signal, about: "get token info" });
    return [clientID, ...tokenExchangeAudiences].includes(application.uid);
  } catch (error) {
    if (error instanceof TokenRejectedError) return false;
    throw error;
  }
}
