import { type ConnectorDeps, defineConnector, type RedirectConnector } from "../contract.ts";
import { fetchFor } from "../shared/fetch-for.ts";
import { identityReader } from "./claims.ts";
import { type OidcConfig, oidcConfig } from "./config.ts";
import type { Connection } from "./connection.ts";
import { diagnoseProvider } from "./diagnose.ts";
import { endSession, logoutListener } from "./logout.ts";
import { openProvider, type Provider } from "./provider.ts";
import { refresh } from "./refresh.ts";
import { begin, finish } from "./sign-in.ts";
import { identify } from "./token-exchange.ts";

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

/** What the provider's answers are made of, once for all logins. */
function connect(config: OidcConfig, provider: Provider, deps: ConnectorDeps): RedirectConnector {
  const connection: Connection = { config, provider, deps, readIdentity: identityReader(config) };
  return {
    kind: "redirect",
    returnsBy: "redirect",
    begin: (callback, state, login) => begin(connection, callback, state, login),
    finish: (callback, remembered, login) => finish(connection, callback, remembered, login),
    refresh: (identity, login) => refresh(connection, identity, login),
    identify: (token, tokenType, login) => identify(connection, token, tokenType, login),
    logout: async (request) => endSession(request, config, provider),
    hearLogout: logoutListener(config, provider, deps.clock),
    probe: provider.probe,
  };
}
