import { z } from "zod";
import type { Clock, Logger } from "../../kernel/ports.ts";
import { readJson } from "../shared/read-json.ts";
import type { OidcConfig } from "./config.ts";

/** What a provider says of itself, with the operator's overrides. OIDC Discovery §3. */
export interface Metadata {
  /** Every name it may have in a token: one, unless there is an alias. */
  readonly issuers: readonly string[];
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  readonly jwksUri: string;
  readonly userinfoEndpoint: string | undefined;
  readonly endSessionEndpoint: string | undefined;
  readonly introspectionEndpoint: string | undefined;
  readonly algorithms: readonly string[];
  readonly challengeMethods: readonly string[];
  readonly authMethods: readonly string[];
  readonly namesItself: boolean;
}

const strings = z
  .array(z.string())
  .nullish()
  .transform((list) => list ?? []);
const address = z
  .string()
  .nullish()
  .transform((value) => value ?? "");

const document = z.object({
  issuer: z.string(),
  authorization_endpoint: address,
  token_endpoint: address,
  jwks_uri: address,
  userinfo_endpoint: address,
  end_session_endpoint: address,
  introspection_endpoint: address,
  id_token_signing_alg_values_supported: strings,
  code_challenge_methods_supported: strings,
  token_endpoint_auth_methods_supported: strings,
  authorization_response_iss_parameter_supported: z.boolean().nullish(),
});

/** Never `none`, and no shared secret: what is signed with one could be signed by whoever reads our config. */
const asymmetric = [
  "RS256",
  "RS384",
  "RS512",
  "ES256",
  "ES384",
  "ES512",
  "PS256",
  "PS384",
  "PS512",
  "EdDSA",
  "Ed25519",
];

export const discoveryUrl = ({ issuer }: OidcConfig): string =>
  `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;

/** @throws {UnavailableError} The provider is away. @throws {Error} What it says cannot be used. */
export async function discover(
  config: OidcConfig,
  fetch: typeof globalThis.fetch,
  signal: AbortSignal,
): Promise<Metadata> {
  const { issuer, issuerAlias, providerDiscoveryOverrides: overrides } = config;
  const url = discoveryUrl(config);
  if (!URL.canParse(url)) throw new Error("failed to get provider: the issuer is no URL");
  const found = await readJson(await fetch(url, { signal }), document, "failed to get provider");
  if (issuerAlias === "" && found.issuer !== issuer) {
    throw new Error(
      `failed to get provider: oidc: issuer URL provided to client ("${issuer}") did not match the issuer URL returned by provider ("${found.issuer}")`,
    );
  }
  const hasOverrides = Object.values(overrides).some((value) => value !== "");
  const endSession = overrides.endSessionURL || found.end_session_endpoint;
  if (endSession !== "") mustBeWeb(endSession);
  const advertised = found.id_token_signing_alg_values_supported.filter((name) => asymmetric.includes(name));
  return {
    // compat(dex): with overrides the tokens carry the document's name, with an alias alone the alias.
    issuers: issuerAlias === "" ? [issuer] : hasOverrides ? [issuerAlias, found.issuer] : [issuerAlias],
    authorizationEndpoint: needed(overrides.authURL || found.authorization_endpoint, "authorization_endpoint"),
    tokenEndpoint: needed(overrides.tokenURL || found.token_endpoint, "token_endpoint"),
    jwksUri: needed(overrides.jwksURL || found.jwks_uri, "jwks_uri"),
    userinfoEndpoint: overrides.userInfoURL || found.userinfo_endpoint || undefined,
    endSessionEndpoint: endSession || undefined,
    introspectionEndpoint: found.introspection_endpoint || undefined,
    algorithms: advertised.length === 0 ? ["RS256"] : advertised,
    challengeMethods: found.code_challenge_methods_supported,
    authMethods: found.token_endpoint_auth_methods_supported,
    namesItself: found.authorization_response_iss_parameter_supported === true,
  };
}

function needed(url: string, name: string): string {
  const { protocol } = URL.parse(url) ?? {};
  if (protocol !== "https:" && protocol !== "http:") throw new Error(`failed to get provider: no usable ${name}`);
  return url;
}

/** The browser goes there: `javascript:` would run in it. */
function mustBeWeb(url: string): void {
  const parsed = URL.parse(url);
  if (parsed === null) throw new Error("oidc: invalid end_session_endpoint");
  if (parsed.protocol !== "https:" && parsed.protocol !== "http:") {
    throw new Error(
      `oidc: end_session_endpoint must use http or https scheme, got "${parsed.protocol.replace(/:$/, "")}"`,
    );
  }
}

/** How long a document serves before it is asked for again, in the background. */
const lifetime = 3_600_000;
const pauseAfterFailure = 60_000;

/** The metadata as it is now: read once before anybody waits, and renewed behind the logins. Dex reads it once for ever. */
export function keepMetadata(
  first: Metadata,
  read: () => Promise<Metadata>,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): () => Metadata {
  let current = first;
  let renewAt = clock.now() + lifetime;
  return () => {
    if (clock.now() >= renewAt) {
      renewAt = clock.now() + pauseAfterFailure;
      read().then(
        (fresh) => {
          current = fresh;
          renewAt = clock.now() + lifetime;
        },
        (error: unknown) => logger.warn("oidc: discovery failed, going on with what is known", {}, error),
      );
    }
    return current;
  };
}
