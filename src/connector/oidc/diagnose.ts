import type { ConnectorDeps, Report } from "../contract.ts";
import { diagnoseClient } from "../shared/diagnose-client.ts";
import type { OidcConfig } from "./config.ts";
import { openProvider } from "./provider.ts";

/** What the provider offers, and whether it is what the configuration wants. @throws {Error} It cannot be asked. */
export async function diagnoseProvider(
  config: OidcConfig,
  fetch: typeof globalThis.fetch,
  deps: ConnectorDeps,
  report: Report,
): Promise<void> {
  const provider = await openProvider(config, { ...deps, fetch });
  const metadata = provider.metadata();
  const { issuers, algorithms, challengeMethods, authMethods } = metadata;
  report.fact("pass", "discovery", `issuer ${issuers.join(" or ")}`);
  for (const url of [
    metadata.authorizationEndpoint,
    metadata.tokenEndpoint,
    metadata.jwksUri,
    metadata.userinfoEndpoint,
  ])
    if (url !== undefined) await report.address(new URL(url));
  const list = (names: readonly string[]): string => (names.length === 0 ? "says nothing" : names.join(", "));
  report.fact("pass", "tokens", `signed with ${list(algorithms)}`);
  report.fact(challengeMethods.includes("S256") ? "pass" : "warn", "pkce", list(challengeMethods));
  report.fact("pass", "client auth", list(authMethods));
  report.fact(
    config.getUserInfo && metadata.userinfoEndpoint === undefined ? "fail" : "pass",
    "userinfo",
    metadata.userinfoEndpoint ?? "the provider has none",
  );
  report.fact("pass", "logout", metadata.endSessionEndpoint ?? "the provider has no address for it");
  const keys = await provider.keys.names();
  report.fact(keys.length === 0 ? "fail" : "pass", "keys", keys.length === 0 ? "none that signs" : keys.join(", "));
  await diagnoseClient(provider.client(), config.redirectURI, report);
}
