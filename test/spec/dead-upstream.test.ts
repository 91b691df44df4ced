/**
 * An upstream that dies while the server runs costs its own button, with a reason, and comes back by itself. Who is on
 * the way through it when it dies is told so by a page. Every kind of connector, with the real program where there is one.
 */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { startFakeCrowd } from "../fake/crowd.ts";
import { startFakeKeystone } from "../fake/keystone.ts";
import { startFakeOAuth2 } from "../fake/oauth2.ts";
import { startFakeOidc } from "../fake/oidc.ts";
import { tcpRelay } from "../fake/tcp-relay.ts";
import { missing } from "../peer/peer.ts";
import { noSimpleSaml, startSimpleSaml } from "../peer/simplesaml.ts";
import { slapdPrograms, startSlapd } from "../peer/slapd.ts";
import { baseDn, service } from "../peer/slapd-seed.ts";
import { assertPage, authPath } from "./relying-party.ts";
import {
  type ConfigFile,
  issuer,
  mockConnector,
  type ServerUnderTest,
  startServerUnderTest,
} from "./server-under-test.ts";

const open: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of open.reverse()) await close();
});

/** A server with this connector and another one, and what its sign-in page says of the two. */
async function aServer(type: string, config: ConfigFile) {
  const connector = { type, id: "up", name: "Upstream", config };
  const server = await startServerUnderTest({
    connectors: [connector, mockConnector],
    telemetry: { http: "127.0.0.1:0" },
  });
  open.push(() => server.close());
  const agent = server.newAgent();
  const button = async (id: string): Promise<string> => {
    const { body } = await agent.get(authPath());
    return new RegExp(`<a [^>]*data-connector="${id}".*?</a>`, "s").exec(body)?.[0] ?? "no button";
  };
  return { server, agent, button, begin: () => agent.get(authPath({}, undefined, "/auth/up")) };
}

/** Lets a second pass at a time until the sign-in page shows `pattern` on the button. */
async function until(server: ServerUnderTest, button: (id: string) => Promise<string>, pattern: RegExp): Promise<void> {
  for (let second = 0; second < 120; second++) {
    if (pattern.test(await button("up"))) return;
    await server.clock.advance(1_000);
    await wait(20);
  }
  assert.fail(`${await button("up")}\n${server.log.slice(-5).join("")}`);
}

const dead = /aria-disabled="true".*Not available right now/s;
const alive = /href=/;

/** Lives, dies, and lives again; with people on the page, and nobody signing in. */
async function livesAndDies(
  { server, agent, button, begin }: Awaited<ReturnType<typeof aServer>>,
  kill: () => Promise<void>,
  revive: () => Promise<unknown>,
): Promise<void> {
  await until(server, button, alive);
  assert.ok([200, 302].includes((await begin()).status));
  // Asked once, while it lived.
  await wait(200);
  await kill();
  await server.clock.advance(30_000);
  await until(server, button, dead);
  assert.match(await button("mock"), alive);
  const refused = await begin();
  assertPage(refused, 503);
  assert.ok(refused.headers["retry-after"] !== undefined);
  assert.equal((await agent.follow(await agent.get(authPath({}, undefined, "/auth/mock")))).status, 303);
  assert.match(server.log.join(""), /the upstream does not answer/);
  assert.deepEqual(await isUp(server), ["mock 1", "up 0"]);
  await revive();
  await until(server, button, alive);
  assert.deepEqual(await isUp(server), ["mock 1", "up 1"]);
  assert.ok([200, 302].includes((await begin()).status));
}

/** What a dashboard sees. */
async function isUp({ telemetry }: ServerUnderTest): Promise<readonly string[]> {
  const text = await (await fetch(`http://${telemetry}/metrics`)).text();
  return [...text.matchAll(/^dex_connector_up\{connector="(.*)"\} (.*)$/gm)].map(([, id, up]) => `${id} ${up}`).sort();
}

const oauthKeys = { clientID: "dex", clientSecret: "dex-secret", redirectURI: `${issuer}/callback` };

