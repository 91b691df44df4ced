/** The person's name and password, handed over by the client. RFC 6749 §4.3. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import {
  app,
  askToken,
  assertRefused,
  type Params,
  refresh,
  refreshTokenOf,
  tokensOf,
  userinfo,
  verify,
} from "./relying-party.ts";
import { type ConfigFile, mockConnector, passwordConnector, startServerUnderTest } from "./server-under-test.ts";

const client = { id: "app", name: "The App", secret: "app-secret", redirectURIs: [app.redirectUri] };
const file: ConfigFile = {
  connectors: [mockConnector, passwordConnector],
  oauth2: { passwordConnector: "pw", skipApprovalScreen: true },
};
const server = await startServerUnderTest(file);
const unset = await startServerUnderTest({ connectors: [passwordConnector] });
const narrowed = await startServerUnderTest({
  ...file,
  connectors: [mockConnector, { ...passwordConnector, grantTypes: ["password"] }],
});
const foreign = await startServerUnderTest({ ...file, staticClients: [{ ...client, allowedConnectors: ["mock"] }] });
const sent = await startServerUnderTest({ ...file, oauth2: { passwordConnector: "mock" } });
after(() => Promise.all([server, unset, narrowed, foreign, sent].map((each) => each.close())));
const agent = server.newAgent();
const right = { username: "kilgore", password: "trout" };
const ask = (more: Params = {}, asker = agent) =>
  askToken(asker, { grant_type: "password", scope: "openid", ...right, ...more });

describe("a password that is right", () => {
  it("is worth an access token and an ID token about the person", async () => {
    const tokens = tokensOf(await ask({ scope: "openid profile email groups federated:id", nonce: "n" }));
    assert.equal(tokens.refresh_token, undefined);
    const { claims } = await verify(tokens.id_token, server, agent);
    const { iat, exp, jti, at_hash, ...about } = claims;
    assert.deepEqual(about, {
      iss: server.issuer,
      sub: "Cg0wLTM4NS0yODA4OS0wEgJwdw",
      aud: "app",
      nonce: "n",
      email: "kilgore@kilgore.trout",
      email_verified: true,
      name: "Kilgore Trout",
      federated_claims: { connector_id: "pw", user_id: "0-385-28089-0" },
    });
    assert.equal((await userinfo(agent, tokens.access_token)).status, 200);
  });

  it("is worth a refresh token too, where that is asked for and permitted", async () => {
    const first = refreshTokenOf(await ask({ scope: "openid offline_access" }));
    const second = refreshTokenOf(await refresh(agent, first));
    assert.notEqual(second, first);
    const other = narrowed.newAgent();
    assert.equal(tokensOf(await ask({ scope: "openid offline_access" }, other)).refresh_token, undefined);
  });
});

describe("it is refused", () => {
  for (const [what, more] of [
    ["a wrong password", { password: "salmon" }],
    ["a wrong name", { username: "nobody" }],
    ["no password", { password: undefined }],
    ["no name", { username: undefined }],
    ["nothing at all", { username: undefined, password: undefined }],
  ] as const) {
    it(`${what}: RFC 6749 §5.2`, async () => {
      assertRefused(await ask(more), "invalid_grant", "Invalid username or password");
    });
  }

  it("without openid, a known scope or a trusting audience", async () => {
    assertRefused(await ask({ scope: undefined }), "invalid_scope", 'Missing required scope(s) ["openid"].');
    assertRefused(await ask({ scope: "openid wat" }), "invalid_scope", 'Unrecognized scope(s) ["wat"]');
    const scope = "audience:server:client_id:none";
    const told = `Client can't request scope(s) ["${scope}"]`;
    assertRefused(await ask({ scope: `openid ${scope}` }), "invalid_scope", told);
  });

  it("to a client that may not use the connector, whether the password is right or wrong", async () => {
    for (const password of ["trout", "salmon"]) {
      const answer = await ask({ password }, foreign.newAgent());
      assertRefused(answer, "invalid_grant", "Connector not allowed for this client.");
    }
    assert.ok(!foreign.log.some((line) => line.includes("login failed")), "the upstream was asked");
  });

  it("by a connector that has no passwords", async () => {
    assertRefused(await ask({}, sent.newAgent()), "invalid_request");
  });

  it("where no connector is configured for it: RFC 9700 §2.4", async () => {
    assertRefused(await ask({}, unset.newAgent()), "unsupported_grant_type", "");
  });
});
