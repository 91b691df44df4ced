/** Whether a token counts. RFC 7662, at Dex's address and with Dex's members. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { app, assertRefused, type Params, refresh, signIn, tokensOf } from "./relying-party.ts";
import { appClient, type ServerUnderTest, startServerUnderTest } from "./server-under-test.ts";
import type { Answer, UserAgent } from "./user-agent.ts";

const clients = [
  appClient,
  { id: "api", name: "A resource server", secret: "api-secret", redirectURIs: [] },
  { id: "open", name: "Public", public: true, redirectURIs: [app.redirectUri] },
  { id: "peer", name: "The Peer", secret: "x", redirectURIs: [], trustedPeers: ["app"] },
];
const server = await startServerUnderTest({ staticClients: clients });
const anonymous = await startServerUnderTest({
  staticClients: clients,
  oauth2: { skipApprovalScreen: true, anonymousIntrospection: true },
});
const limited = await startServerUnderTest({
  staticClients: clients,
  expiry: { refreshTokens: { absoluteLifetime: "10h", validIfNotUsedFor: "1h", reuseInterval: "30s" } },
});
const elliptic = await startServerUnderTest({
  staticClients: clients,
  signer: { type: "local", config: { keysRotationPeriod: "6h", algorithm: "ES256" } },
});
after(() => Promise.all([server, anonymous, limited, elliptic].map((each) => each.close())));
const agent = server.newAgent();
const api = { client_id: "api", client_secret: "api-secret" };
const owner = { client_id: "app", client_secret: "app-secret" };

const ask = (token: string | undefined, credentials: Params = api, who: UserAgent = agent): Promise<Answer> =>
  who.ask("/token/introspect", {
    method: "POST",
    form: Object.entries({ token, ...credentials }).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    ),
  });

/** What is said of a token, by an answer that nobody may keep. */
function told({ status, headers, body }: Answer): Readonly<Record<string, unknown>> {
  assert.equal(status, 200, body);
  assert.equal(headers["content-type"], "application/json");
  assert.equal(headers["cache-control"], "no-store");
  return JSON.parse(body);
}
const inactive = { active: false };
const now = (of: ServerUnderTest): number => Math.floor(of.clock.now() / 1000);

describe("a live access token", () => {
  it("is described to any client that proves itself, in Dex's members and order", async () => {
    const { access_token } = await signIn(agent, { scope: "openid email profile groups federated:id" });
    const { jti, ...rest } = told(await ask(access_token));
    assert.match(String(jti), /^[0-9a-f-]{36}$/);
    const iat = now(server);
    assert.deepEqual(rest, {
      active: true,
      client_id: "app",
      sub: "Cg0wLTM4NS0yODA4OS0wEgRtb2Nr",
      exp: iat + 86_400,
      iat,
      nbf: iat,
      aud: "app",
      iss: server.issuer,
      token_type: "Bearer",
      token_use: "access_token",
      ext: {
        email: "kilgore@kilgore.trout",
        email_verified: true,
        groups: ["authors"],
        name: "Kilgore Trout",
        federated_claims: { connector_id: "mock", user_id: "0-385-28089-0" },
      },
    });
  });

  it("of several audiences belongs to the client that asked for it", async () => {
    const { access_token } = await signIn(agent, { scope: "openid audience:server:client_id:peer" });
    const { client_id, aud, ext } = told(await ask(access_token));
    assert.deepEqual([client_id, aud, ext], ["app", ["peer", "app"], { azp: "app" }]);
  });

  it("may be asked about by client_secret_basic as well, and again and again", async () => {
    const { access_token } = await signIn(agent);
    const headers = { authorization: `Basic ${btoa("api:api-secret")}` };
    for (let use = 0; use < 3; use++) {
      const answer = await agent.ask("/token/introspect", { method: "POST", form: { token: access_token }, headers });
      assert.equal(told(answer).active, true);
    }
  });

  it("is known whatever algorithm signed it", async () => {
    const other = elliptic.newAgent();
    const { access_token, id_token = "" } = await signIn(other);
    for (const token of [access_token, id_token]) assert.equal(told(await ask(token, api, other)).active, true);
  });

  it("is known whatever the hint says: RFC 7662 §2.1", async () => {
    const { access_token, refresh_token } = await signIn(agent);
    for (const token_type_hint of ["refresh_token", "access_token", "nonsense"]) {
      for (const token of [access_token, refresh_token])
        assert.equal(told(await ask(token, { ...owner, token_type_hint })).active, true);
    }
  });
});

