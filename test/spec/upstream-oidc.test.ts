/** A whole server with an OpenID provider upstream: from the client's request to its tokens, and what follows. OIDC Core §3.1, §12. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { type HandClock, handClock } from "../fake/hand-clock.ts";
import { type FakeOidc, type FakeOidcOptions, startFakeOidc } from "../fake/oidc.ts";
import {
  assertPage,
  assertRefused,
  authPath,
  redeem,
  refresh,
  refreshTokenOf,
  tokensOf,
  toldClient,
  verify,
} from "./relying-party.ts";
import { type ConfigFile, issuer, type ServerUnderTest, startServerUnderTest } from "./server-under-test.ts";
import type { Answer, UserAgent } from "./user-agent.ts";

const folder = mkdtempSync(join(tmpdir(), "dex-upstream-"));
const open: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of open.reverse()) await close();
  rmSync(folder, { recursive: true });
});

const jane = { name: "Jane", email: "jane@up.test", email_verified: true, groups: ["staff"] };

async function aProvider(clock: HandClock, options: FakeOidcOptions = {}): Promise<FakeOidc> {
  const fake = await startFakeOidc({ now: () => Math.floor(clock.now() / 1000), ...options });
  fake.people.set("jane", jane);
  open.push(() => fake.close());
  return fake;
}

const connectorTo = (fake: { readonly issuer: string }, config: ConfigFile = {}): ConfigFile => ({
  type: "oidc",
  id: "up",
  name: "Upstream",
  config: {
    issuer: fake.issuer,
    clientID: "dex",
    clientSecret: "dex-secret",
    redirectURI: `${issuer}/callback`,
    insecureEnableGroups: true,
    ...config,
  },
});

async function start(
  clock: HandClock,
  file: ConfigFile,
  env: Readonly<Record<string, string>> = {},
): Promise<ServerUnderTest> {
  const server = await startServerUnderTest(file, { clock, env });
  open.push(() => server.close());
  return server;
}

/** Goes to the upstream and comes back with what it says. */
async function throughUpstream(
  agent: UserAgent,
  fake: FakeOidc,
  scope = "openid email profile groups offline_access",
): Promise<Answer> {
  const away = await agent.follow(await agent.get(authPath({ scope })));
  assert.equal(away.location?.origin, fake.url, away.body);
  return agent.follow(await agent.get((await fake.authorize(away.location)).href));
}

async function signInUpstream(agent: UserAgent, fake: FakeOidc) {
  return tokensOf(await redeem(agent, toldClient(await throughUpstream(agent, fake)).code ?? ""));
}

async function aServer(options: FakeOidcOptions = {}, config: ConfigFile = {}) {
  const clock = handClock();
  const fake = await aProvider(clock, options);
  const server = await start(clock, { connectors: [connectorTo(fake, config)] });
  return { clock, fake, server, agent: server.newAgent() };
}

const askedToRefresh = (fake: FakeOidc): number =>
  fake.heard.filter(({ form }) => form.get("grant_type") === "refresh_token").length;

/** No refresh token of the provider's was presented twice: this one would end everything. */
function assertNoneTwice(fake: FakeOidc): void {
  const presented = fake.heard.map(({ form }) => form.get("refresh_token")).filter((token) => token !== null);
  assert.ok(presented.length > 0);
  assert.equal(new Set(presented).size, presented.length);
}

