/** A token of an upstream for one of ours. RFC 8693, with Dex's `connector_id`. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { z } from "zod";
import { app, assertRefused, type Params, queryOf, userinfo, verify } from "./relying-party.ts";
import { mockConnector, passwordConnector, startServerUnderTest } from "./server-under-test.ts";
import type { Answer } from "./user-agent.ts";

const redirectURIs = [app.redirectUri];
const server = await startServerUnderTest({
  staticClients: [
    { id: "app", name: "The App", secret: "app-secret", redirectURIs },
    { id: "open", name: "Public", public: true, redirectURIs },
    { id: "walled", name: "Walled", secret: "x", redirectURIs, allowedConnectors: ["pw"] },
    { id: "peer", name: "The Peer", secret: "x", redirectURIs, trustedPeers: ["app"] },
    { id: "second", name: "The Second", secret: "x", redirectURIs, trustedPeers: ["app"] },
    { id: "stranger", name: "A Stranger", secret: "x", redirectURIs },
  ],
  connectors: [
    mockConnector,
    passwordConnector,
    { ...mockConnector, id: "codes-only", name: "Codes only", grantTypes: ["authorization_code"] },
  ],
});
after(() => server.close());
const agent = server.newAgent();
const type = (name: string): string => `urn:ietf:params:oauth:token-type:${name}`;

/** `more` overrides, undefined removes; a list is sent as often as it is long. */
function exchange(more: Readonly<Record<string, string | readonly string[] | undefined>> = {}): Promise<Answer> {
  const form = Object.entries({
    grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
    client_id: "app",
    client_secret: "app-secret",
    connector_id: "mock",
    subject_token: "an upstream's token",
    subject_token_type: type("id_token"),
    ...more,
  }).flatMap(([name, value]) => [value ?? []].flat().map((each) => [name, each] as const));
  return agent.ask("/token", { method: "POST", form });
}

const answer = z.strictObject({
  access_token: z.string(),
  issued_token_type: z.string(),
  token_type: z.string(),
  expires_in: z.number(),
  scope: z.string().optional(),
});
function exchanged({ status, body, headers }: Answer): z.output<typeof answer> {
  assert.equal(status, 200, body);
  assert.equal(headers["cache-control"], "no-store");
  return answer.parse(JSON.parse(body));
}

describe("an exchange", () => {
  for (const subject of ["id_token", "access_token"]) {
    it(`gives an access token for an ${subject}, and says so: RFC 8693 §2.2.1`, async () => {
      const { access_token, ...rest } = exchanged(
        await exchange({ subject_token_type: type(subject), scope: "openid email groups" }),
      );
      assert.deepEqual(rest, { issued_token_type: type("access_token"), token_type: "bearer", expires_in: 86_400 });
      const { claims } = await verify(access_token, server, agent);
      assert.deepEqual(
        [claims.sub, claims.aud, claims.email, claims.groups, claims.nonce],
        ["Cg0wLTM4NS0yODA4OS0wEgRtb2Nr", "app", "kilgore@kilgore.trout", ["authors"], undefined],
      );
      assert.equal((await userinfo(agent, access_token)).status, 200);
    });
  }

  it("gives an ID token where that is asked for: none to call with, none with a hash of nothing", async () => {
    const issued = exchanged(await exchange({ requested_token_type: type("id_token"), scope: "profile" }));
    assert.deepEqual([issued.issued_token_type, issued.token_type], [type("id_token"), "N_A"]);
    const { claims } = await verify(issued.access_token, server, agent);
    assert.deepEqual([claims.name, claims.at_hash], ["Kilgore Trout", undefined]);
  });

  it("needs no scope", async () => {
    const { claims } = await verify(exchanged(await exchange()).access_token, server, agent);
    assert.deepEqual([claims.email, claims.groups, claims.name], [undefined, undefined, undefined]);
  });

  it("says which scopes are left where it leaves some out: RFC 6749 §3.3", async () => {
    assert.equal(exchanged(await exchange({ scope: "openid wat offline_access email" })).scope, "openid email");
    assert.equal(exchanged(await exchange({ scope: "openid email" })).scope, undefined);
  });

  it("is for the audiences that it names, several of them too: RFC 8693 §2.1", async () => {
    const one = exchanged(await exchange({ audience: "peer" }));
    assert.deepEqual((await verify(one.access_token, server, agent)).claims.aud, ["peer", "app"]);
    const two = exchanged(await exchange({ audience: ["peer", "second"], scope: "openid" }));
    assert.deepEqual((await verify(two.access_token, server, agent)).claims.aud, ["peer", "second", "app"]);
    const self = exchanged(await exchange({ audience: "app" }));
    assert.equal((await verify(self.access_token, server, agent)).claims.aud, "app");
    const scope = exchanged(await exchange({ scope: "audience:server:client_id:peer" }));
    assert.deepEqual((await verify(scope.access_token, server, agent)).claims.aud, ["peer", "app"]);
  });

  it("is open to a public client, as in Dex", async () => {
    exchanged(await exchange({ client_id: "open", client_secret: undefined }));
  });
});

