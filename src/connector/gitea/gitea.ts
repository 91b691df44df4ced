import { z } from "zod";
import type { Secret } from "../../kernel/secret.ts";
import { type ConnectorDeps, defineConnector, type Login, type RedirectConnector } from "../contract.ts";
import { diagnoseClient } from "../shared/diagnose-client.ts";
import { fetchFor } from "../shared/fetch-for.ts";
import { introspect } from "../shared/introspect.ts";
import { looseText, numericId } from "../shared/json.ts";
import { keepOut } from "../shared/keep-out.ts";
import { createTokenClient, type TokenClient } from "../shared/token-client.ts";
import { AccountEndedError, vendorApi } from "../shared/vendor-api.ts";
import { vendorLogin, type WhoIs } from "../shared/vendor-login.ts";
import { type GiteaConfig, giteaConfig } from "./config.ts";
import { readMemberships } from "./groups.ts";

/** Gitea and Forgejo. https://docs.gitea.com/development/oauth2-provider */
export const gitea = defineConnector<GiteaConfig>({
  type: "gitea",
  config: giteaConfig,
  about: { refresh: true, groups: true, preferredUsername: true, logout: false, tokenExchange: true, status: "stable" },
  async open(config, deps) {
    if (config.orgs.some(({ teams }) => teams.length > 0)) {
      deps.logger.warn(
        config.insecureIgnoreTeams
          ? "gitea: any team of an organization is enough, whatever its 'teams' say (insecureIgnoreTeams)"
          : "gitea: where an organization has 'teams' one of them is needed; Dex would take any",
        { connector_id: deps.id },
      );
    }
    return connect(config, fetchFor(config, deps), deps);
  },
  diagnose: (config, deps, report) =>
    diagnoseClient(
      clientFor(config, fetchFor(config, deps), deps),
      config.redirectURI,
      report,
      // The same code for a wrong secret and for a code that is none, in other words.
      ({ code, message }) =>
        code === "invalid_grant" || (code === "unauthorized_client" && message.includes('"client is not authorized"')),
    ),
});

const clientFor = (config: GiteaConfig, fetch: typeof globalThis.fetch, { clock }: ConnectorDeps): TokenClient =>
  createTokenClient({
    fetch,
    tokenUrl: `${config.baseURL}/login/oauth/access_token`,
    clientId: config.clientID,
    authentication: { kind: "secret", secret: config.clientSecret },
    clock,
    what: "gitea: failed to get token",
  });

function connect(config: GiteaConfig, fetch: typeof globalThis.fetch, deps: ConnectorDeps): RedirectConnector {
  const { baseURL: base, clientID } = config;
  const api = vendorApi({ fetch, base, what: "gitea", ended: /prohibited|suspended|not activated/i });
  const client = clientFor(config, fetch, deps);

  async function whoIs(token: Secret, login: Login): Promise<WhoIs> {
    const call = { token, signal: login.signal };
    const user = await api.get("/api/v1/user", userAnswer, { ...call, about: "get user" });
    if (user.prohibit_login || !user.active) throw new AccountEndedError("gitea: the account may not sign in there");
    const [emailVerified, { groups, isAllowed }] = await Promise.all([
      config.checkEmailVerified ? isVerified(user.email, call) : true,
      readMemberships(call, api, config),
    ]);
    if (!isAllowed) {
      const because = "gitea: User does not belong to any of the approved groups";
      return keepOut("not_in_required_groups", because, login, deps);
    }
    const identity = {
      userId: config.useLoginAsID ? user.login : user.id,
      // compat(dex): the address, not the login name.
      username: user.full_name || user.email,
      preferredUsername: user.login,
      ...(user.email === "" ? {} : { email: user.email }),
      emailVerified,
      groups,
    };
    return { ok: true, identity };
  }

  async function isVerified(email: string, call: { readonly token: Secret; readonly signal: AbortSignal }) {
    const entries = await api.get("/api/v1/user/emails", z.array(emailEntry), { ...call, about: "get emails" });
    return entries.some((entry) => entry.verified && entry.email.toLowerCase() === email.toLowerCase());
  }

  /** `aud` is the application that the token was issued to. */
  async function isOurs(token: Secret, signal: AbortSignal): Promise<boolean> {
    const claims = await introspect(client, `${base}/login/oauth/introspect`, token, signal, "gitea");
    return [claims?.get("aud")].flat().includes(clientID);
  }

  return vendorLogin(
    {
      what: "gitea",
      clientId: clientID,
      redirectUri: config.redirectURI,
      authorizationUrl: `${base}/login/oauth/authorize`,
      client,
      pkce: config.pkce,
      scope: () => (config.scopes.length === 0 ? undefined : config.scopes.join(" ")),
      whoIs,
      isOurs,
      // Of a refresh token that it cannot read or that was used before; of a wrong secret it says something else here.
      deadGrant: "unauthorized_client",
      redeems: "when expired",
    },
    deps,
  );
}

const userAnswer = z.object({
  id: numericId,
  login: z.string().min(1),
  full_name: looseText,
  email: looseText,
  // Servers that say neither know neither.
  active: z
    .boolean()
    .nullish()
    .transform((value) => value ?? true),
  prohibit_login: z
    .boolean()
    .nullish()
    .transform((value) => value ?? false),
});

const emailEntry = z.object({ email: z.string(), verified: z.boolean().default(false) });