describe("a login through an OpenID provider", () => {
  it("gives the client the provider's claims", async () => {
    const { fake, server, agent } = await aServer();
    const { id_token } = await signInUpstream(agent, fake);
    const { claims } = await verify(id_token, server, agent);
    // compat(dex): base64url of the protobuf of ("jane", "up").
    assert.equal(claims.sub, "CgRqYW5lEgJ1cA");
    assert.deepEqual(
      [claims.name, claims.email, claims.email_verified, claims.groups],
      ["Jane", "jane@up.test", true, ["staff"]],
    );
  });

  it("tells the client that the person said no", async () => {
    const { fake, agent } = await aServer();
    fake.person = undefined;
    assert.equal(toldClient(await throughUpstream(agent, fake)).error, "access_denied");
  });

  it("keeps out who is in no allowed group, with a page", async () => {
    const { fake, agent } = await aServer({}, { allowedGroups: ["admins"] });
    assertPage(await throughUpstream(agent, fake), 403);
  });

  it("ends in a page that says nothing of the fault, and the log tells it without secrets", async () => {
    const { fake, server, agent } = await aServer();
    fake.claims = (usual) => ({ ...usual, nonce: "stolen" });
    const answer = await throughUpstream(agent, fake);
    assertPage(answer, 500);
    assert.doesNotMatch(answer.body, /nonce|stolen/);
    const log = server.log.join("");
    assert.match(log, /of another login \(nonce\)/);
    assert.doesNotMatch(log, /dex-secret|stolen/);
  });

  it("is 503 while the provider is away or silent, and works when it is back", async () => {
    const { fake, agent } = await aServer();
    fake.next("/token", { status: 502 });
    assertPage(await throughUpstream(agent, fake), 503);
    fake.next("/token", { delay: 30_000 });
    assertPage(await throughUpstream(agent, fake), 503);
    await signInUpstream(agent, fake);
  });
});

describe("what the client asks for", () => {
  it("reaches the provider that asks the person", async () => {
    const clock = handClock();
    const fake = await aProvider(clock);
    const server = await start(clock, { connectors: [connectorTo(fake)] });
    const agent = server.newAgent();
    const wishes = {
      login_hint: "jane@up.test",
      ui_locales: "fr en",
      max_age: "60",
      acr_values: "phr",
      prompt: "login",
    };
    const away = await agent.follow(await agent.get(authPath(wishes)));
    const asked = away.location?.searchParams;
    assert.deepEqual(
      Object.keys(wishes).map((name) => [name, asked?.get(name)]),
      Object.entries(wishes),
    );
    const plain = await agent.follow(await agent.get(authPath()));
    assert.deepEqual(
      Object.keys(wishes).filter((name) => plain.location?.searchParams.has(name)),
      [],
    );
  });
});

