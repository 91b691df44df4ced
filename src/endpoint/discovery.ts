import { attainableContexts } from "../flow/missing-factors.ts";
import { promptValues } from "../flow/validate-request.ts";
import type { HttpAnswer, HttpRequest } from "../http/contract.ts";
import { acr } from "../oauth/acr.ts";
import { type GrantType, grantTypes } from "../oauth/grant-type.ts";
import { responseModes, servedResponseTypes } from "../oauth/response-type.ts";
import { catalogues } from "../page/messages.ts";
import type { Provider } from "./provider.ts";

/** `/.well-known/openid-configuration` and `/.well-known/oauth-authorization-server`. OIDC Discovery §3, RFC 8414 §2. compat(dex): order and indentation. */
export async function discoveryEndpoint(_request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  const body = documentText(provider, (await currentAlgorithms(provider)).join(" "));
  return { status: 200, headers: { "content-type": "application/json", "cache-control": "public, max-age=60" }, body };
}

/** Of every key that clients may meet, the signing one first. */
async function currentAlgorithms({ signer }: Provider): Promise<readonly string[]> {
  return [...new Set([(await signer.current()).alg, ...(await signer.publicKeys()).map(({ alg }) => alg)])];
}

/** What the document says now, by its members' names. */
export const currentDiscovery = async (provider: Provider): Promise<Readonly<Record<string, unknown>>> =>
  discoveryDocument(provider, await currentAlgorithms(provider));

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

/** What the document is made of. */
export interface DiscoveryFacts {
  /** The issuer without the slash it may end in. */
  readonly base: string;
  readonly provider: Provider;
  /** Of every key that clients may meet, the signing one first. */
  readonly algorithms: readonly string[];
}

/** One member; undefined leaves it out. */
type Member = readonly [name: string, value: (facts: DiscoveryFacts) => unknown];

/** What this server does, and nothing it does not: one line a member, in Dex's order, then what Dex does not have. */
const members: readonly Member[] = [
  ["issuer", ({ provider }) => provider.flow.policy.issuer],
  ["authorization_endpoint", ({ base }) => `${base}/auth`],
  ["token_endpoint", ({ base }) => `${base}/token`],
  ["jwks_uri", ({ base }) => `${base}/keys`],
  ["userinfo_endpoint", ({ base }) => `${base}/userinfo`],
  ["device_authorization_endpoint", ({ base, provider }) => served(provider, deviceCode, `${base}/device/code`)],
  ["introspection_endpoint", ({ base }) => `${base}/token/introspect`],
  ["end_session_endpoint", ({ base, provider }) => withSessions(provider, `${base}/logout`)],
  ["check_session_iframe", ({ base, provider }) => stateFrame(provider, `${base}/session/check`)],
  ["backchannel_logout_supported", ({ provider }) => withSessions(provider, true)],
  ["backchannel_logout_session_supported", ({ provider }) => withSessions(provider, true)],
  ["frontchannel_logout_supported", ({ provider }) => withSessions(provider, true)],
  ["frontchannel_logout_session_supported", ({ provider }) => withSessions(provider, true)],
  ["grant_types_supported", ({ provider }) => provider.grantTypes],
  ["response_types_supported", ({ provider }) => servedResponseTypes(provider.flow.policy.responseTypes)],
  ["response_modes_supported", () => responseModes],
  ["subject_types_supported", () => ["public"]],
  ["id_token_signing_alg_values_supported", ({ algorithms }) => algorithms],
  ["code_challenge_methods_supported", ({ provider }) => provider.flow.policy.codeChallengeMethods],
  ["scopes_supported", () => ["openid", "email", "groups", "profile", "offline_access", "federated:id"]],
  ["token_endpoint_auth_methods_supported", () => [...secretMethods, "none"]],
  ["claims_supported", ({ provider }) => [...claims, ...(withSessions(provider, ["sid"]) ?? [])]],
  // Left out it would mean client_secret_basic alone. RFC 8414 §2.
  ["introspection_endpoint_auth_methods_supported", ({ provider }) => introspectionMethods(provider)],
  ["revocation_endpoint", ({ base }) => `${base}/token/revoke`],
  ["revocation_endpoint_auth_methods_supported", () => [...secretMethods, "none"]],
  ["claim_types_supported", () => ["normal"]],
  ["claims_parameter_supported", () => true],
  ["acr_values_supported", ({ provider }) => [acr.single, ...attainableContexts(undefined, provider.flow.factors)]],
  ["prompt_values_supported", () => promptValues],
  // Our pages fit a window of any size, and a finger.
  ["display_values_supported", () => ["page", "popup", "touch"]],
  ["ui_locales_supported", () => Object.keys(catalogues)],
  ["authorization_response_iss_parameter_supported", () => true],
  ["request_parameter_supported", () => false],
  // Left out it would mean true. OIDC Discovery §3.
  ["request_uri_parameter_supported", () => false],
];

const claims = [
  ...["iss", "sub", "aud", "azp", "iat", "exp", "jti", "auth_time", "nonce", "acr", "amr", "at_hash", "c_hash"],
  ...["email", "email_verified", "name", "preferred_username", "groups", "federated_claims"],
];

const { deviceCode } = grantTypes;

/** `value`, if the grant is offered. */
const served = (provider: Provider, grant: GrantType, value: string): string | undefined =>
  provider.grants.has(grant) ? value : undefined;

/** What there is only where logins are remembered. */
const withSessions = <T>({ flow }: Provider, value: T): T | undefined =>
  flow.sessions === undefined ? undefined : value;

const stateFrame = ({ sessionCookies }: Provider, value: string): string | undefined =>
  sessionCookies.stateCookie === undefined ? undefined : value;

const secretMethods = ["client_secret_basic", "client_secret_post"];

const introspectionMethods = ({ isIntrospectionOpen }: Provider): readonly string[] =>
  isIntrospectionOpen ? [...secretMethods, "none"] : secretMethods;

export function discoveryDocument(
  provider: Provider,
  algorithms: readonly string[],
): Readonly<Record<string, unknown>> {
  const facts = { base: provider.flow.policy.issuer.replace(/\/$/, ""), provider, algorithms };
  return Object.fromEntries(
    members.map(([name, value]) => [name, value(facts)] as const).filter(([, value]) => value !== undefined),
  );
}
