import { BadAnswerError } from "../../kernel/errors.ts";
import { Secret } from "../../kernel/secret.ts";
import { challengeOf } from "../../oauth/pkce.ts";
import { type ConnectorDeps, defineConnector, type RedirectConnector } from "../contract.ts";
import { authorizationUrl, newVerifier, redirectFor } from "../shared/authorization-url.ts";
import { claimsIn } from "../shared/claims.ts";
import { diagnoseClient } from "../shared/diagnose-client.ts";
import { fetchFor } from "../shared/fetch-for.ts";
import { readCallback } from "../shared/read-callback.ts";
import { mustSucceed } from "../shared/read-json.ts";

import { createTokenClient, type TokenClient, type Tokens } from "../shared/token-client.ts";
import { type OauthConfig, oauthConfig } from "./config.ts";
import { readIdentity } from "./identity.ts";

/** Any OAuth 2.0 server with an address that says who the person is. RFC 6749 §4.1. */
export const oauth = defineConnector<OauthConfig>({
  type: "oauth",
  config: oauthConfig,
  about: {
    refresh: false,
    groups: true,
    preferredUsername: true,
    logout: false,
    tokenExchange: false,
    status: "stable",
  },
  open: async (config, deps) => connect(config, fetchFor(config, deps), deps),
  diagnose: (config, deps, report) =>
    diagnoseClient(clientFor(config, fetchFor(config, deps), deps), config.redirectURI, report),
});

const clientFor = (
  { tokenURL: tokenUrl, clientID: clientId, clientSecret: secret }: OauthConfig,
  fetch: typeof globalThis.fetch,
  { clock }: ConnectorDeps,
): TokenClient =>
  createTokenClient({
    fetch,
    tokenUrl,
    clientId,
    authentication: { kind: "secret", secret },
    clock,
    what: "OAuth connector: failed to get token",
  });

function connect(config: OauthConfig, fetch: typeof globalThis.fetch, deps: ConnectorDeps): RedirectConnector {
  const { clientID: clientId, scopes } = config;
  const client = clientFor(config, fetch, deps);
  let hasWarned = false;

  async function userInfo({ accessToken, tokenType }: Tokens, signal: AbortSignal) {
    const headers = { authorization: `${tokenType} ${accessToken.reveal()}`, accept: "application/json" };
    const response = await fetch(config.userInfoURL, { headers, signal });
    await mustSucceed(response, "OAuth Connector: failed to execute request to userinfo");
    const info = claimsIn(await response.text());
    if (info === undefined) throw new BadAnswerError("OAuth Connector: failed to parse userinfo: not a JSON object");
    return info;
  }

  /** Once: whoever sees such an id wonders where it comes from. */
  function sayHowIdsLook(userId: string): void {
    if (hasWarned || !/^-?\d(\.\d+)?e[+-]\d\d$/.test(userId)) return;
    hasWarned = true;
    deps.logger.info("OAuth Connector: numeric user ids are written as Dex writes them; see userIDFormat", {
      connector_id: deps.id,
    });
  }

  return {
    kind: "redirect",
    returnsBy: "redirect",
    probe: client.probe,
    async begin(callback, state) {
      const redirectUri = redirectFor(config.redirectURI, callback, deps.id);
      const verifier = config.pkce ? newVerifier(deps.random) : undefined;
      const to = authorizationUrl(config.authorizationURL, {
        client_id: clientId,
        redirect_uri: redirectUri,
        response_type: "code",
        scope: scopes.length === 0 ? undefined : scopes.join(" "),
        ...(verifier === undefined
          ? {}
          : { code_challenge: challengeOf(verifier, "S256"), code_challenge_method: "S256" }),
        state: state(verifier === undefined ? undefined : new Secret(verifier)),
      });
      return { kind: "redirect", to };
    },
    async finish(callback, remembered, login) {
      const outcome = readCallback(callback);
      if (!outcome.ok) return outcome;
      const verifier = remembered === undefined ? {} : { verifier: remembered.reveal() };
      const tokens = await client.exchangeCode(
        { code: outcome.code, redirectUri: config.redirectURI, ...verifier },
        login.signal,
      );
      const info = await userInfo(tokens, login.signal);
      const identity = readIdentity(info, tokens.accessToken.reveal(), config, login.scopes.groups);
      sayHowIdsLook(identity.userId);
      // compat(dex): kept and never read.
      const data = JSON.stringify({ AccessToken: tokens.accessToken.reveal() });
      const kept = login.scopes.offlineAccess ? { connectorData: new Secret(Buffer.from(data)) } : {};
      return { ok: true, identity: { ...identity, ...kept } };
    },
  };
}
