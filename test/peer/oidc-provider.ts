/**
 * The npm package oidc-provider, a certified OpenID provider, on loopback: opaque access tokens, introspection, refresh
 * tokens that rotate and end their grant when one comes back, sign-out, clients with a secret or a key.
 */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { type Context, Provider } from "oidc-provider";
import { freePort } from "./peer.ts";

export interface OidcProviderPeer {
  readonly issuer: string;
  /** PEM, for the client `dex-key`, which has no secret. */
  readonly clientKey: string;
  /** Who signs in next, and what is claimed of them. */
  person: string;
  readonly claims: Map<string, Readonly<Record<string, unknown>>>;
  /** Addresses asked for, with the method. */
  readonly heard: readonly string[];
  /** A browser's way from `url` until it leaves the provider. Keeps its cookies. */
  browse(url: URL): Promise<URL>;
  /** The page at `url`, with the same browser. */
  page(url: URL): Promise<{ readonly status: number; readonly body: string }>;
  close(): Promise<void>;
}

/** The clients `dex` (secret `dex-secret`) and `dex-key`, both sent back to `redirectUri`. */
export async function startOidcProvider(redirectUri: string, postLogoutUri: string): Promise<OidcProviderPeer> {
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const clientPair = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const claims = new Map<string, Readonly<Record<string, unknown>>>();
  const heard: string[] = [];
  const client = {
    redirect_uris: [redirectUri],
    post_logout_redirect_uris: [postLogoutUri],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
  };
  const signingKey = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });
  const clientKey = clientPair.publicKey.export({ format: "jwk" });
  const provider = new Provider(issuer, {
    clients: [
      { ...client, client_id: "dex", client_secret: "dex-secret", token_endpoint_auth_method: "client_secret_basic" },
      {
        ...client,
        client_id: "dex-key",
        token_endpoint_auth_method: "private_key_jwt",
        jwks: { keys: [{ ...clientKey, kid: "dex", use: "sig", alg: "RS256" }] },
      },
    ],
    jwks: { keys: [{ ...signingKey, kid: "upstream", use: "sig", alg: "RS256" }] },
    cookies: { keys: [randomBytes(32).toString("base64url")] },
    scopes: ["openid", "offline_access", "profile", "email", "groups"],
    claims: { openid: ["sub"], profile: ["name"], email: ["email", "email_verified"], groups: ["groups"] },
    conformIdTokenClaims: false,
    rotateRefreshToken: true,
    features: {
      devInteractions: { enabled: false },
      introspection: { enabled: true },
      rpInitiatedLogout: { enabled: true },
    },
    interactions: { url: (_: Context, { uid }: { readonly uid: string }) => `/interaction/${uid}` },
    findAccount: (_: Context, accountId: string) => ({
      accountId,
      claims: () => ({ sub: accountId, ...claims.get(accountId) }),
    }),
    async loadExistingGrant({ oidc }: Context) {
      const { accountId } = oidc.session;
      if (accountId === undefined) return undefined;
      const grant = new provider.Grant({ accountId, clientId: oidc.client.clientId });
      grant.addOIDCScope(oidc.params.scope ?? "openid");
      await grant.save();
      return grant;
    },
  });
  provider.use(async (context, next) => {
    heard.push(`${context.req.method} ${context.path}`);
    if (!context.path.startsWith("/interaction/")) return next();
    const { prompt } = await provider.interactionDetails(context.req, context.res);
    const result = prompt.name === "login" ? { login: { accountId: peer.person } } : { consent: {} };
    context.respond = false;
    await provider.interactionFinished(context.req, context.res, result, { mergeWithLastSubmission: true });
  });
  const server = provider.listen(port, "127.0.0.1");
  const cookies = new Map<string, string>();

  async function ask(url: URL): Promise<Response> {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await fetch(url, { redirect: "manual", headers: { cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === "") cookies.delete(name);
      else cookies.set(name, value);
    }
    return response;
  }

  const peer: OidcProviderPeer = {
    issuer,
    clientKey: clientPair.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    person: "jane",
    claims,
    heard,
    async browse(url) {
      let at = url;
      for (let hops = 0; at.origin === issuer; hops++) {
        if (hops === 10) throw new Error("redirects without end");
        const response = await ask(at);
        const location = response.headers.get("location");
        if (location === null) throw new Error(`${at.pathname}: ${response.status} ${await response.text()}`);
        at = new URL(location, at);
      }
      return at;
    },
    async page(url) {
      const response = await ask(url);
      return { status: response.status, body: await response.text() };
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return peer;
}
