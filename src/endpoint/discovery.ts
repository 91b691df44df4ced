import type { HttpAnswer, HttpRequest } from "../http/contract.ts";
import type { Provider } from "./provider.ts";

/** `/.well-known/openid-configuration`. OIDC Discovery §3, RFC 8414 §2. compat(dex): order and indentation. */
export async function discoveryEndpoint(_request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  const algorithms = [
    (await provider.signer.current()).alg,
    ...(await provider.signer.publicKeys()).map(({ alg }) => alg),
  ];
  const body = documentText(provider, [...new Set(algorithms)].join(" "));
  return { status: 200, headers: { "content-type": "application/json", "cache-control": "public, max-age=60" }, body };
}

const texts = new WeakMap<Provider, Map<string, string>>();

/** The document's text, made once for each set of algorithms that the keys have had. */
function documentText(provider: Provider, algorithms: string): string {
  const known = texts.get(provider) ?? new Map<string, string>();
  texts.set(provider, known);
  let text = known.get(algorithms);
  if (text === undefined) {
    text = JSON.stringify(discoveryDocument(provider, algorithms.split(" ")), undefined, 2);
    known.set(algorithms, text);
  }
  return text;
}

/** What this server does, and nothing it does not. */
export function discoveryDocument({ flow, grantTypes }: Provider, algorithms: readonly string[]): object {
  const { issuer, responseTypes, codeChallengeMethods } = flow.policy;
  const base = issuer.replace(/\/$/, "");
  return {
    issuer,
    authorization_endpoint: `${base}/auth`,
    token_endpoint: `${base}/token`,
    jwks_uri: `${base}/keys`,
    userinfo_endpoint: `${base}/userinfo`,
    grant_types_supported: grantTypes,
    response_types_supported: [...new Set(responseTypes)].sort(),
    response_modes_supported: ["query", "fragment"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: algorithms,
    code_challenge_methods_supported: codeChallengeMethods,
    scopes_supported: ["openid", "email", "groups", "profile", "offline_access", "federated:id"],
    token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post", "none"],
    claims_supported: [
      "iss",
      "sub",
      "aud",
      "azp",
      "iat",
      "exp",
      "jti",
      "auth_time",
      "nonce",
      "at_hash",
      "c_hash",
      "email",
      "email_verified",
      "name",
      "preferred_username",
      "groups",
      "federated_claims",
    ],
    authorization_response_iss_parameter_supported: true,
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
    claims_parameter_supported: true,
  };
}
