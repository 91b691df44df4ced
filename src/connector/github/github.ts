import { z } from "zod";
import type { Secret } from "../../kernel/secret.ts";
import { type ConnectorDeps, defineConnector, type Login, type RedirectConnector } from "../contract.ts";
import { diagnoseClient } from "../shared/diagnose-client.ts";
import { looseText, numericId } from "../shared/json.ts";
import { keepOut } from "../shared/keep-out.ts";
import { nextLink } from "../shared/paginate.ts";
import { readJson } from "../shared/read-json.ts";
import { readRootCAs } from "../shared/root-cas.ts";
import { createTokenClient, type TokenClient } from "../shared/token-client.ts";
import { mustNotRefuse, type VendorApi, vendorApi } from "../shared/vendor-api.ts";
import { vendorLogin, type WhoIs } from "../shared/vendor-login.ts";
import { type GithubConfig, githubConfig, officialApi, placesOf } from "./config.ts";
import { chooseEmail, emailEntry } from "./email.ts";
import { readMemberships } from "./groups.ts";

/** GitHub and GitHub Enterprise. https://docs.github.com/apps/oauth-apps, https://docs.github.com/rest */
export const github = defineConnector<GithubConfig>({
  type: "github",
  config: githubConfig,
  about: { refresh: true, groups: true, preferredUsername: true, logout: false, tokenExchange: true, status: "stable" },
  async open(config, deps) {
    sayWhatIsOld(config, deps);
    return connect(config, fetchOf(config, deps), deps);
  },
  diagnose: (config, deps, report) =>
    diagnoseClient(
      clientFor(config, fetchOf(config, deps), deps),
      config.redirectURI,
      report,
      // GitHub's own word for a code that is none. It tells it to those alone whose secret is right.
      ({ code }) => code === "bad_verification_code",
    ),
});

const fetchOf = ({ rootCA }: GithubConfig, { openFetch }: ConnectorDeps): typeof globalThis.fetch =>
  openFetch(rootCA === "" ? {} : { rootCAs: readRootCAs([rootCA], "rootCA"), keepsSystemCAs: true });

function sayWhatIsOld({ org, insecureIgnoreOrg }: GithubConfig, { id, logger }: ConnectorDeps): void {
  if (org === "") return;
  logger.warn("github: legacy field 'org' being used. Switch to the newer 'orgs' field structure", {
    connector_id: id,
  });
  logger.warn(
    insecureIgnoreOrg
      ? "github: everybody may sign in, whether in 'org' or not (insecureIgnoreOrg)"
      : "github: members of 'org' may sign in and nobody else; Dex would let everybody in",
    { connector_id: id },
  );
}

const clientFor = (config: GithubConfig, fetch: typeof globalThis.fetch, { clock }: ConnectorDeps): TokenClient =>
  createTokenClient({
    fetch,
    tokenUrl: `${placesOf(config).web}/login/oauth/access_token`,
    clientId: config.clientID,
    // The one way that is documented; and a code is burnt at the first attempt.
    authentication: { kind: "secret", secret: config.clientSecret, first: "body", isOnlyWay: true },
    clock,
    what: "github: failed to get token",
  });

function connect(config: GithubConfig, fetch: typeof globalThis.fetch, deps: ConnectorDeps): RedirectConnector {
  const { web, api: base } = placesOf(config);
  const api = vendorApi({
    fetch,
    base,
    official: officialApi,
    what: "github",
    headers: { accept: "application/vnd.github+json", "x-github-api-version": "2022-11-28" },
    ended: /suspended/i,
  });
  const context = { api, config, logger: deps.logger };

  async function whoIs(token: Secret, login: Login): Promise<WhoIs> {
    const user = await api.get("/user", userAnswer, { token, signal: login.signal, about: "get user" });
    const [email, { groups, isAllowed }] = await Promise.all([
      emailOf(user, token, login.signal, config, api),
      readMemberships(user.login, token, login, context),
    ]);
    if (!isAllowed) {
      const because = `github: user "${user.login}" not in required orgs or teams`;
      return keepOut("not_in_required_groups", because, login, deps);
    }
    const identity = {
      userId: config.useLoginAsID ? user.login : user.id,
      username: user.name || user.login,
      preferredUsername: user.login,
      email,
      emailVerified: true,
      groups,
    };
    return { ok: true, identity };
  }

  return vendorLogin(
    {
      what: "github",
      clientId: config.clientID,
      redirectUri: config.redirectURI,
      authorizationUrl: `${web}/login/oauth/authorize`,
      client: clientFor(config, fetch, deps),
      pkce: config.pkce,
      more: (wishes) => ({
        login: wishes?.loginHint,
        // It asks nobody for a password twice: to let them choose is the most that can be asked for.
        prompt: wishes?.mustProve || wishes?.mustChoose ? "select_account" : undefined,
      }),
      scope: ({ groups }) =>
        config.orgs.length > 0 || config.org !== "" || groups ? "user:email read:org" : "user:email",
      whoIs,
      isOurs: (token, signal) => isOurs(token, signal, base, config, fetch),
      deadGrant: "bad_refresh_token",
      redeems: "when expired",
    },
    deps,
  );
}

const userAnswer = z.object({ login: z.string().min(1), id: numericId, name: looseText, email: looseText });
type User = z.output<typeof userAnswer>;

/** A public address is verified: GitHub lets nobody publish another. */
async function emailOf(
  user: User,
  token: Secret,
  signal: AbortSignal,
  config: GithubConfig,
  api: VendorApi,
): Promise<string> {
  if (user.email !== "" && config.preferredEmailDomain === "" && !config.checkEmailVerified) return user.email;
  const about = "get emails";
  const entries = await api.list("/user/emails?per_page=100", { token, signal, about }, async (response) => ({
    items: await readJson(response, z.array(emailEntry), `github: ${about}`),
    next: nextLink(response),
  }));
  return chooseEmail(entries, config);
}

/** https://docs.github.com/rest/apps/oauth-applications#check-a-token: 404 and 422 for everybody else's. */
async function isOurs(
  token: Secret,
  signal: AbortSignal,
  base: string,
  { clientID, clientSecret }: GithubConfig,
  fetch: typeof globalThis.fetch,
): Promise<boolean> {
  const basic = Buffer.from(`${clientID}:${clientSecret.reveal()}`).toString("base64");
  const response = await fetch(`${base}/applications/${encodeURIComponent(clientID)}/token`, {
    method: "POST",
    headers: {
      authorization: `Basic ${basic}`,
      accept: "application/vnd.github+json",
      "content-type": "application/json",
    },
    body: JSON.stringify({ access_token: token.reveal() }),
    signal,
  });
  if (response.status === 404 || response.status === 422) return false;
  await mustNotRefuse(response, "github: check a token");
  const { app } = await readJson(response, checkAnswer, "github: check a token");
  return app.client_id === clientID;
}

const checkAnswer = z.object({ app: z.object({ client_id: z.string() }) });