describe("an OpenID provider that dies", () => {
  const oidcKeys = (url: string) => ({ ...oauthKeys, issuer: url });

  it("costs its button until it is back", async () => {
    const fake = await startFakeOidc();
    const here = await aServer("oidc", oidcKeys(fake.url));
    await livesAndDies(here, fake.close, async () => {
      const again = await startFakeOidc({ port: Number(new URL(fake.url).port) });
      open.push(again.close);
    });
  });

  it("or a gateway before it that finds nobody, or a discovery that fails", async () => {
    const fake = await startFakeOidc();
    open.push(fake.close);
    const here = await aServer("oidc", oidcKeys(fake.url));
    for (const [path, status] of [
      ["/token", 500],
      ["/token", 502],
      ["/token", 504],
      ["/.well-known/openid-configuration", 500],
    ] as const) {
      await livesAndDies(
        here,
        async () => fake.always(path, { status }),
        async () => fake.always(path, undefined),
      );
    }
  });

  it("is noticed by the login that it fails, which ends in a page", async () => {
    const fake = await startFakeOidc();
    fake.people.set("jane", {});
    const here = await aServer("oidc", oidcKeys(fake.url));
    const away = await here.begin();
    const back = await fake.authorize(away.location ?? new URL("about:blank"));
    await fake.close();
    await here.server.clock.advance(1_000);
    assertPage(await here.agent.get(back.href), 503);
    await wait(200);
    assert.match(await here.button("up"), dead, "no half minute passes");
  });

  it("is not taken for dead because logins fail that it refuses, or that it has too many of", async () => {
    const fake = await startFakeOidc();
    open.push(fake.close);
    fake.people.set("jane", {});
    const { server, agent, begin, button } = await aServer("oidc", oidcKeys(fake.url));
    for (const status of [400, 401, 429, 500]) {
      const back = await fake.authorize((await begin()).location ?? new URL("about:blank"));
      // The next one is the code's; what is asked for without one is answered as ever.
      fake.next("/token", { status, body: '{"error":"server_error"}' });
      assert.ok((await agent.get(back.href)).status >= 500);
      await server.clock.advance(2_000);
      await wait(100);
      assert.match(await button("up"), alive, String(status));
    }
  });

  it("may be found dead by as many as there are: it is asked by one at a time", async () => {
    const fake = await startFakeOidc();
    open.push(fake.close);
    const { server, button } = await aServer("oidc", oidcKeys(fake.url));
    await until(server, button, alive);
    await wait(200);
    const before = fake.heard.length;
    for (const path of ["/token", "/.well-known/openid-configuration"]) fake.always(path, { hang: true });
    await server.clock.advance(30_000);
    await Promise.all(Array.from({ length: 30 }, () => button("up")));
    await wait(100);
    assert.ok(fake.heard.length - before <= 2, "one question, of two addresses");
  });
});

describe("an OAuth 2.0 server that dies", () => {
  it("costs its button until it is back", async () => {
    const fake = await startFakeOAuth2();
    const urls = {
      authorizationURL: `${fake.url}/authorize`,
      tokenURL: `${fake.url}/token`,
      userInfoURL: `${fake.url}/userinfo`,
    };
    await livesAndDies(await aServer("oauth", { ...oauthKeys, ...urls }), fake.close, async () => {
      const again = await startFakeOAuth2({ port: Number(new URL(fake.url).port) });
      open.push(again.close);
    });
  });
});

describe("an OAuth 2.0 server whose token endpoint has no word but 500 for a GET", () => {
  it("keeps its button, and loses it when it is gone", async () => {
    const fake = await startFakeOAuth2();
    fake.handler = ({ method, path }, response) => {
      if (method !== "GET" || path !== "/token") return false;
      response.writeHead(500).end();
      return true;
    };
    const urls = { authorizationURL: `${fake.url}/a`, tokenURL: `${fake.url}/token`, userInfoURL: `${fake.url}/u` };
    const { server, button } = await aServer("oauth", { ...oauthKeys, ...urls });
    for (let minute = 0; minute < 3; minute++) {
      assert.match(await button("up"), alive);
      await server.clock.advance(60_000);
      await wait(50);
    }
    await fake.close();
    await until(server, button, dead);
  });
});

describe("a vendor that dies", () => {
  it("costs its button until it is back", async () => {
    const fake = await startFakeOAuth2();
    await livesAndDies(await aServer("gitea", { ...oauthKeys, baseURL: fake.url }), fake.close, async () => {
      const again = await startFakeOAuth2({ port: Number(new URL(fake.url).port) });
      open.push(again.close);
    });
  });
});

