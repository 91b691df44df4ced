import { z } from "zod";
import { Secret } from "../../kernel/secret.ts";
import { challengeOf } from "../../oauth/pkce.ts";
import type { Callback, Departure, Login, LoginResult, StateMaker } from "../contract.ts";
import { authorizationUrl, newVerifier, redirectFor } from "../shared/authorization-url.ts";
import { readCallback } from "../shared/read-callback.ts";
import { listed, promptWith, wishedParams } from "../shared/wished-params.ts";
import type { OidcConfig } from "./config.ts";
import { type Connection, completed, resultOf } from "./connection.ts";

/** What travels with the person. */
const remembered = z.object({ verifier: z.string().optional(), nonce: z.string() });

/** The way there, with PKCE where the provider knows it, and a nonce. OIDC Core §3.1.2.1. */
export async function begin(
  { config, provider, deps }: Connection,
  callback: URL,
  state: StateMaker,
  login: Login,
): Promise<Departure> {
  const redirectUri = redirectFor(config.redirectURI, callback, deps.id);
  const { authorizationEndpoint, challengeMethods } = provider.metadata();
  const method = config.pkceChallenge || ["S256", "plain"].find((one) => challengeMethods.includes(one));
  const verifier = method === undefined ? undefined : newVerifier(deps.random);
  const nonce = Buffer.from(deps.random.bytes(16)).toString("base64url");
  const to = authorizationUrl(authorizationEndpoint, {
    ...wishedParams(login.wishes),
    acr_values: listed(config.acrValues.length === 0 ? (login.wishes?.acrValues ?? []) : config.acrValues),
    client_id: config.clientID,
    redirect_uri: redirectUri,
    response_type: "code",
    scope: scopeOf(config),
    nonce,
    // compat(dex): Google's word for it, and what most others want instead.
    ...(login.scopes.offlineAccess ? { access_type: "offline" } : {}),
    prompt: promptWith(login.scopes.offlineAccess ? (config.promptType ?? "consent") : undefined, login.wishes),
    ...(verifier === undefined || method === undefined
      ? {}
      : { code_challenge: challengeOf(verifier, method), code_challenge_method: method }),
    state: state(new Secret(JSON.stringify({ verifier, nonce }))),
  });
  return { kind: "redirect", to };
}

const scopeOf = ({ scopes }: OidcConfig): string =>
  [...new Set(["openid", ...(scopes.length === 0 ? ["profile", "email"] : scopes)])].join(" ");

/** The way back. OIDC Core §3.1.2.7, §3.1.3. */
export async function finish(
  connection: Connection,
  callback: Callback,
  remember: Secret | undefined,
  login: Login,
): Promise<LoginResult> {
  const { config, provider } = connection;
  const { issuers, namesItself } = provider.metadata();
  const outcome = readCallback(callback, { issuers, isAlwaysNamed: namesItself });
  if (!outcome.ok) return outcome;
  const { verifier, nonce } = remembered.parse(JSON.parse(remember?.reveal() ?? "null"));
  const tokens = await provider
    .client()
    .exchangeCode(
      { code: outcome.code, redirectUri: config.redirectURI, ...(verifier === undefined ? {} : { verifier }) },
      login.signal,
    );
  if (tokens.idToken === undefined) throw new Error("oidc: no id_token in token response");
  const claims = await provider.readIdToken(tokens.idToken, {
    audiences: [config.clientID],
    authorizedParty: config.clientID,
    nonce,
    mayLackNonce: config.insecureSkipNonce,
  });
  const because = "signed by the provider, for us and this login";
  login.trail.note({ check: "upstream.id_token", outcome: "pass", because, spec: "OIDC Core §3.1.3.7" });
  return resultOf(connection, await completed(connection, claims, tokens.accessToken, login), tokens, login);
}