describe("a provider that is away at the start", () => {
  it("costs its own button alone, and comes back by itself", async () => {
    const clock = handClock();
    const fake = await aProvider(clock);
    const discovery = "/.well-known/openid-configuration";
    fake.always(discovery, { status: 503, headers: { "retry-after": "3600" } });
    const other = { type: "mockCallback", id: "mock", name: "Mock" };
    const server = await start(clock, { connectors: [connectorTo(fake), other] });
    const agent = server.newAgent();
    const chooser = async () => (await agent.get(authPath())).body;
    assert.equal((await agent.get(authPath({}, undefined, "/auth/up"))).status, 503);
    assert.match(await chooser(), /Not available right now/);
    assert.equal((await agent.follow(await agent.get(authPath({}, undefined, "/auth/mock")))).status, 303);
    fake.always(discovery, undefined);
    for (let turn = 0; turn < 100 && /Not available right now/.test(await chooser()); turn++) {
      await clock.advance(1_000);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.doesNotMatch(await chooser(), /Not available right now/);
    assert.equal((await agent.get(authPath({}, undefined, "/auth/up"))).location?.origin, fake.url);
  });
});

describe("a refresh asks the provider", () => {
  it("and tells the client what changed", async () => {
    const { fake, server, agent } = await aServer();
    const { refresh_token } = await signInUpstream(agent, fake);
    fake.people.set("jane", { ...jane, groups: ["staff", "new"] });
    const second = tokensOf(await refresh(agent, refresh_token ?? ""));
    assert.deepEqual((await verify(second.id_token, server, agent)).claims.groups, ["staff", "new"]);
    assert.equal(tokensOf(await refresh(agent, second.refresh_token ?? "")).token_type, "bearer");
    assert.equal(askedToRefresh(fake), 2);
  });

  it("and ends with a person that is gone", async () => {
    const { clock, fake, agent } = await aServer();
    const { refresh_token } = await signInUpstream(agent, fake);
    fake.revoke("jane");
    const refused = refresh(agent, refresh_token ?? "");
    // It waits a moment for another replica that might have been faster.
    const answer = await Promise.race([refused, wound(clock, refused)]);
    assertRefused(answer, "invalid_grant", "The user may no longer sign in.");
  });

  it("and survives its absence", async () => {
    const { fake, agent } = await aServer();
    const { refresh_token } = await signInUpstream(agent, fake);
    fake.next("/token", { status: 503 });
    const away = await refresh(agent, refresh_token ?? "");
    assert.equal(away.status, 503, away.body);
    assert.ok(away.headers["retry-after"] !== undefined);
    tokensOf(await refresh(agent, refresh_token ?? ""));
  });

  it("with each of its tokens once, for ten at the same time, with a provider that ends a grant whose token comes back", async () => {
    const clock = handClock();
    const fake = await aProvider(clock);
    const file = { connectors: [connectorTo(fake)], expiry: { refreshTokens: { reuseInterval: "30s" } } };
    const server = await start(clock, file);
    const agent = server.newAgent();
    const { refresh_token } = await signInUpstream(agent, fake);
    await clock.advance(60_000);
    fake.next("/token", { delay: 100 });
    const answers = await Promise.all(Array.from({ length: 10 }, () => refresh(agent, refresh_token ?? "")));
    assert.equal(new Set(answers.map(refreshTokenOf)).size, 1);
    assertNoneTwice(fake);
    const [answer] = answers;
    assert.ok(answer !== undefined);
    await clock.advance(60_000);
    tokensOf(await refresh(agent, refreshTokenOf(answer)));
    assertNoneTwice(fake);
  });

  for (const [what, path, spoil] of [
    ["userinfo", "/userinfo", { status: 500 }],
    ["userinfo that lies", "/userinfo", { body: '{"sub":"john"}' }],
    ["a key set", "/jwks", { status: 500 }],
  ] as const) {
    it(`and keeps what it was given when ${what} fails afterwards, for two at once`, async () => {
      const { clock, fake, agent } = await aServer({}, { getUserInfo: true });
      const { refresh_token } = await signInUpstream(agent, fake);
      await clock.advance(60_000);
      if (path === "/jwks") await fake.rotateKeys();
      fake.always(path, spoil);
      const both = Promise.all([refresh(agent, refresh_token ?? ""), refresh(agent, refresh_token ?? "")]);
      for (const { status } of await Promise.race([both, wound(clock, both)])) assert.ok(status >= 500, String(status));
      fake.always(path, undefined);
      // Longer than this process remembers what it was given: now only what was stored counts.
      await clock.advance(120_000);
      const later = refresh(agent, refresh_token ?? "");
      tokensOf(await Promise.race([later, wound(clock, later)]));
      assertNoneTwice(fake);
      assert.ok(askedToRefresh(fake) >= 2);
    });
  }

  it("through two replicas at once: who comes second uses what the first one was given", async () => {
    const clock = handClock();
    const fake = await aProvider(clock, { endsReplayed: false });
    const file = {
      connectors: [connectorTo(fake)],
      storage: { type: "sqlite3", config: { file: join(folder, "shared.db") } },
      expiry: { refreshTokens: { reuseInterval: "30s" } },
    };
    const one = await start(clock, file);
    const two = await start(clock, file);
    const first = one.newAgent();
    const { refresh_token } = await signInUpstream(first, fake);
    await clock.advance(60_000);
    fake.next("/token", { delay: 200 });
    const both = Promise.all([refresh(first, refresh_token ?? ""), refresh(two.newAgent(), refresh_token ?? "")]);
    const answers = await Promise.race([both, wound(clock, both)]);
    for (const answer of answers) tokensOf(answer);
    assert.equal(new Set(answers.map(refreshTokenOf)).size, 1);
    assert.ok(askedToRefresh(fake) >= 2, "both replicas asked");
    // The provider's newest token is the one that was kept.
    const [answer] = answers;
    await clock.advance(60_000);
    tokensOf(await refresh(first, answer === undefined ? "" : refreshTokenOf(answer)));
  });
});

/** Winds the clock until `work` is done. */
async function wound<T>(clock: HandClock, work: Promise<T>): Promise<T> {
  let isDone = false;
  const done = work.finally(() => {
    isDone = true;
  });
  done.catch(() => undefined);
  while (!isDone) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    await clock.advance(200);
  }
  return done;
}