describe("a service with passwords that dies", () => {
  for (const [type, key, start] of [
    ["keystone", "keystoneHost", startFakeKeystone],
    ["atlassian-crowd", "baseURL", startFakeCrowd],
  ] as const) {
    it(`costs its button until it is back: ${type}`, async () => {
      const fake = await start();
      const relay = await tcpRelay(Number(new URL(fake.url).port));
      open.push(fake.close, relay.close);
      const account = {
        clientID: "dex",
        clientSecret: "s",
        domain: "default",
        keystoneUsername: "a",
        keystonePassword: "b",
      };
      const here = await aServer(type, { ...account, [key]: `http://127.0.0.1:${relay.port}` });
      await livesAndDies(here, relay.cut, relay.mend);
    });
  }

  it("or that is silent", async () => {
    const fake = await startFakeCrowd();
    const relay = await tcpRelay(Number(new URL(fake.url).port));
    open.push(fake.close, relay.close);
    const url = `http://127.0.0.1:${relay.port}`;
    const here = await aServer("atlassian-crowd", { clientID: "dex", clientSecret: "s", baseURL: url });
    await livesAndDies(
      here,
      async () => relay.silence(),
      async () => {
        await relay.cut();
        await relay.mend();
      },
    );
  });
});

describe("an upstream that is replaced", () => {
  it("is asked no more, though it is dead", async () => {
    const fake = await startFakeOAuth2();
    open.push(fake.close);
    const urls = (path: string) => ({
      authorizationURL: `${fake.url}/a`,
      tokenURL: fake.url + path,
      userInfoURL: `${fake.url}/u`,
    });
    const { server, button } = await aServer("oauth", { ...oauthKeys, ...urls("/old") });
    fake.always("/old", { status: 502 });
    await until(server, button, dead);
    const config = { ...oauthKeys, ...urls("/token") };
    const connectors = [{ type: "oauth", id: "up", name: "Upstream", config }, mockConnector];
    await server.change({ connectors, telemetry: { http: "127.0.0.1:0" } });
    await wait(100);
    const asked = () => fake.heard.filter(({ path }) => path === "/old").length;
    const before = asked();
    for (let second = 0; second < 50; second++) {
      await server.clock.advance(1_000);
      await button("up");
    }
    assert.equal(asked(), before);
    assert.match(await button("up"), alive);
  });
});

describe("a directory that dies", { skip: missing(slapdPrograms) }, () => {
  it("costs its button until it is back, and who sees its form gets a page; wrong passwords cost nothing", async () => {
    const slapd = await startSlapd();
    open.push(slapd.stop);
    const here = await aServer("ldap", {
      host: `127.0.0.1:${slapd.port}`,
      startTLS: true,
      rootCA: slapd.caFile,
      bindDN: service.dn,
      bindPW: service.password,
      userSearch: { baseDN: `ou=People,${baseDn}`, username: "uid", idAttr: "uid", nameAttr: "cn" },
    });
    const { agent, button } = here;
    await livesAndDies(here, slapd.kill, slapd.revive);
    const form = await agent.follow(await here.begin());
    const submit = (password: string) => agent.post(form.url.href, { login: "jane", password });
    for (let turn = 0; turn < 4; turn++) assert.equal((await submit("wrong")).status, 401);
    await wait(200);
    assert.match(await button("up"), alive);
    await slapd.kill();
    await here.server.clock.advance(1_000);
    const away = await submit("foo");
    assert.deepEqual([away.status, away.headers["retry-after"]], [503, "5"]);
    await wait(200);
    assert.match(await button("up"), dead);
    await slapd.revive();
    assert.equal((await submit("foo")).status, 303, "the form that was open works at once");
    await until(here.server, button, alive);
  });
});

describe("a SAML identity provider that dies", { skip: noSimpleSaml }, () => {
  it("costs its button until it is back, with metadata and without", async () => {
    const redirectURI = `${issuer}/callback`;
    const idp = await startSimpleSaml({ acsUrl: redirectURI });
    open.push(idp.stop);
    const common = { entityIssuer: "urn:test:both", redirectURI, usernameAttr: "name", emailAttr: "email" };
    const caData = Buffer.from(idp.idp.certificate).toString("base64");
    for (const from of [{ metadataURL: idp.metadataUrl }, { ssoURL: idp.ssoUrl, caData }]) {
      await livesAndDies(await aServer("saml", { ...common, ...from }), idp.kill, idp.revive);
    }
  });
});

describe("a SAML identity provider that answers browsers alone", () => {
  it("keeps its button: we have never heard it", async () => {
    const fake = await startFakeOAuth2();
    await fake.close();
    const { server, agent, button, begin } = await aServer("saml", {
      ...{ redirectURI: `${issuer}/callback`, usernameAttr: "name", emailAttr: "email" },
      ...{ ssoURL: `${fake.url}/sso`, insecureSkipSignatureValidation: true },
    });
    for (let minute = 0; minute < 3; minute++) {
      assert.match(await button("up"), alive);
      await server.clock.advance(60_000);
      await wait(50);
    }
    assert.equal((await begin()).status, 200);
    assert.ok(agent);
  });
});
