import { z } from "zod";
import { Secret } from "../../kernel/secret.ts";
import { challengeOf } from "../../oauth/pkce.ts";
import {
  type ConnectorDeps,
  defineConnector,
  type Login,
  type LoginResult,
  type RedirectConnector,
} from "../contract.ts";
import { authorizationUrl, newVerifier, redirectFor } from "../shared/authorization-url.ts";
import type { Claims } from "../shared/claims.ts";
import { fetchFor } from "../shared/fetch-for.ts";
import { readCallback } from "../shared/read-callback.ts";
import { TokenRefusal, type Tokens } from "../shared/token-client.ts";
import { identityReader, withUserInfo } from "./claims.ts";
import { type OidcConfig, oidcConfig } from "./config.ts";
import { readOidcData, writeOidcData } from "./connector-data.ts";
import { diagnoseProvider } from "./diagnose.ts";
import { InvalidTokenError } from "./key-set.ts";
import { endSession, logoutListener } from "./logout.ts";
import { openProvider, type Provider } from "./provider.ts";
import { accessTokenType, idTokenType, mustBeIssuedTo } from "./token-exchange.ts";

/** Any OpenID provider. OIDC Core §3.1, with the code flow, PKCE and a nonce. */
export const oidc = defineConnector<OidcConfig>({
  type: "oidc",
  config: oidcConfig,
  about: { refresh: true, groups: true, preferredUsername: true, logout: true, tokenExchange: true, status: "stable" },
  async open(config, deps) {
    sayWhatIsRisky(config, deps);
    return connect(config, await openProvider(config, { ...deps, fetch: fetchFor(config, deps) }), deps);
  },
  diagnose: (config, deps, report) => diagnoseProvider(config, fetchFor(config, deps), deps, report),
});

function sayWhatIsRisky(config: OidcConfig, { id, logger }: ConnectorDeps): void {
  const { providerDiscoveryOverrides, allowedGroups, insecureEnableGroups, insecureIgnoreAllowedGroups } = config;
  if (Object.values(providerDiscoveryOverrides).some((value) => value !== "")) {
    logger.warn("overrides for connector are set, this can be a vulnerability when not properly configured", {
      connector_id: id,
    });
  }
  if (allowedGroups.length > 0 && !insecureEnableGroups) {
    logger.warn(
      insecureIgnoreAllowedGroups
        ? "oidc: allowedGroups is ignored, everybody may sign in"
        : "oidc: allowedGroups is enforced though insecureEnableGroups is false; Dex would let everybody in",
      { connector_id: id },
    );
  }
}

/** What travels with the person. */
const remembered = z.object({ v: z.string().optional(), n: z.string() });

