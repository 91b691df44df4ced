/** Which connector a login goes to, and what the person may choose from. RFC 6749 §4.1.1, OIDC Core §3.1.2.3. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { app, assertPage, authPath, codeOf, type Params, unescapeHtml } from "./relying-party.ts";
import {
  appClient,
  type ConfigFile,
  mockConnector,
  passwordConnector,
  type ServerUnderTest,
  startServerUnderTest,
} from "./server-under-test.ts";
import type { Answer } from "./user-agent.ts";

const open: ServerUnderTest[] = [];
after(() => Promise.all(open.map((server) => server.close())));

async function start(file: ConfigFile): Promise<ServerUnderTest> {
  const server = await startServerUnderTest(file);
  open.push(server);
  return server;
}

const staticClients = [
  appClient,
  { id: "choosy", name: "Choosy", secret: "x", redirectURIs: [app.redirectUri], allowedConnectors: ["zeta", "pw"] },
  { id: "faithful", name: "Faithful", secret: "x", redirectURIs: [app.redirectUri], allowedConnectors: ["pw"] },
];
const one = await start({ staticClients });
const several = await start({
  staticClients,
  oauth2: { skipApprovalScreen: true, responseTypes: ["code", "id_token", "token"] },
  connectors: [
    { ...mockConnector, id: "zeta", name: "beta" },
    { ...mockConnector, id: "alpha", name: "Gamma & <Delta>" },
    { ...passwordConnector, name: "Alpha" },
    { ...mockConnector, id: "front", name: "Front", grantTypes: ["implicit"] },
    { ...mockConnector, id: "back", name: "back", grantTypes: ["authorization_code", "refresh_token"] },
  ],
});
const loginHintDomains = { "Corp.example": "alpha", "other.example": "pw", "front.example": "front" };
const hinted = await start({
  staticClients,
  oauth2: { skipApprovalScreen: true, loginHintDomains },
  connectors: [
    { ...mockConnector, id: "alpha" },
    passwordConnector,
    { ...mockConnector, id: "front", grantTypes: ["implicit"] },
  ],
});
const showing = await start({ staticClients, oauth2: { skipApprovalScreen: true, alwaysShowLoginScreen: true } });

/** The choices on a page: id and address, in order. */
function choicesOf({ status, body }: Answer): readonly (readonly [id: string, href: string])[] {
  assert.equal(status, 200, body);
  return [...body.matchAll(/<a href="([^"]*)"[^>]*data-connector="([^"]*)"/g)].map(([, href = "", id = ""]) => [
    unescapeHtml(id),
    unescapeHtml(href),
  ]);
}

const idsAt = async (server: ServerUnderTest, more: Params = {}): Promise<readonly string[]> =>
  choicesOf(await server.newAgent().get(authPath(more))).map(([id]) => id);

/** Where `/auth` sends the browser at once: path, and parameters sorted by name. */
async function sentTo(server: ServerUnderTest, more: Params = {}): Promise<string> {
  const { status, headers, location } = await server.newAgent().get(authPath(more));
  assert.equal(status, 302);
  const names = [...(location?.searchParams.keys() ?? [])];
  assert.deepEqual(names, names.toSorted());
  assert.ok(!names.includes("connector_id"));
  return (headers.location ?? "").replace(/\?.*$/, "");
}

describe("with one connector", () => {
  it("/auth goes straight to it, with every parameter but connector_id, in alphabetical order", async () => {
    assert.equal(await sentTo(one, { nonce: "n", prompt: "login", custom: "kept" }), "/dex/auth/mock");
    assert.equal(await sentTo(one, { connector_id: "mock" }), "/dex/auth/mock");
    const { location } = await one.newAgent().get(authPath({ custom: "a b&c", connector_id: "mock" }));
    assert.equal(location?.searchParams.get("custom"), "a b&c");
  });

  it("the choice is shown all the same under alwaysShowLoginScreen", async () => {
    assert.deepEqual(await idsAt(showing), ["mock"]);
    assert.equal(await sentTo(showing, { connector_id: "mock" }), "/dex/auth/mock");
  });

  it("the form has no way back", async () => {
    const server = await start({ connectors: [passwordConnector] });
    const agent = server.newAgent();
    const form = await agent.follow(await agent.get(authPath()));
    assert.equal(form.url.searchParams.get("back"), "");
    assert.ok(!form.body.includes("theme-link-back"));
  });
});

