import { z } from "zod";
import { BadAnswerError, UnavailableError } from "../../kernel/errors.ts";
import type { Secret } from "../../kernel/secret.ts";
import { type ConnectorDeps, defineConnector, type Login, type RedirectConnector } from "../contract.ts";
import { diagnoseClient } from "../shared/diagnose-client.ts";
import { filterGroups } from "../shared/filter-groups.ts";
import { looseText } from "../shared/json.ts";
import { keepOut } from "../shared/keep-out.ts";
import { readJson } from "../shared/read-json.ts";
import { createTokenClient, type TokenClient } from "../shared/token-client.ts";
import { TokenRejectedError, vendorApi } from "../shared/vendor-api.ts";
import { vendorLogin, type WhoIs } from "../shared/vendor-login.ts";
import { type BitbucketCloudConfig, bitbucketCloudConfig, officialApi } from "./config.ts";

/**
 * Bitbucket Cloud. https://developer.atlassian.com/cloud/bitbucket/rest/. It does not say which application a token was
 * issued to, so none is exchanged.
 */
export const bitbucketCloud = defineConnector<BitbucketCloudConfig>({
  type: "bitbucket-cloud",
  config: bitbucketCloudConfig,
  about: {
    refresh: true,
    groups: true,
    preferredUsername: true,
    logout: false,
    tokenExchange: false,
    status: "stable",
  },
  async open(config, deps) {
    if (config.includeTeamGroups) {
      deps.logger.warn(
        "bitbucket: includeTeamGroups is deprecated and has no effect; the Bitbucket 1.0 API it relied on has been removed by Atlassian",
        { connector_id: deps.id },
      );
    }
    return connect(config, deps.openFetch(), deps);
  },
  // The address is not sent, nor may it be.
  diagnose: (config, deps, report) => diagnoseClient(clientFor(config, deps.openFetch(), deps), undefined, report),
});

const clientFor = (
  config: BitbucketCloudConfig,
  fetch: typeof globalThis.fetch,
  { clock }: ConnectorDeps,
): TokenClient =>
  createTokenClient({
    fetch,
    tokenUrl: `${config.baseURL}/site/oauth2/access_token`,
    clientId: config.clientID,
    authentication: { kind: "secret", secret: config.clientSecret },
    clock,
    what: "bitbucket: failed to get token",
  });

/** Where they moved to when Atlassian took the lists over all workspaces away (CHANGE-2770, CHANGE-3022). */
const workspacesPath = "/2.0/user/workspaces";

function connect(config: BitbucketCloudConfig, fetch: typeof globalThis.fetch, deps: ConnectorDeps): RedirectConnector {
  const api = vendorApi({ fetch, base: config.apiURL, official: officialApi, what: "bitbucket" });
  type Call = { readonly token: Secret; readonly signal: AbortSignal };

  const list = <T>(path: string, entry: z.ZodType<T>, about: string, call: Call): Promise<readonly T[]> =>
    api.list(path, { ...call, about }, async (response) => {
      const answer = z.object({ values: z.array(entry).default([]), next: looseText });
      const { values, next } = await readJson(response, answer, `bitbucket: ${about}`);
      return { items: values, next };
    });

  async function primaryEmail(call: Call): Promise<string> {
    const entries = await list("/2.0/user/emails?pagelen=100", emailEntry, "get user", call);
    const primary = entries.find(({ is_primary, is_confirmed }) => is_primary && is_confirmed);
    if (primary === undefined) throw new Error("bitbucket: get user: bitbucket: user has no confirmed, primary email");
    return primary.email;
  }

  /** compat(dex): a role that cannot be read is none, and the login goes on. */
  async function role(slug: string, call: Call): Promise<readonly string[]> {
    const path = `${workspacesPath}/${encodeURIComponent(slug)}/permission`;
    try {
      const answer = await api.get(path, permissionAnswer, { ...call, about: "get workspace permission" });
      return [`${slug}:${answer.permission}`];
    } catch (error) {
      const isItsOwn = error instanceof BadAnswerError && !(error instanceof TokenRejectedError);
      // Away or out of patience is another thing: somebody would lose a group for it.
      if (error instanceof UnavailableError || !isItsOwn) throw error;
      deps.logger.warn(
        "bitbucket: failed to get the permission in a workspace",
        { connector_id: deps.id, slug },
        error,
      );
      return [];
    }
  }

  async function workspaces(call: Call): Promise<readonly string[]> {
    const entries = await list(`${workspacesPath}?pagelen=100`, workspaceEntry, "get user workspaces", call);
    const slugs = entries.map(({ workspace }) => workspace.slug);
    const roles = config.getWorkspacePermissions ? await api.each(slugs, (slug) => role(slug, call)) : [];
    return [...slugs, ...roles.flat()];
  }

  async function whoIs(token: Secret, login: Login): Promise<WhoIs> {
    const call = { token, signal: login.signal };
    const isRestricted = config.teams.length > 0;
    const [user, email, all] = await Promise.all([
      api.get("/2.0/user", userAnswer, { ...call, about: "get user" }),
      primaryEmail(call),
      isRestricted || login.scopes.groups ? workspaces(call) : [],
    ]);
    const groups = isRestricted ? filterGroups(all, config.teams) : all;
    if (isRestricted && groups.length === 0) {
      const because = `bitbucket: user "${user.username}" is not in any of the required teams`;
      return keepOut("not_in_required_groups", because, login, deps);
    }
    const preferredUsername = config.preferredUsernameField === "" ? "" : user[config.preferredUsernameField];
    const identity = {
      userId: user.uuid,
      username: config.useDisplayName ? user.display_name || user.username : user.username,
      ...(preferredUsername === "" ? {} : { preferredUsername }),
      email,
      emailVerified: true,
      groups,
    };
    return { ok: true, identity };
  }

  return vendorLogin(
    {
      what: "bitbucket",
      clientId: config.clientID,
      redirectUri: config.redirectURI,
      // compat(dex): Bitbucket uses the registered one.
      sendsRedirectUri: false,
      authorizationUrl: `${config.baseURL}/site/oauth2/authorize`,
      client: clientFor(config, fetch, deps),
      pkce: false,
      scope: () => "account email",
      whoIs,
      redeems: "when expired",
    },
    deps,
  );
}

const userAnswer = z.object({
  uuid: z.string().min(1),
  username: looseText,
  nickname: looseText,
  display_name: looseText,
});
const emailEntry = z.object({
  email: z.string(),
  is_primary: z.boolean().default(false),
  is_confirmed: z.boolean().default(false),
});
const workspaceEntry = z.object({ workspace: z.object({ slug: z.string().min(1) }) });
const permissionAnswer = z.object({ permission: z.string().min(1) });