function connect(config: OidcConfig, provider: Provider, deps: ConnectorDeps): RedirectConnector {
  const { clientID } = config;
  const read = identityReader(config);
  const scope = [...new Set(["openid", ...(config.scopes.length === 0 ? ["profile", "email"] : config.scopes)])].join(
    " ",
  );
  const exchangeable = [clientID, ...config.tokenExchangeAudiences];
  const hear = logoutListener(config, provider, deps.clock);

  /** Userinfo joins in where it is configured; the two must speak of one person. OIDC Core §5.3.2. */
  async function completed(claims: Claims | undefined, accessToken: Secret, login: Login): Promise<Claims> {
    if (!config.getUserInfo) return claims ?? new Map();
    const info = await provider.userInfo(accessToken, login.signal);
    if (claims === undefined) return info;
    if (info.has("sub") && info.get("sub") !== claims.get("sub")) {
      throw new InvalidTokenError("oidc: userinfo speaks of another person than the id token (sub)");
    }
    login.trail.note({
      check: "upstream.userinfo_sub",
      outcome: "pass",
      because: "the same person",
      spec: "OIDC Core §5.3.2",
    });
    return withUserInfo(claims, info);
  }

  function resultOf(claims: Claims, tokens: Pick<Tokens, "refreshToken" | "idToken">, login: Login): LoginResult {
    const identity = read(claims);
    if (identity === undefined) {
      login.trail.note({
        check: "upstream.allowed_groups",
        outcome: "fail",
        because: "a member of none of allowedGroups",
      });
      return { ok: false, reason: "not_in_required_groups" };
    }
    const { refreshToken, idToken } = tokens;
    return { ok: true, identity: { ...identity, connectorData: writeOidcData({ refreshToken, idToken }) } };
  }

  return {
    kind: "redirect",
    returnsBy: "redirect",

    async begin(callback, state, login) {
      const redirectUri = redirectFor(config.redirectURI, callback, deps.id);
      const { authorizationEndpoint, challengeMethods } = provider.metadata();
      const method = config.pkceChallenge || ["S256", "plain"].find((one) => challengeMethods.includes(one));
      const verifier = method === undefined ? undefined : newVerifier(deps.random);
      const nonce = Buffer.from(deps.random.bytes(16)).toString("base64url");
      const to = authorizationUrl(authorizationEndpoint, {
        acr_values: config.acrValues.length === 0 ? undefined : config.acrValues.join(" "),
        client_id: clientID,
        redirect_uri: redirectUri,
        response_type: "code",
        scope,
        nonce,
        ...(login.scopes.offlineAccess ? { access_type: "offline", prompt: config.promptType ?? "consent" } : {}),
        ...(verifier === undefined || method === undefined
          ? {}
          : { code_challenge: challengeOf(verifier, method), code_challenge_method: method }),
        state: state(new Secret(JSON.stringify({ ...(verifier === undefined ? {} : { v: verifier }), n: nonce }))),
      });
      return { kind: "redirect", to };
    },

    async finish(callback, remember, login) {
      const { issuers, namesItself } = provider.metadata();
      const outcome = readCallback(callback, { issuers, isAlwaysNamed: namesItself });
      if (!outcome.ok) return outcome;
      const { v: verifier, n: nonce } = remembered.parse(JSON.parse(remember?.reveal() ?? "null"));
      const tokens = await provider
        .client()
        .exchangeCode(
          { code: outcome.code, redirectUri: config.redirectURI, ...(verifier === undefined ? {} : { verifier }) },
          login.signal,
        );
      if (tokens.idToken === undefined) throw new Error("oidc: no id_token in token response");
      const claims = await provider.readIdToken(tokens.idToken, {
        audiences: [clientID],
        authorizedParty: clientID,
        nonce,
        mayLackNonce: config.insecureSkipNonce,
      });
      login.trail.note({
        check: "upstream.id_token",
        outcome: "pass",
        because: "signed by the provider, for us and this login",
        spec: "OIDC Core §3.1.3.7",
      });
      return resultOf(await completed(claims, tokens.accessToken, login), tokens, login);
    },

    async refresh(identity, login) {
      const held = readOidcData(identity.connectorData);
      if (held.refreshToken === undefined) throw new Error("oidc: the provider gave no refresh token at the login");
      let tokens: Tokens;
      try {
        tokens = await provider.refresh(held.refreshToken);
      } catch (error) {
        if (error instanceof TokenRefusal && error.code === "invalid_grant") return { ok: false, reason: "gone" };
        throw error;
      }
      const claims =
        tokens.idToken === undefined
          ? undefined
          : await provider.readIdToken(tokens.idToken, { audiences: [clientID], authorizedParty: clientID });
      const idToken = tokens.idToken ?? held.idToken;
      return resultOf(
        await completed(claims, tokens.accessToken, login),
        { ...tokens, ...(idToken && { idToken }) },
        login,
      );
    },

    async identify(token, tokenType, login) {
      try {
        if (tokenType === idTokenType) {
          const claims = await provider.readIdToken(token, { audiences: exchangeable });
          return resultOf(await completed(claims, token, login), {}, login);
        }
        if (tokenType !== accessTokenType) throw new Error(`unknown token type for token exchange: ${tokenType}`);
        if (!config.getUserInfo) throw new Error("oidc: getUserInfo is required for access token exchange");
        await mustBeIssuedTo(exchangeable, token, provider, login.signal);
        return resultOf(await completed(undefined, token, login), {}, login);
      } catch (error) {
        if (!(error instanceof InvalidTokenError)) throw error;
        login.trail.note({
          check: "upstream.exchanged_token",
          outcome: "fail",
          because: error.message,
          spec: "RFC 8693 §2.2.2",
        });
        return { ok: false, reason: "wrong_credentials" };
      }
    },

    logout: async (request) => endSession(request, config, provider),
    hearLogout: (message) => hear(message),
  };
}
