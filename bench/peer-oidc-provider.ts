/**
 * oidc-provider set up to do what our server does per operation, and no more: two RS256 signatures with a
 * 2048-bit key (ID token and JWT access token), refresh tokens rotated on use, PKCE, claims in the ID token.
 * Where it could be set up in several ways, this is the faster one: consent is granted without asking, a login
 * needs no password, and everything is kept in a bounded map in memory.
 *
 * Run by the benchmark: node bench/peer-oidc-provider.ts PORT CLIENT_JSON
 */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { type Context, Provider } from "oidc-provider";
import { BoundedAdapter } from "./peer-adapter.ts";

const [port = "0", clientJson = "{}"] = process.argv.slice(2);
const client = JSON.parse(clientJson);
const issuer = `http://127.0.0.1:${port}`;
const resource = "urn:bench:api";
const hour = 3600;

const signingKey = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });
const claimsOf = (accountId: string) => ({
  sub: accountId,
  name: accountId,
  preferred_username: accountId,
  email: `${accountId}@example.com`,
  email_verified: true,
  groups: ["team-a", "team-b"],
});

const provider = new Provider(issuer, {
  adapter: BoundedAdapter,
  clients: [
    {
      client_id: client.id,
      client_secret: client.secret,
      redirect_uris: [client.redirectUri],
      grant_types: ["authorization_code", "refresh_token", "client_credentials"],
      response_types: ["code"],
      token_endpoint_auth_method: "client_secret_basic",
    },
  ],
  jwks: { keys: [{ ...signingKey, kid: "bench", use: "sig", alg: "RS256" }] },
  cookies: { keys: [randomBytes(32).toString("base64url")] },
  scopes: ["openid", "offline_access", "profile", "email", "groups"],
  claims: {
    openid: ["sub"],
    profile: ["name", "preferred_username"],
    email: ["email", "email_verified"],
    groups: ["groups"],
  },
  conformIdTokenClaims: false,
  rotateRefreshToken: true,
  ttl: {
    AccessToken: hour,
    AuthorizationCode: 60,
    IdToken: hour,
    RefreshToken: 24 * hour,
    Session: 24 * hour,
    Grant: 24 * hour,
    Interaction: 600,
  },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: "",
        audience: client.id,
        accessTokenFormat: "jwt",
        jwt: { sign: { alg: "RS256" } },
      }),
    },
  },
  interactions: {
    url: (_context: Context, interaction: { readonly uid: string }) => `/interaction/${interaction.uid}`,
  },
  findAccount: (_context: Context, accountId: string) => ({ accountId, claims: () => claimsOf(accountId) }),
  loadExistingGrant: grantWithoutAsking,
});

/** Every scope is granted, so that a login has one interaction instead of two. */
async function grantWithoutAsking({ oidc }: Context) {
  const { accountId } = oidc.session;
  if (accountId === undefined) return undefined;
  const known = oidc.session.grantIdFor(oidc.client.clientId);
  if (known !== undefined) return provider.Grant.find(known);
  const grant = new provider.Grant({ accountId, clientId: oidc.client.clientId });
  grant.addOIDCScope(oidc.params.scope ?? "openid");
  await grant.save();
  return grant;
}

// The login "page": whoever the request names is logged in, and asking for consent is answered with yes.
provider.use(async (context, next) => {
  if (!context.path.startsWith("/interaction/")) return next();
  const { params, prompt } = await provider.interactionDetails(context.req, context.res);
  const result = prompt.name === "login" ? { login: { accountId: params.login_hint ?? "person-0" } } : { consent: {} };
  context.respond = false;
  await provider.interactionFinished(context.req, context.res, result, { mergeWithLastSubmission: true });
});
provider.on("server_error", (_context, error) => console.error(error));
provider.listen(Number(port), "127.0.0.1");