describe("a live refresh token", () => {
  it("is described to its client with its scopes, and without an end that it does not have", async () => {
    const { refresh_token } = await signIn(agent);
    const iat = now(server);
    assert.deepEqual(told(await ask(refresh_token, owner)), {
      active: true,
      scope: "openid email profile groups offline_access",
      client_id: "app",
      sub: "Cg0wLTM4NS0yODA4OS0wEgRtb2Nr",
      iat,
      nbf: iat,
      aud: "app",
      iss: server.issuer,
      token_type: "Bearer",
      token_use: "refresh_token",
      ext: { email: "kilgore@kilgore.trout", email_verified: true, groups: ["authors"], name: "Kilgore Trout" },
    });
  });

  it("is nothing to another client", async () => {
    const { refresh_token } = await signIn(agent);
    assert.deepEqual(told(await ask(refresh_token)), inactive);
  });

  it("is not used up or kept alive by asking", async () => {
    const other = limited.newAgent();
    const { refresh_token = "" } = await signIn(other);
    const end = now(limited) + 3600;
    for (let minutes = 0; minutes < 60; minutes += 20) {
      assert.equal(told(await ask(refresh_token, owner, other)).exp, end);
      await limited.clock.advance(20 * 60_000);
    }
    assert.equal(told(await ask(refresh_token, owner, other)).active, true);
    await limited.clock.advance(1);
    assert.deepEqual(told(await ask(refresh_token, owner, other)), inactive);
  });

  it("that was rotated lives on in the reuse interval only", async () => {
    const other = limited.newAgent();
    const { refresh_token = "" } = await signIn(other);
    await limited.clock.advance(60_000);
    tokensOf(await refresh(other, refresh_token));
    assert.equal(told(await ask(refresh_token, owner, other)).active, true);
    await limited.clock.advance(30_001);
    assert.deepEqual(told(await ask(refresh_token, owner, other)), inactive);
  });
});

describe("inactive, and no more is said: RFC 7662 §2.2", () => {
  it("is what we did not issue", async () => {
    const stranger = await signIn(anonymous.newAgent());
    const { access_token } = await signIn(agent);
    const [header, payload, signature = ""] = access_token.split(".");
    for (const token of [
      "x",
      "..",
      "a.b.c",
      "CgA",
      "CgEAEgEA",
      stranger.access_token,
      stranger.refresh_token,
      `${header}.${payload}.`,
      `${header}.${payload}.${signature.slice(1)}`,
      `${access_token}.`,
      `${access_token}=`,
      "é".repeat(100),
      "x".repeat(300_000),
    ]) {
      assert.deepEqual(told(await ask(token)), inactive, token?.slice(0, 40));
    }
  });

  it("is what has expired", async () => {
    const { access_token } = await signIn(agent);
    assert.equal(told(await ask(access_token)).active, true);
    await server.clock.advance(86_400_000);
    assert.deepEqual(told(await ask(access_token)), inactive);
  });
});

describe("the asker: RFC 7662 §2.1", () => {
  for (const [what, credentials] of [
    ["nobody", {}],
    ["an unknown client", { client_id: "none", client_secret: "x" }],
    ["a wrong secret", { client_id: "api", client_secret: "wrong" }],
    ["a public client, which proves nothing", { client_id: "open" }],
  ] as const) {
    it(`is refused as ${what}, whether or not the token is good`, async () => {
      const { access_token } = await signIn(agent);
      for (const token of [access_token, "x"]) {
        const answer = await ask(token, credentials);
        assertRefused(answer, "invalid_client", "Invalid client credentials.", 401);
        assert.match(answer.headers["www-authenticate"] ?? "", /^Basic realm="[^"]+"$/);
      }
    });
  }

  it("may be anybody where the operator says so, as in Dex", async () => {
    const other = anonymous.newAgent();
    const { access_token, refresh_token } = await signIn(other);
    assert.equal(told(await ask(access_token, {}, other)).active, true);
    assert.equal(told(await ask(refresh_token, {}, other)).active, true);
    const { body } = await other.get("/.well-known/openid-configuration");
    assert.ok(JSON.parse(body).introspection_endpoint_auth_methods_supported.includes("none"));
  });
});

describe("a request that is none", () => {
  it("is refused in Dex's words", async () => {
    const get = await agent.get("/token/introspect");
    assertRefused(get, "invalid_request", 'HTTP method is "GET", expected "POST".');
    const post = (form: Params) => agent.post("/token/introspect", form as Record<string, string>);
    assertRefused(await post({}), "invalid_request", "The POST body can not be empty.");
    const none = "The POST body doesn't contain 'token' parameter.";
    assertRefused(await post({ ...api }), "invalid_request", none);
    assertRefused(await post({ ...api, token: "" }), "invalid_request", none);
    const body = `token=a&token=b&${new URLSearchParams(api)}`;
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    assertRefused(await agent.ask("/token/introspect", { method: "POST", body, headers }), "invalid_request");
  });
});

it("a token of a client that is gone is inactive, not a fault", async () => {
  const folder = mkdtempSync(join(tmpdir(), "dex-introspection-"));
  const storage = { type: "sqlite3", config: { file: join(folder, "dex.db") } };
  const first = await startServerUnderTest({ storage, staticClients: clients });
  const { access_token, refresh_token } = await signIn(first.newAgent());
  await first.close();
  const later = await startServerUnderTest({ storage, staticClients: clients.slice(1) }, first);
  const other = later.newAgent();
  for (const token of [access_token, refresh_token]) assert.deepEqual(told(await ask(token, api, other)), inactive);
  await later.close();
  rmSync(folder, { recursive: true });
});
