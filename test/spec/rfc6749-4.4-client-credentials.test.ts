/** The client for itself. RFC 6749 §4.4. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { app, askToken, assertRefused, type Params, tokensOf, userinfo, verify } from "./relying-party.ts";
import { startServerUnderTest } from "./server-under-test.ts";

const clients = [
  {
    id: "app",
    name: "The App",
    secret: "app-secret",
    redirectURIs: [app.redirectUri],
    clientCredentialsClaims: { groups: ["robots", "writers"] },
  },
  { id: "open", name: "Public", public: true, redirectURIs: [app.redirectUri] },
  { id: "guarded", name: "Public with a secret", public: true, secret: "guard" },
  { id: "peer", name: "The Peer", secret: "x", redirectURIs: [], trustedPeers: ["app"] },
  { id: "stranger", name: "A Stranger", secret: "x", redirectURIs: [] },
];
const grant = "client_credentials";
const server = await startServerUnderTest({ staticClients: clients, oauth2: { grantTypes: [grant] } });
const silent = await startServerUnderTest({ staticClients: clients });
const enabled = await startServerUnderTest(
  { staticClients: clients },
  { env: { DEX_CLIENT_CREDENTIAL_GRANT_ENABLED_BY_DEFAULT: "true" } },
);
after(() => Promise.all([server.close(), silent.close(), enabled.close()]));
const agent = server.newAgent();
const ask = (more: Params = {}, client = app) => askToken(agent, { grant_type: grant, ...more }, client);

describe("a client that asks for itself", () => {
  it("needs no scope, and gets an access token about itself and nothing else", async () => {
    const answer = await ask();
    assert.equal(answer.headers["cache-control"], "no-store");
    assert.equal(answer.headers.pragma, "no-cache");
    const { access_token, ...rest } = tokensOf(answer);
    assert.deepEqual(rest, { token_type: "bearer", expires_in: 86_400 });
    const { claims } = await verify(access_token, server, agent);
    const { iat, exp, jti, at_hash, ...about } = claims;
    assert.deepEqual(about, { iss: server.issuer, sub: "CgNhcHA", aud: "app" });
    assert.equal(Number(exp) - Number(iat), 86_400);
    assert.match(String(jti), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.equal(typeof at_hash, "string");
  });

  it("gets an ID token for openid, with its own name, groups and nonce", async () => {
    const tokens = tokensOf(await ask({ scope: "openid profile groups email", nonce: "n" }));
    const { claims } = await verify(tokens.id_token, server, agent);
    const { iat, exp, jti, at_hash, ...about } = claims;
    assert.deepEqual(about, {
      iss: server.issuer,
      sub: "CgNhcHA",
      aud: "app",
      nonce: "n",
      email_verified: false,
      groups: ["robots", "writers"],
      name: "The App",
      preferred_username: "The App",
    });
    assert.equal((await userinfo(agent, tokens.access_token)).status, 200);
  });

  it("may name the audience of who trusts it", async () => {
    const { access_token } = tokensOf(await ask({ scope: "audience:server:client_id:peer" }));
    const { claims } = await verify(access_token, server, agent);
    assert.deepEqual([claims.aud, claims.azp], [["peer", "app"], "app"]);
  });
});

describe("it is refused", () => {
  const plural = "client_credentials grant does not support";
  for (const [what, scope, description] of [
    ["a refresh token: RFC 6749 §4.4.3", "openid offline_access", `${plural} offline_access scope.`],
    ["an upstream identity", "federated:id", `${plural} federated:id scope.`],
    ["a scope without a meaning", "openid wat", 'Unrecognized scope(s) ["wat"]'],
    [
      "an audience that does not trust it",
      "audience:server:client_id:stranger",
      `Client can't request scope(s) ["audience:server:client_id:stranger"]`,
    ],
  ] as const) {
    it(what, async () => assertRefused(await ask({ scope }), "invalid_scope", description));
  }

  for (const client of [
    { id: "open", redirectUri: app.redirectUri },
    { id: "guarded", secret: "guard", redirectUri: app.redirectUri },
  ]) {
    it(`as a public client, ${client.id}: RFC 6749 §4.4`, async () => {
      const answer = await ask({}, client);
      assertRefused(answer, "unauthorized_client", "Public clients cannot use client_credentials grant.");
    });
  }

  it("without its secret", async () => {
    assertRefused(await ask({ client_secret: undefined }), "invalid_client", undefined, 401);
  });
});

describe("the grant", () => {
  it("is off by default, and one setting of Dex's turns it on", async () => {
    const form = { grant_type: grant };
    assertRefused(await askToken(silent.newAgent(), form), "unsupported_grant_type", "");
    tokensOf(await askToken(enabled.newAgent(), form));
  });
});