describe("with several connectors", () => {
  it("the page offers those that permit this grant, by name, without regard to case", async () => {
    assert.deepEqual(await idsAt(several), ["pw", "back", "zeta", "alpha"]);
    const nonce = { nonce: "n" };
    assert.deepEqual(await idsAt(several, { response_type: "id_token", ...nonce }), ["pw", "zeta", "front", "alpha"]);
    assert.deepEqual(await idsAt(several, { response_type: "code id_token", ...nonce }), [
      "pw",
      "zeta",
      "front",
      "alpha",
    ]);
  });

  it("and that this client may use", async () => {
    assert.deepEqual(await idsAt(several, { client_id: "choosy" }), ["pw", "zeta"]);
    assert.equal(await sentTo(several, { client_id: "faithful" }), "/dex/auth/pw");
  });

  it("each choice leads to its connector with every parameter, and to the end", async () => {
    const agent = several.newAgent();
    const choices = choicesOf(await agent.get(authPath({ state: "a&b", scope: "openid email", nonce: "n" })));
    const [, href = ""] = choices.find(([id]) => id === "zeta") ?? [];
    const url = new URL(href, several.issuer);
    assert.equal(url.pathname, "/dex/auth/zeta");
    const sent = new URLSearchParams(
      authPath({ state: "a&b", scope: "openid email", nonce: "n" }).replace("/auth?", ""),
    );
    assert.deepEqual(Object.fromEntries(url.searchParams), Object.fromEntries(sent));
    const answer = await agent.follow(await agent.get(url.href));
    codeOf(answer);
    assert.equal(answer.location?.searchParams.get("state"), "a&b");
  });

  it("names are text", async () => {
    const { body } = await several.newAgent().get(authPath());
    assert.ok(body.includes("Gamma &amp; &lt;Delta&gt;"));
  });

  it("icons follow the type, and every choice the class that themes know", async () => {
    const { body } = await several.newAgent().get(authPath());
    assert.ok(body.includes("dex-btn-icon--mockCallback"));
    assert.ok(body.includes("dex-btn-provider"));
  });

  it("connector_id chooses among them", async () => {
    assert.equal(await sentTo(several, { connector_id: "alpha" }), "/dex/auth/alpha");
    const stranger = await several.newAgent().get(authPath({ connector_id: "front" }));
    assertPage(stranger, 400, "Connector ID does not match a valid Connector");
  });

  it("prompt=none shows no page: OIDC Core §3.1.2.1", async () => {
    const answer = await several.newAgent().get(authPath({ prompt: "none" }));
    assert.equal(answer.status, 303);
    assert.equal(answer.location?.searchParams.get("error"), "login_required");
  });
});

describe("the way back from a form", () => {
  const back = async (more: Params = {}): Promise<URL> => {
    const agent = several.newAgent();
    const form = await agent.follow(await agent.get(authPath({ connector_id: "pw", ...more })));
    const [, href = ""] = /<div class="theme-link-back"><a [^>]*href="([^"]*)"/.exec(form.body) ?? [];
    assert.equal(unescapeHtml(href), form.url.searchParams.get("back"));
    return new URL(unescapeHtml(href), several.issuer);
  };

  it("leads to the choice, with every parameter of the request", async () => {
    const url = await back({ state: "a&b", login_hint: "me" });
    assert.equal(url.pathname, "/dex/auth");
    const { prompt, ...rest } = Object.fromEntries(url.searchParams);
    assert.deepEqual(rest, {
      client_id: "app",
      redirect_uri: app.redirectUri,
      response_type: "code",
      scope: "openid",
      state: "a&b",
      login_hint: "me",
    });
    assert.ok(choicesOf(await several.newAgent().get(url.href)).length > 1);
  });

  it("is there even for a client with one connector, as in Dex", async () => {
    assert.equal((await back({ client_id: "faithful", connector_id: undefined })).pathname, "/dex/auth");
  });

  it("keeps the client's prompt, since without sessions there is none to choose: consent stays forced", async () => {
    assert.equal((await back({ prompt: "consent" })).searchParams.get("prompt"), "consent");
  });

  for (const [link, shown] of [
    ["/auth?prompt=select_account", true],
    ["/auth#frag", true],
    ["", false],
    ["https://evil.example", false],
    ["//evil.example", false],
    ["/\\evil.example", false],
    ["/\t/evil.example", false],
    ["javascript:alert(1)", false],
    ["relative/path", false],
  ] as const) {
    it(`is ${shown ? "shown" : "dropped"} where the address says ${JSON.stringify(link)}`, async () => {
      const agent = several.newAgent();
      const { url } = await agent.follow(await agent.get(authPath({ connector_id: "pw" })));
      url.searchParams.set("back", link);
      const { status, body } = await agent.get(url.href);
      assert.equal(status, 200);
      assert.equal(body.includes("theme-link-back"), shown);
      assert.equal(body.includes('href="https://evil'), false);
    });
  }
});

describe("a connector id that needs escaping", () => {
  it("can be reached, too", async () => {
    const server = await start({ connectors: [{ ...mockConnector, id: "a b/ä" }] });
    const agent = server.newAgent();
    codeOf(await agent.follow(await agent.get(authPath())));
  });
});

describe("the domain of login_hint", () => {
  const pathFor = async (more: Params, client = app): Promise<string | undefined> =>
    (await hinted.newAgent().get(authPath(more, client))).location?.pathname;

  it("chooses the connector that the operator gave it, in any case, and goes along", async () => {
    assert.equal(await pathFor({ login_hint: "jane@corp.example" }), "/dex/auth/alpha");
    assert.equal(await pathFor({ login_hint: "jane@OTHER.example" }), "/dex/auth/pw");
    const { location } = await hinted.newAgent().get(authPath({ login_hint: "a@b@corp.example" }));
    assert.deepEqual(
      [location?.pathname, location?.searchParams.get("login_hint")],
      ["/dex/auth/alpha", "a@b@corp.example"],
    );
  });

  it("chooses nothing where it has no connector, or one that may not serve the request or the client", async () => {
    const hints = ["jane", "jane@", "jane@sub.corp.example", "jane@constructor", "corp.example", "jane@front.example"];
    for (const login_hint of hints) assert.equal(await pathFor({ login_hint }), undefined, login_hint);
    const faithful = { ...app, id: "choosy" };
    assert.equal(await pathFor({ login_hint: "jane@corp.example" }, faithful), "/dex/auth/pw");
  });

  it("gives way to connector_id, and to who wants the choice", async () => {
    assert.equal(await pathFor({ login_hint: "jane@corp.example", connector_id: "pw" }), "/dex/auth/pw");
    assert.equal(await pathFor({ login_hint: "jane@corp.example", prompt: "select_account" }), undefined);
  });
});
