/** Tokens from the authorization endpoint. OIDC Core §3.2, §3.3, OAuth 2.0 Multiple Response Types §5. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, describe, it } from "node:test";
import { app, authorize, redeem, tokensOf, toldClient, userinfo, verify } from "./relying-party.ts";
import { appClient, issuer, mockConnector, startServerUnderTest } from "./server-under-test.ts";

const server = await startServerUnderTest({
  oauth2: { skipApprovalScreen: true, responseTypes: ["code", "id_token", "token"] },
  staticClients: [
    appClient,
    { id: "queried", name: "Queried", secret: "x", redirectURIs: ["https://app.example/cb?a=1"] },
  ],
});
const hybridOnly = await startServerUnderTest({
  oauth2: { skipApprovalScreen: true, responseTypes: ["code", "code id_token"] },
  connectors: [mockConnector],
});
after(() => Promise.all([server.close(), hybridOnly.close()]));
const agent = server.newAgent();

const halfHash = (text: string): string =>
  createHash("sha256").update(text).digest().subarray(0, 16).toString("base64url");

describe("a fragment answer", () => {
  const implicit = ["expires_in", "iss", "state", "token_type"];
  for (const [type, names] of [
    ["id_token", ["id_token", "iss", "state"]],
    ["id_token token", ["access_token", "id_token", ...implicit]],
    ["token id_token", ["access_token", "id_token", ...implicit]],
    ["code id_token", ["code", "id_token", "iss", "state"]],
    ["code token", ["access_token", "code", ...implicit]],
    ["code id_token token", ["access_token", "code", "id_token", ...implicit]],
    ["token code id_token code", ["access_token", "code", "id_token", ...implicit]],
  ] as const) {
    it(`to "${type}" holds exactly what was asked for, and tokens that tie together`, async () => {
      const answer = await authorize(agent, { response_type: type, nonce: "n-1", scope: "openid email" });
      assert.equal(answer.location?.search, "");
      const told = toldClient(answer);
      assert.deepEqual(Object.keys(told).sort(), [...names].sort());
      assert.equal(told.iss, issuer);
      assert.equal(told.state, "a state");
      if (told.access_token !== undefined) {
        assert.equal(told.token_type, "bearer");
        assert.equal(told.expires_in, "86400");
        assert.equal((await userinfo(agent, told.access_token)).status, 200);
      }
      if (told.id_token !== undefined) {
        const { claims } = await verify(told.id_token, server, agent);
        assert.equal(claims.nonce, "n-1");
        assert.equal(claims.aud, "app");
        assert.equal(claims.email, "kilgore@kilgore.trout");
        assert.equal(claims.at_hash, told.access_token === undefined ? undefined : halfHash(told.access_token));
        assert.equal(claims.c_hash, told.code === undefined ? undefined : halfHash(told.code));
      }
      if (told.code !== undefined) {
        const later = tokensOf(await redeem(agent, told.code));
        const { claims } = await verify(later.id_token, server, agent);
        assert.equal(claims.nonce, "n-1");
        assert.equal(claims.c_hash, halfHash(told.code));
      }
    });
  }

  for (const state of ["a/b=c", "a b&c#d%", "ä€😀"]) {
    it(`is encoded once: state ${state}`, async () => {
      const answer = await authorize(agent, { response_type: "id_token", nonce: "n", state });
      assert.equal(new URLSearchParams(answer.location?.hash.slice(1)).get("state"), state);
    });
  }

  it("leaves the client's query as it is, and has no state where none was sent", async () => {
    const client = { id: "queried", secret: "x", redirectUri: "https://app.example/cb?a=1" };
    const answer = await authorize(agent, { response_type: "id_token", nonce: "n", state: undefined }, client);
    assert.match(answer.headers.location ?? "", /^https:\/\/app\.example\/cb\?a=1#/);
    assert.deepEqual([...new URLSearchParams(answer.location?.hash.slice(1)).keys()].sort(), ["id_token", "iss"]);
  });

  it("needs no nonce where no ID token comes with it", async () => {
    assert.ok(toldClient(await authorize(agent, { response_type: "code token" })).code !== undefined);
  });

  it("is given once: the way back leads to a page", async () => {
    const other = server.newAgent();
    const begun = await other.get((await other.get(`/auth?${query}`)).location?.href ?? "");
    const callback = begun.location?.href ?? "";
    assert.equal((await other.get(callback)).status, 303);
    assert.equal((await other.get(callback)).status, 400);
  });

  it("never holds a refresh token", async () => {
    const told = toldClient(
      await authorize(agent, { response_type: "id_token token", nonce: "n", scope: "openid offline_access" }),
    );
    assert.equal(told.refresh_token, undefined);
  });
});

describe("a combination that is configured by itself", () => {
  const other = hybridOnly.newAgent();

  it("is answered, in any order", async () => {
    for (const type of ["code id_token", "id_token code"]) {
      assert.ok(toldClient(await authorize(other, { response_type: type, nonce: "n" })).id_token !== undefined);
    }
  });

  it("allows none of its parts that is not configured", async () => {
    for (const type of ["id_token", "code token", "code id_token token"]) {
      assert.equal(
        toldClient(await authorize(other, { response_type: type, nonce: "n" })).error,
        "unsupported_response_type",
      );
    }
  });
});

const query = new URLSearchParams({
  client_id: app.id,
  redirect_uri: app.redirectUri,
  response_type: "id_token",
  scope: "openid",
  nonce: "n",
}).toString();
