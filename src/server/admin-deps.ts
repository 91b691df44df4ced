import type { DiscoveryResp } from "../admin/api-messages.ts";
import type { AdminDeps } from "../admin/contract.ts";
import type { Config } from "../config/config.ts";
import { currentDiscovery } from "../endpoint/discovery.ts";
import type { Provider } from "../endpoint/provider.ts";
import type { BcryptPool } from "../kernel/bcrypt-pool.ts";
import { version } from "./version.ts";

/** What the gRPC API works on: what browsers work on, and nothing beside it. */
export function adminDepsOf(config: Config, provider: Provider, bcrypt: BcryptPool): AdminDeps {
  const { flow, attempts, signer, storage, clientSecretKey, random } = provider;
  const { flags } = config;
  return {
    ...flow,
    storage,
    signer,
    attempts,
    bcrypt,
    clientSecretKey,
    random,
    mayChangeConnectors: flags.DEX_API_CONNECTORS_CRUD,
    mayChangePeople: flags.DEX_API_SESSIONS_IDENTITIES_CRUD,
    version,
    discovery: async () => discoveryOf(await currentDiscovery(provider)),
  };
}

/** compat(dex): the members that the wire has a number for. */
function discoveryOf(document: Readonly<Record<string, unknown>>): DiscoveryResp {
  const text = (name: string): string => (typeof document[name] === "string" ? document[name] : "");
  const list = (name: string): readonly string[] => {
    const value = document[name];
    return Array.isArray(value) ? value.map(String) : [];
  };
  return {
    issuer: text("issuer"),
    authorization_endpoint: text("authorization_endpoint"),
    token_endpoint: text("token_endpoint"),
    jwks_uri: text("jwks_uri"),
    userinfo_endpoint: text("userinfo_endpoint"),
    device_authorization_endpoint: text("device_authorization_endpoint"),
    introspection_endpoint: text("introspection_endpoint"),
    grant_types_supported: list("grant_types_supported"),
    response_types_supported: list("response_types_supported"),
    subject_types_supported: list("subject_types_supported"),
    id_token_signing_alg_values_supported: list("id_token_signing_alg_values_supported"),
    code_challenge_methods_supported: list("code_challenge_methods_supported"),
    scopes_supported: list("scopes_supported"),
    token_endpoint_auth_methods_supported: list("token_endpoint_auth_methods_supported"),
    claims_supported: list("claims_supported"),
  };
}
