/** A whole server whose upstream is a certified OpenID provider of another author. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { handClock } from "../fake/hand-clock.ts";
import { startOidcProvider } from "../peer/oidc-provider.ts";
import { askToken, authPath, redeem, refresh, refreshTokenOf, tokensOf, toldClient, verify } from "./relying-party.ts";
import { issuer, startServerUnderTest } from "./server-under-test.ts";
import type { UserAgent } from "./user-agent.ts";

const upstream = await startOidcProvider(`${issuer}/callback`, `${issuer}/logout/callback`);
upstream.claims.set("jane", { name: "Jane", email: "jane@up.test", email_verified: true, groups: ["staff"] });

const settings = {
  issuer: upstream.issuer,
  clientID: "dex",
  clientSecret: "dex-secret",
  redirectURI: `${issuer}/callback`,
  scopes: ["profile", "email", "groups", "offline_access"],
  insecureEnableGroups: true,
  getUserInfo: true,
};
const clock = handClock(Date.now());
const server = await startServerUnderTest(
  {
    connectors: [
      { type: "oidc", id: "secret", name: "With a secret", config: settings },
      {
        type: "oidc",
        id: "key",
        name: "With a key",
        config: {
          ...settings,
          clientID: "dex-key",
          clientSecret: "",
          privateKeyJWT: { key: upstream.clientKey, keyID: "dex" },
        },
      },
    ],
  },
  { clock },
);
after(async () => {
  await server.close();
  await upstream.close();
});

const scope = "openid email profile groups offline_access";

async function signInThrough(agent: UserAgent, connector: string) {
  const away = await agent.get(authPath({ scope }, undefined, `/auth/${connector}`));
  assert.equal(away.location?.origin, upstream.issuer, away.body);
  const back = await upstream.browse(away.location);
  return tokensOf(await redeem(agent, toldClient(await agent.follow(await agent.get(back.href))).code ?? ""));
}

describe("a certified provider", () => {
  for (const connector of ["secret", "key"]) {
    it(`signs people in, with a ${connector}`, async () => {
      const agent = server.newAgent();
      const { claims } = await verify((await signInThrough(agent, connector)).id_token, server, agent);
      assert.deepEqual(
        [claims.name, claims.email, claims.email_verified, claims.groups],
        ["Jane", "jane@up.test", true, ["staff"]],
      );
    });
  }

  it("refreshes with what changed, and its rotating tokens survive ten at once", async () => {
    const agent = server.newAgent();
    const { refresh_token } = await signInThrough(agent, "secret");
    upstream.claims.set("jane", { ...upstream.claims.get("jane"), groups: ["staff", "new"] });
    const second = tokensOf(await refresh(agent, refresh_token ?? ""));
    assert.deepEqual((await verify(second.id_token, server, agent)).claims.groups, ["staff", "new"]);
    const answers = await Promise.all(Array.from({ length: 10 }, () => refresh(agent, second.refresh_token ?? "")));
    const good = answers.filter(({ status }) => status === 200);
    assert.ok(good.length >= 1);
    const [winner] = good;
    // A token that had come twice would have ended everything.
    tokensOf(await refresh(agent, winner === undefined ? "" : refreshTokenOf(winner)));
  });

  it("says of an access token whose it is, and so it can be exchanged", async () => {
    const agent = server.newAgent();
    const exchange = (subject_token: string) =>
      askToken(agent, {
        grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
        connector_id: "secret",
        scope: "openid profile",
        subject_token,
        subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
        requested_token_type: "urn:ietf:params:oauth:token-type:id_token",
      });
    const mine = await accessToken("dex");
    const exchanged = await exchange(mine);
    assert.equal(exchanged.status, 200, exchanged.body);
    const other = await accessToken("dex-key");
    assert.notEqual((await exchange(other)).status, 200, "it was issued to another client");
    assert.notEqual((await exchange("nothing")).status, 200);
  });
});

/** An access token of the upstream's, as its client gets it. */
async function accessToken(client: "dex" | "dex-key"): Promise<string> {
  const { SignJWT, importPKCS8 } = await import("jose");
  const query = new URLSearchParams({
    client_id: client,
    redirect_uri: `${issuer}/callback`,
    response_type: "code",
    scope: "openid profile email",
    code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    code_challenge_method: "S256",
    state: "s",
  });
  const back = await upstream.browse(new URL(`${upstream.issuer}/auth?${query}`));
  const form = new URLSearchParams({
    grant_type: "authorization_code",
    code: back.searchParams.get("code") ?? "",
    redirect_uri: `${issuer}/callback`,
    // RFC 7636 appendix B.
    code_verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
  });
  const headers = new Headers();
  if (client === "dex") headers.set("authorization", `Basic ${Buffer.from("dex:dex-secret").toString("base64")}`);
  else {
    const assertion = new SignJWT({ jti: crypto.randomUUID() })
      .setProtectedHeader({ alg: "RS256", kid: "dex" })
      .setIssuer(client)
      .setSubject(client)
      .setAudience(upstream.issuer)
      .setIssuedAt()
      .setExpirationTime("1m");
    form.set("client_id", client);
    form.set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    form.set("client_assertion", await assertion.sign(await importPKCS8(upstream.clientKey, "RS256")));
  }
  const response = await fetch(`${upstream.issuer}/token`, { method: "POST", body: form, headers });
  const { access_token } = (await response.json()) as { readonly access_token?: string };
  assert.ok(access_token !== undefined, `no access token: ${response.status}`);
  return access_token;
}
