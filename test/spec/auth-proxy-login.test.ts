/** A login that an authenticating reverse proxy has already checked: Apache httpd in front of the whole server. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { apacheProxyPrograms, startApacheProxy } from "../peer/apache-proxy.ts";
import { missing } from "../peer/peer.ts";
import { assertPage, authPath, codeOf, redeem, tokensOf, verify } from "./relying-party.ts";
import { mockConnector, startServerUnderTest } from "./server-under-test.ts";
import { type Answer, UserAgent } from "./user-agent.ts";

const server = await startServerUnderTest({
  connectors: [
    mockConnector,
    { type: "authproxy", id: "proxy", name: "Proxy", config: { staticGroups: ["everyone"] } },
    { type: "authproxy", id: "other", name: "Other", config: { userHeader: "X-Forwarded-User" } },
    { type: "authproxy", id: "far", name: "Far", config: { trustedProxies: ["203.0.113.0/24"] } },
  ],
});
const skip = missing(apacheProxyPrograms);
const apache = skip === false ? await startApacheProxy(server.port, "/dex/callback/proxy") : undefined;
const visitors: UserAgent[] = [];
after(async () => {
  for (const visitor of visitors) visitor.close();
  await apache?.stop();
  await server.close();
});

/** A browser that sees the proxy and nothing else. */
function newVisitor(): UserAgent {
  const visitor = new UserAgent({ issuer: server.issuer, port: apache?.port ?? 0 });
  visitors.push(visitor);
  return visitor;
}

const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;

/** Begins a login; where the browser is sent to. */
async function begin(agent: UserAgent, id: string): Promise<URL> {
  let answer: Answer = await agent.get(authPath({ connector_id: id, scope: "openid profile email groups" }));
  while (!answer.location?.pathname.includes("/callback/")) answer = await agent.get(answer.location?.href ?? "");
  return answer.location;
}

describe("behind Apache httpd", { skip }, () => {
  it("a person is who the proxy says, whatever the browser adds", async () => {
    const visitor = newVisitor();
    const to = await begin(visitor, "proxy");
    const headers = { authorization: basic("jane", "foo"), "x-remote-user": "evil", "x-remote-user-id": "evil" };
    const tokens = tokensOf(await redeem(visitor, codeOf(await visitor.ask(to.href, { headers }))));
    const { claims } = await verify(tokens.id_token, server, visitor);
    // {1: "id-jane", 2: "proxy"}, as Dex writes it.
    assert.equal(claims.sub, "CgdpZC1qYW5lEgVwcm94eQ");
    assert.deepEqual(
      [claims.name, claims.preferred_username, claims.email, claims.groups],
      ["jane", "Jäne", "janedoe@example.com", ["admins", "dév", "everyone"]],
    );
  });

  it("the name stands for what the proxy does not say", async () => {
    const visitor = newVisitor();
    const to = await begin(visitor, "proxy");
    const answer = await visitor.ask(to.href, { headers: { authorization: basic("john", "bar") } });
    const { claims } = await verify(tokensOf(await redeem(visitor, codeOf(answer))).id_token, server, visitor);
    assert.deepEqual([claims.email, claims.groups], ["john", ["everyone"]]);
  });

  it("nobody gets by without a password", async () => {
    const visitor = newVisitor();
    const to = await begin(visitor, "proxy");
    for (const headers of [{}, { authorization: basic("jane", "bar") }])
      assert.equal((await visitor.ask(to.href, { headers })).status, 401);
  });

  it("nobody gets by over the path that the proxy does not guard", async () => {
    const visitor = newVisitor();
    for (const [id, name] of [
      ["proxy", "X-Remote-User"],
      ["other", "X-Forwarded-User"],
    ] as const) {
      const to = await begin(visitor, id);
      to.pathname = to.pathname.replace(`/${id}`, "");
      assertPage(await visitor.ask(to.href, { headers: { [name]: "admin" } }), 500);
    }
  });
});

describe("what a proxy says", () => {
  async function whoIs(headers: Readonly<Record<string, string>>) {
    const agent = server.newAgent();
    const to = await begin(agent, "proxy");
    const tokens = tokensOf(await redeem(agent, codeOf(await agent.ask(to.href, { headers }))));
    return (await verify(tokens.id_token, server, agent)).claims;
  }

  it("may be ten thousand groups", async () => {
    const groups = Array.from({ length: 10_000 }, (_, index) => `group ${String(index).padStart(5, "0")}`);
    const claims = await whoIs({ "x-remote-user": "jane", "x-remote-group": groups.join(",") });
    assert.deepEqual(claims.groups, [...groups, "everyone"]);
  });

  it("counts at the next login: groups that changed, an address that is gone", async () => {
    const before = await whoIs({
      "x-remote-user": "jane",
      "x-remote-user-email": "j@x.test",
      "x-remote-group": "a, b",
    });
    const now = await whoIs({ "x-remote-user": "jane", "x-remote-group": "b, c" });
    assert.equal(now.sub, before.sub);
    assert.deepEqual([before.groups, before.email], [["a", "b", "everyone"], "j@x.test"]);
    assert.deepEqual([now.groups, now.email], [["b", "c", "everyone"], "jane"]);
  });

  it("may have every reserved character", async () => {
    const name = `j"a'n<e>&=;:@/?#[]!$()*+%20\\ {}|^~\``;
    const claims = await whoIs({ "x-remote-user": name, "x-remote-group": `a&b;<c>=("d")` });
    assert.deepEqual([claims.name, claims.groups], [name, [`a&b;<c>=("d")`, "everyone"]]);
  });
});

describe("without the proxy", () => {
  it("headers of a peer that is not trusted say nothing", async () => {
    const agent = server.newAgent();
    const to = await begin(agent, "far");
    assertPage(await agent.ask(to.href, { headers: { "x-remote-user": "admin" } }), 500);
    assert.match(server.log.join("\n"), /127\.0\.0\.1 may not say who somebody is/);
  });

  it("a doubled header is refused", async () => {
    const agent = server.newAgent();
    const to = await begin(agent, "proxy");
    assertPage(await agent.ask(to.href, { headers: { "x-remote-user": ["admin", "jane"] } }), 500);
    assertPage(await agent.ask(to.href, { headers: { "x-remote-user": "jane", "X-Remote-Group": ["a", "b"] } }), 500);
    assertPage(await agent.ask(to.href, { headers: { x_remote_user: "jane" } }), 500);
    assert.ok(codeOf(await agent.ask(to.href, { headers: { "x-remote-user": "jane" } })));
  });

  it("another connector's path is not this one's", async () => {
    const agent = server.newAgent();
    const to = await begin(agent, "proxy");
    to.pathname = to.pathname.replace("/proxy", "/mock");
    assertPage(await agent.ask(to.href, { headers: { "x-remote-user": "admin" } }), 400);
  });
});
