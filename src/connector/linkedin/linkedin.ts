import { z } from "zod";
import type { Secret } from "../../kernel/secret.ts";
import { type ConnectorDeps, defineConnector, type Login, type RedirectConnector } from "../contract.ts";
import { diagnoseClient } from "../shared/diagnose-client.ts";
import { introspect } from "../shared/introspect.ts";
import { looseText } from "../shared/json.ts";
import { createTokenClient, type TokenClient } from "../shared/token-client.ts";
import { type VendorApi, vendorApi } from "../shared/vendor-api.ts";
import { vendorLogin, type WhoIs } from "../shared/vendor-login.ts";
import { type LinkedinConfig, linkedinConfig } from "./config.ts";

/** LinkedIn. https://learn.microsoft.com/linkedin/shared/authentication/authorization-code-flow */
export const linkedin = defineConnector<LinkedinConfig>({
  type: "linkedin",
  config: linkedinConfig,
  about: {
    refresh: true,
    groups: false,
    preferredUsername: true,
    logout: false,
    tokenExchange: true,
    status: "stable",
  },
  open: async (config, deps) => connect(config, deps.openFetch(), deps),
  diagnose: (config, deps, report) =>
    diagnoseClient(clientFor(config, deps.openFetch(), deps), config.redirectURI, report),
});

const clientFor = (config: LinkedinConfig, fetch: typeof globalThis.fetch, { clock }: ConnectorDeps): TokenClient =>
  createTokenClient({
    fetch,
    tokenUrl: `${config.baseURL}/oauth/v2/accessToken`,
    clientId: config.clientID,
    // The only way there is; another one would burn the code.
    authentication: { kind: "secret", secret: config.clientSecret, first: "body", isOnlyWay: true },
    clock,
    what: "linkedin: get token",
  });

function connect(config: LinkedinConfig, fetch: typeof globalThis.fetch, deps: ConnectorDeps): RedirectConnector {
  const { clientID, baseURL, useOpenID } = config;
  const api = vendorApi({ fetch, base: config.apiURL, what: "linkedin", ended: /restricted|suspended|deactivated/i });
  const client = clientFor(config, fetch, deps);

  /** https://learn.microsoft.com/linkedin/shared/authentication/token-introspection */
  async function isOurs(token: Secret, signal: AbortSignal): Promise<boolean> {
    const claims = await introspect(client, `${baseURL}/oauth/v2/introspectToken`, token, signal, "linkedin");
    return claims?.get("client_id") === clientID;
  }

  return vendorLogin(
    {
      what: "linkedin",
      clientId: clientID,
      redirectUri: config.redirectURI,
      authorizationUrl: `${baseURL}/oauth/v2/authorization`,
      client,
      // For native applications alone, at another address.
      pkce: false,
      scope: () => (useOpenID ? "openid profile email" : "r_liteprofile r_emailaddress"),
      whoIs: (token, login) => (useOpenID ? byOpenId(token, login, api, config) : byOldWay(token, login, api)),
      isOurs,
      redeems: "when expired",
    },
    deps,
  );
}

const profileAnswer = z.object({
  id: z.string().min(1),
  localizedFirstName: looseText,
  localizedLastName: looseText,
});
const emailAnswer = z.object({
  elements: z.array(z.object({ "handle~": z.object({ emailAddress: looseText }).nullish() })).default([]),
});

/** The scopes `r_liteprofile` and `r_emailaddress`, which older applications have. */
async function byOldWay(token: Secret, { signal }: Login, api: VendorApi): Promise<WhoIs> {
  const call = { token, signal, about: "get profile" };
  const [profile, emails] = await Promise.all([
    api.get("/v2/me", profileAnswer, call),
    api.get("/v2/emailAddress?q=members&projection=(elements*(handle~))", emailAnswer, call),
  ]);
  const email = emails.elements.at(-1)?.["handle~"]?.emailAddress ?? "";
  if (email === "") throw new Error("linkedin: get profile: fetching email: email is not set");
  const name = `${profile.localizedFirstName} ${profile.localizedLastName}`.trim();
  const identity = { userId: profile.id, username: name || email, email, emailVerified: true, groups: [] };
  return { ok: true, identity };
}

const userInfoAnswer = z.object({
  sub: z.string().min(1),
  name: looseText,
  given_name: looseText,
  family_name: looseText,
  email: looseText,
  // LinkedIn has written it as text before.
  email_verified: z
    .union([z.boolean(), z.enum(["true", "false"])])
    .nullish()
    .transform((value) => value === true || value === "true"),
});

/** https://learn.microsoft.com/linkedin/consumer/integrations/self-serve/sign-in-with-linkedin-v2 */
async function byOpenId(
  token: Secret,
  { signal }: Login,
  api: VendorApi,
  { preferredUsernameField }: LinkedinConfig,
): Promise<WhoIs> {
  const user = await api.get("/v2/userinfo", userInfoAnswer, { token, signal, about: "get profile" });
  const name = user.name || `${user.given_name} ${user.family_name}`.trim();
  const preferredUsername = preferredUsernameField === "" ? "" : user[preferredUsernameField];
  const identity = {
    userId: user.sub,
    username: name || user.email,
    ...(preferredUsername === "" ? {} : { preferredUsername }),
    ...(user.email === "" ? {} : { email: user.email }),
    emailVerified: user.email_verified,
    groups: [],
  };
  return { ok: true, identity };
}