describe("it is refused", () => {
  const rows: readonly (readonly [
    what: string,
    more: Parameters<typeof exchange>[0],
    error: string,
    description?: string,
  ])[] = [
    ["without a subject_token", { subject_token: undefined }, "invalid_request", "Missing subject_token"],
    ["without its type", { subject_token_type: undefined }, "invalid_request", "Invalid subject_token_type."],
    ["for a type we cannot check", { subject_token_type: type("saml2") }, "invalid_request"],
    [
      "for a token we cannot make",
      { requested_token_type: type("refresh_token") },
      "invalid_request",
      "Invalid requested_token_type.",
    ],
    ["for delegation", { actor_token: "x", actor_token_type: type("id_token") }, "invalid_request"],
    ["without a connector", { connector_id: undefined }, "invalid_request", "Requested connector does not exist."],
    ["at a connector that is none", { connector_id: "x" }, "invalid_request", "Requested connector does not exist."],
    [
      "at a connector that knows no tokens",
      { connector_id: "pw" },
      "invalid_request",
      "Requested connector does not exist.",
    ],
    [
      "at a connector that permits other grants only",
      { connector_id: "codes-only" },
      "invalid_request",
      "Requested connector does not support this grant type.",
    ],
    [
      "to a client that may not use the connector",
      { client_id: "walled", client_secret: "x" },
      "invalid_grant",
      "Connector not allowed for this client.",
    ],
    ["for an audience that does not trust the client", { audience: "stranger" }, "invalid_target"],
    ["for one audience of two", { audience: ["peer", "stranger"] }, "invalid_target"],
    ["for an audience that is none", { audience: "x" }, "invalid_target"],
    ["for a resource, which is no client", { resource: "https://api.example/" }, "invalid_target"],
    ["for a distrusting audience by scope", { scope: "audience:server:client_id:stranger" }, "invalid_scope"],
    ["with a parameter sent twice", { subject_token: ["a", "b"] }, "invalid_request"],
  ];
  for (const [what, more, error, description] of rows) {
    it(what, async () => assertRefused(await exchange(more), error, description));
  }

  it("to a client that does not prove itself", async () => {
    assertRefused(await exchange({ client_secret: "wrong" }), "invalid_client", undefined, 401);
  });

  it("nothing for thirty thousand words without a meaning, at no cost beyond their length", async () => {
    const scope = Array.from({ length: 30_000 }, (_, index) => index.toString(36)).join(" ");
    const began = process.cpuUsage();
    assert.equal((await exchange({ scope })).status, 200);
    const { user } = process.cpuUsage(began);
    assert.ok(user < 1_500_000, `${user} microseconds`);
  });

  it("with anything in the address", async () => {
    const query: Params = { client_id: "app", client_secret: "app-secret", connector_id: "mock" };
    const form = { grant_type: "urn:ietf:params:oauth:grant-type:token-exchange" };
    assertRefused(await agent.post(`/token?${queryOf(query)}`, form), "invalid_client", undefined, 401);
  });
});
