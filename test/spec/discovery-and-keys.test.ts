/** What clients read before anything else. OIDC Discovery §3, §4, RFC 8414, RFC 7517 §5. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { z } from "zod";
import {
  authorize,
  codeOf,
  obtainCode,
  redeem,
  signIn,
  tokensOf,
  toldClient,
  userinfo,
  verify,
} from "./relying-party.ts";
import {
  type ConfigFile,
  issuer,
  mockConnector,
  type ServerUnderTest,
  startServerUnderTest,
} from "./server-under-test.ts";
import type { UserAgent } from "./user-agent.ts";

const open: ServerUnderTest[] = [];
after(() => Promise.all(open.map((server) => server.close())));

async function start(file: ConfigFile = {}): Promise<readonly [ServerUnderTest, UserAgent]> {
  const server = await startServerUnderTest(file);
  open.push(server);
  return [server, server.newAgent()];
}

const [server, agent] = await start();
const wellKnown = "/.well-known/openid-configuration";

describe("the discovery document", () => {
  it("is this, in this order", async () => {
    const expected = {
      issuer,
      authorization_endpoint: `${issuer}/auth`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/keys`,
      userinfo_endpoint: `${issuer}/userinfo`,
      device_authorization_endpoint: `${issuer}/device/code`,
      introspection_endpoint: `${issuer}/token/introspect`,
      grant_types_supported: [
        ...["authorization_code", "refresh_token"],
        ...["urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange"],
      ],
      response_types_supported: ["code"],
      response_modes_supported: ["query", "fragment", "form_post"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["RS256"],
      code_challenge_methods_supported: ["S256", "plain"],
      scopes_supported: ["openid", "email", "groups", "profile", "offline_access", "federated:id"],
      token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post", "none"],
      claims_supported: [
        ...["iss", "sub", "aud", "azp", "iat", "exp", "jti", "auth_time", "nonce", "acr", "amr", "at_hash", "c_hash"],
        ...["email", "email_verified", "name", "preferred_username", "groups", "federated_claims"],
      ],
      introspection_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
      revocation_endpoint: `${issuer}/token/revoke`,
      revocation_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post", "none"],
      claim_types_supported: ["normal"],
      claims_parameter_supported: true,
      acr_values_supported: ["1"],
      prompt_values_supported: ["none", "login", "consent", "select_account"],
      display_values_supported: ["page", "popup", "touch"],
      ui_locales_supported: ["en", "de", "es", "fr"],
      authorization_response_iss_parameter_supported: true,
      request_parameter_supported: false,
      request_uri_parameter_supported: false,
    };
    const { status, headers, body } = await agent.get(wellKnown);
    assert.equal(status, 200);
    assert.equal(headers["content-type"], "application/json");
    assert.equal(headers["content-length"], String(Buffer.byteLength(body)));
    assert.equal(body, JSON.stringify(expected, undefined, 2));
  });

  it("may be kept for a while, unlike what is about a person", async () => {
    assert.match(String((await agent.get(wellKnown)).headers["cache-control"]), /^public, max-age=\d+$/);
  });

  it("names no endpoint that is not there", async () => {
    const document = z.record(z.string(), z.unknown()).parse(JSON.parse((await agent.get(wellKnown)).body));
    const endpoints = Object.entries(document).filter(([name]) => name.endsWith("_endpoint") || name.endsWith("_uri"));
    assert.ok(endpoints.length >= 4);
    for (const [name, url] of endpoints) {
      assert.notEqual((await agent.ask(String(url), { method: "POST", form: {} })).status, 404, name);
    }
  });

  it("lists what is configured: response types once and sorted, methods in their order", async () => {
    const [, other] = await start({
      oauth2: {
        responseTypes: ["token", "id_token", "code", "code"],
        pkce: { codeChallengeMethodsSupported: ["S256"] },
        grantTypes: ["implicit", "authorization_code"],
      },
    });
    const document = documentSchema.parse(JSON.parse((await other.get(wellKnown)).body));
    const combined = ["code", "code id_token", "code id_token token", "code token", "id_token", "id_token token"];
    assert.deepEqual(document.response_types_supported, combined);
    assert.deepEqual(document.code_challenge_methods_supported, ["S256"]);
    assert.deepEqual(document.grant_types_supported, ["authorization_code", "implicit"]);
  });

  it("lists a combination that is configured by itself, and no word of it alone", async () => {
    const [, other] = await start({ oauth2: { responseTypes: ["code id_token"] } });
    const document = documentSchema.parse(JSON.parse((await other.get(wellKnown)).body));
    assert.deepEqual(document.response_types_supported, ["code id_token"]);
  });

  it("is also where RFC 8414 §3.1 looks for it: by its own name, and before the issuer's path", async () => {
    const { body } = await agent.get(wellKnown);
    const { origin } = new URL(issuer);
    for (const address of [
      `${issuer}/.well-known/oauth-authorization-server`,
      `${origin}/.well-known/oauth-authorization-server/dex`,
      `${origin}/.well-known/openid-configuration/dex`,
    ]) {
      const answer = await agent.get(address);
      assert.deepEqual([answer.status, answer.headers["content-type"]], [200, "application/json"], address);
      assert.equal(answer.body, body);
    }
    for (const path of ["", "/", "/dex/", "/other"]) {
      assert.equal((await agent.get(`${origin}/.well-known/oauth-authorization-server${path}`)).status, 404, path);
    }
  });

  it("keeps the issuer's slash and doubles none", async () => {
    const slashed = "http://127.0.0.1:5556/dex/";
    const [place, other] = await start({ issuer: slashed });
    const document = documentSchema.parse(JSON.parse((await other.get(wellKnown)).body));
    assert.equal(document.issuer, slashed);
    assert.equal(document.authorization_endpoint, "http://127.0.0.1:5556/dex/auth");
    assert.equal(document.jwks_uri, "http://127.0.0.1:5556/dex/keys");
    const answer = await authorize(other, { connector_id: "mock" });
    assert.equal(toldClient(answer).iss, slashed);
    const tokens = tokensOf(await redeem(other, codeOf(answer)));
    assert.equal((await verify(tokens.id_token, place, other)).claims.iss, slashed);
    assert.equal((await userinfo(other, tokens.access_token)).status, 200);
  });

  it("of an issuer without a path lies at the root", async () => {
    const [place, other] = await start({ issuer: "http://127.0.0.1:5556" });
    const document = documentSchema.parse(JSON.parse((await other.get(wellKnown)).body));
    assert.equal(document.issuer, "http://127.0.0.1:5556");
    assert.equal(document.authorization_endpoint, "http://127.0.0.1:5556/auth");
    const tokens = tokensOf(await redeem(other, await obtainCode(other)));
    assert.equal((await verify(tokens.id_token, place, other)).claims.iss, "http://127.0.0.1:5556");
  });
});

const documentSchema = z.looseObject({
  issuer: z.string(),
  authorization_endpoint: z.string(),
  jwks_uri: z.string(),
  response_types_supported: z.array(z.string()),
  code_challenge_methods_supported: z.array(z.string()),
  grant_types_supported: z.array(z.string()),
  id_token_signing_alg_values_supported: z.array(z.string()),
});

const rsaKey = z.strictObject({
  use: z.literal("sig"),
  kty: z.literal("RSA"),
  kid: z.string().regex(/^[0-9a-f]{40}$/),
  alg: z.literal("RS256"),
  n: z.string().length(342),
  e: z.literal("AQAB"),
});
const keySet = z.strictObject({ keys: z.array(rsaKey).min(1) });
const kidsOf = async (from: UserAgent): Promise<readonly string[]> =>
  keySet.parse(JSON.parse((await from.get("/keys")).body)).keys.map(({ kid }) => kid);

describe("the key set", () => {
  it("holds public RSA keys of 2048 bits and nothing private, members in Dex's order", async () => {
    const { status, headers, body } = await agent.get("/keys");
    assert.equal(status, 200);
    assert.equal(headers["content-type"], "application/json");
    assert.equal(headers["cache-control"], "max-age=600, must-revalidate");
    const { keys } = keySet.parse(JSON.parse(body));
    assert.equal(body, JSON.stringify({ keys }, undefined, 2));
    for (const key of z.object({ keys: z.array(z.looseObject({})) }).parse(JSON.parse(body)).keys) {
      assert.deepEqual(Object.keys(key), ["use", "kty", "kid", "alg", "n", "e"]);
    }
  });

  it("begins with the key that signs now", async () => {
    const { header } = await verify((await signIn(agent)).id_token, server, agent);
    assert.equal((await kidsOf(agent))[0], header.kid);
  });

  it("answers any method, HEAD without a body", async () => {
    assert.equal((await agent.ask("/keys", { method: "POST" })).status, 200);
    const head = await agent.ask("/keys", { method: "HEAD" });
    assert.equal(head.status, 200);
    assert.equal(head.body, "");
    assert.ok(Number(head.headers["content-length"]) > 0);
  });

  it("shows a key before it signs, and as long as what it signed may be alive", async () => {
    const [rotating, other] = await start({
      signer: { type: "local", config: { keysRotationPeriod: "1h" } },
      expiry: { idTokens: "2h" },
    });
    const first = await signIn(other);
    const { header } = await verify(first.id_token, rotating, other);
    const known = new Set(await kidsOf(other));
    let signedBy = header.kid;
    // Half a cache period at a time: whoever holds a set that old can still verify what is signed now.
    for (let step = 0; step < 24; step++) {
      const held = new Set(await kidsOf(other));
      // At rest are the signer, who may be making a key, the garbage collector and the courier.
      await rotating.clock.advance(5 * 60_000, 3);
      const tokens = tokensOf(await redeem(other, await obtainCode(other)));
      const signed = await verify(tokens.id_token, rotating, other);
      assert.ok(held.has(signed.header.kid ?? ""), `step ${step}`);
      assert.equal((await kidsOf(other))[0], signed.header.kid);
      signedBy = signed.header.kid;
      // The first ID token lives two hours: its key must still be there.
      if (step < 23) assert.equal((await userinfo(other, first.access_token)).status, 200, `step ${step}`);
    }
    assert.notEqual(signedBy, header.kid);
    assert.ok((await kidsOf(other)).some((kid) => !known.has(kid)));
    await rotating.clock.advance(60_000);
    assert.equal((await userinfo(other, first.access_token)).status, 401);
  });
});

describe("ES256", () => {
  it("signs, is told in discovery, and is taken back at userinfo", async () => {
    const [place, other] = await start({
      connectors: [mockConnector],
      signer: { type: "local", config: { keysRotationPeriod: "6h", algorithm: "ES256" } },
    });
    const tokens = await signIn(other);
    const { header, claims } = await verify(tokens.id_token, place, other);
    assert.equal(header.alg, "ES256");
    assert.ok(claims.at_hash !== undefined);
    assert.equal((await userinfo(other, tokens.access_token)).status, 200);
    const document = documentSchema.parse(JSON.parse((await other.get(wellKnown)).body));
    assert.deepEqual(document.id_token_signing_alg_values_supported, ["ES256"]);
  });
});
