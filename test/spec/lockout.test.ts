/** Guessing ends early, and locks nobody out of their own devices. RFC 6749 §10.10, RFC 9700 §2.4; OWASP's device cookies. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { assertAskedForCode, codeAt, enrol, logIn, sendCode, startWithFactors } from "./mfa.ts";
import { app, askToken, assertPage, authorize, codeOf, messageOf } from "./relying-party.ts";
import { type ConfigFile, passwordConnector, startServerUnderTest } from "./server-under-test.ts";
import type { Answer, UserAgent } from "./user-agent.ts";

type Test = { after(run: () => unknown): void };

async function start(t: Test, file: ConfigFile = {}) {
  const server = await startServerUnderTest({ connectors: [passwordConnector], ...file }, { sessions: true });
  t.after(() => server.close());
  return server;
}

async function tryPassword(agent: UserAgent, password: string, login = "kilgore"): Promise<Answer> {
  const page = await authorize(agent, { prompt: "login" });
  assert.equal(page.status, 200);
  return agent.post(page.url.href, { login, password });
}

function assertTold(answer: Answer, seconds: number): void {
  assertPage(answer, 429);
  assert.equal(answer.headers["retry-after"], String(seconds));
  assert.match(messageOf(answer), /^Too many attempts\. Try again in \d+ (second|minute)s?\.$/);
}

describe("a password", () => {
  it("may be mistyped four times, and then waits, the right one too", async (t) => {
    const server = await start(t);
    const agent = server.newAgent();
    for (let count = 0; count < 5; count++) assert.equal((await tryPassword(agent, "x")).status, 401);
    assertTold(await tryPassword(agent, "trout"), 30);
    await server.clock.advance(30_000);
    assert.equal((await tryPassword(agent, "x")).status, 401);
    assertTold(await tryPassword(agent, "trout"), 60);
    await server.clock.advance(60_000);
    codeOf(await tryPassword(agent, "trout"));
    assert.equal((await tryPassword(agent, "x")).status, 401);
  });

  it("waits alike for people who exist and for people who do not", async (t) => {
    const server = await start(t);
    const words = async (login: string): Promise<readonly unknown[]> => {
      const agent = server.newAgent();
      const answers: unknown[] = [];
      for (let count = 0; count < 7; count++) {
        const { status, headers } = await tryPassword(agent, "x", login);
        answers.push([status, headers["retry-after"]]);
      }
      return answers;
    };
    assert.deepEqual(await words("kilgore"), await words("nobody at all"));
  });

  it("is tried five times by two hundred requests at the same time", async (t) => {
    const server = await start(t);
    const agent = server.newAgent();
    const page = await authorize(agent);
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) => agent.post(page.url.href, { login: "kilgore", password: `guess ${i}` })),
    );
    const count = (wanted: number) => answers.filter(({ status }) => status === wanted).length;
    assert.deepEqual([count(401), count(429)], [5, 195]);
  });

  it("goes on to work where it worked before, whoever guesses elsewhere", async (t) => {
    const server = await start(t);
    const [owner, thief] = [server.newAgent(), server.newAgent()];
    codeOf(await tryPassword(owner, "trout"));
    const cookie = [...owner.cookies].find(([name]) => name.startsWith("dex_device_")) ?? assert.fail();
    for (let count = 0; count < 5; count++) await tryPassword(thief, "x");
    assertTold(await tryPassword(thief, "trout"), 30);
    codeOf(await tryPassword(owner, "trout"));
    // The cookie is no password, and no licence to guess.
    const borrower = server.newAgent();
    const borrow = async (password: string): Promise<Answer> => {
      const page = await authorize(borrower, { prompt: "login" });
      const jar = [...borrower.cookies, cookie].map(([name, value]) => `${name}=${value}`).join("; ");
      const form = { login: "kilgore", password };
      return borrower.ask(page.url.href, { method: "POST", form, headers: { cookie: jar } });
    };
    for (let count = 0; count < 5; count++) assert.equal((await borrow("x")).status, 401);
    assert.equal((await borrow("trout")).status, 429);
    // Nor is a cookie that somebody made up.
    const forger = server.newAgent();
    const page = await authorize(forger);
    const form = { login: "kilgore", password: "trout" };
    const jar = `${[...forger.cookies].map(([name, value]) => `${name}=${value}`).join("; ")}; ${cookie[0]}=1.AAAA`;
    assert.equal((await forger.ask(page.url.href, { method: "POST", form, headers: { cookie: jar } })).status, 429);
  });

  it("is limited in the password grant, which tells no device", async (t) => {
    const oauth2 = {
      passwordConnector: "pw",
      grantTypes: ["password", "authorization_code"],
      skipApprovalScreen: true,
    };
    const server = await start(t, { oauth2 });
    const agent = server.newAgent();
    const grant = (password: string) =>
      askToken(agent, { grant_type: "password", username: "kilgore", password, scope: "openid" });
    for (let count = 0; count < 5; count++) assert.equal((await grant("x")).status, 400);
    const refused = await grant("trout");
    assert.equal(refused.status, 429);
    assert.equal(refused.headers["retry-after"], "30");
    assert.equal(refused.headers["cache-control"], "no-store");
    assert.equal(JSON.parse(refused.body).error, "temporarily_unavailable");
    // The form counts the same account.
    assertTold(await tryPassword(agent, "trout"), 30);
  });

  it("is limited as the operator says, or not at all", async (t) => {
    const strict = await start(t, { lockout: { attempts: 1, firstLock: "10m" } });
    const agent = strict.newAgent();
    await tryPassword(agent, "x");
    assertTold(await tryPassword(agent, "trout"), 600);
    const open = await start(t, { lockout: { disabled: true } });
    const other = open.newAgent();
    for (let count = 0; count < 20; count++) assert.equal((await tryPassword(other, "x")).status, 401);
    const narrow = await start(t, { lockout: { attemptsPerAddress: 3 } });
    const third = narrow.newAgent();
    for (const name of ["a", "b", "c"]) assert.equal((await tryPassword(third, "x", name)).status, 401);
    assertTold(await tryPassword(third, "x", "d"), 300);
  });
});

describe("a client's secret", () => {
  it("is guessed twenty times a minute from one place, and no other client waits for it", async (t) => {
    const server = await start(t);
    const agent = server.newAgent();
    const form = { grant_type: "authorization_code", code: "x", redirect_uri: app.redirectUri };
    const guess = (secret: string) => askToken(agent, form, { ...app, secret });
    for (let count = 0; count < 20; count++) assert.equal((await guess(`${count}`)).status, 401);
    const refused = await guess("app-secret");
    assert.equal(refused.status, 429);
    assert.equal(refused.headers["retry-after"], "60");
    assert.equal((await askToken(agent, form, { ...app, id: "other" })).status, 401);
    await server.clock.advance(60_000);
    assert.equal((await guess("app-secret")).status, 400);
  });
});

describe("a second factor", () => {
  it("is guessed five times, by code and by recovery code together", async (t) => {
    const server = await startWithFactors({ lockout: {} });
    t.after(() => server.close());
    const owner = server.newAgent();
    const { seed, codes } = await enrol(owner, await logIn(owner), server);
    await server.clock.advance(60_000);
    const thief = server.newAgent();
    const page = await logIn(thief);
    assertAskedForCode(page);
    for (const code of ["000000", "000001", "000002"]) assert.equal((await sendCode(thief, page, code)).status, 401);
    const recovery = (code: string) => thief.post(`/mfa/recovery${page.url.search}`, { recovery_code: code });
    for (const code of ["a", "b"]) assert.equal((await recovery(code)).status, 401);
    assertTold(await recovery(codes[0] ?? ""), 30);
    assertTold(await sendCode(thief, page, codeAt(seed, server.clock.now())), 30);
    // A fresh login does not begin the count anew.
    const again = server.newAgent();
    assertTold(await sendCode(again, await logIn(again), codeAt(seed, server.clock.now())), 30);
    await server.clock.advance(30_000);
    codeOf(await sendCode(thief, page, codeAt(seed, server.clock.now())));
  });

  it("goes on to work where it worked before", async (t) => {
    const server = await startWithFactors({ lockout: {} });
    t.after(() => server.close());
    const [owner, thief] = [server.newAgent(), server.newAgent()];
    const { seed } = await enrol(owner, await logIn(owner), server);
    await server.clock.advance(60_000);
    codeOf(await sendCode(owner, await logIn(owner, { prompt: "login" }), codeAt(seed, server.clock.now())));
    await server.clock.advance(60_000);
    const page = await logIn(thief);
    for (let count = 0; count < 6; count++) await sendCode(thief, page, "000000");
    assertTold(await sendCode(thief, page, codeAt(seed, server.clock.now())), 30);
    codeOf(await sendCode(owner, await logIn(owner, { prompt: "login" }), codeAt(seed, server.clock.now())));
  });
});
