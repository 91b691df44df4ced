/** What somebody who means harm tries first: many guesses at once, another's lock, another address, endless names. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { codeAt, enrol, logIn, sendCode, startWithFactors } from "./mfa.ts";
import { app, askToken, assertPage, authorize, codeOf, unescapeHtml } from "./relying-party.ts";
import { appClient, type ConfigFile, passwordConnector, startServerUnderTest } from "./server-under-test.ts";
import type { Answer, UserAgent } from "./user-agent.ts";

type Test = { after(run: () => unknown): void };

async function start(t: Test, file: ConfigFile = {}) {
  const server = await startServerUnderTest({ connectors: [passwordConnector], ...file }, { sessions: true });
  t.after(() => server.close());
  return server;
}

const times = <T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => work(index)));

/** How many answers there are of each status. */
const tally = (answers: readonly Answer[]): Readonly<Record<number, number>> => {
  const found: Record<number, number> = {};
  for (const { status } of answers) found[status] = (found[status] ?? 0) + 1;
  return found;
};

async function tryPassword(agent: UserAgent, password: string, login = "kilgore", headers = {}): Promise<Answer> {
  const page = await authorize(agent, { prompt: "login" });
  return agent.ask(page.url.href, { method: "POST", form: { login, password }, headers });
}

describe("two hundred at the same time", () => {
  it("are five guesses at a second factor", async (t) => {
    const server = await startWithFactors({ lockout: {} });
    t.after(() => server.close());
    const owner = server.newAgent();
    await enrol(owner, await logIn(owner), server);
    await server.clock.advance(60_000);
    const thief = server.newAgent();
    const page = await logIn(thief);
    assert.deepEqual(tally(await times(200, (index) => sendCode(thief, page, String(index).padStart(6, "0")))), {
      401: 5,
      429: 195,
    });
  });

  it("are twenty guesses at a client's secret; two hundred right ones are two hundred", async (t) => {
    const server = await start(t);
    const agent = server.newAgent();
    const form = { grant_type: "refresh_token", refresh_token: "none" };
    const ask = (secret: string) => askToken(agent, form, { ...app, secret });
    assert.deepEqual(tally(await times(200, () => ask("app-secret"))), { 400: 200 });
    assert.deepEqual(tally(await times(200, (index) => ask(`guess ${index}`))), { 401: 20, 429: 180 });
  });

  it("are twenty user codes", async (t) => {
    const server = await start(t);
    const agent = server.newAgent();
    const enter = () => agent.post("/device/auth/verify_code", { user_code: "BBBB-BBBB" });
    const answers = await times(200, enter);
    assert.deepEqual(tally(answers), { 400: 20, 429: 180 });
    assert.equal(answers.find(({ status }) => status === 429)?.headers["retry-after"], "300");
  });

  it("are twenty mailed links, and a sign-up's limit of accounts", async (t) => {
    const server = await start(t, { enablePasswordDB: true, enableSignup: true, signup: { maxPerHour: 4 } });
    const agent = server.newAgent();
    const follow = (index: number) => agent.get(`/password/reset?token=${String(index).padStart(26, "a")}`);
    assert.deepEqual(tally(await times(200, follow)), { 400: 20, 429: 180 });
    const signUp = (index: number) =>
      agent.ask("/signup", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ email: `a${index}@example.com`, username: "a", password: "correct horse" }),
      });
    const answers = await times(200, signUp);
    assert.deepEqual(tally(answers), { 201: 4, 429: 196 });
    const refused = answers.find(({ status }) => status === 429);
    assert.equal(refused?.headers["retry-after"], "3600");
    assert.equal(JSON.parse(refused?.body ?? "").error, "temporarily_unavailable");
  });

  it("are five guesses at the current password on the account page, and the login form counts them too", async (t) => {
    const ann = { email: "ann@example.com", userID: "u1", username: "ann" };
    const hash = "$2a$10$7/WWzIaUdfZ3qgMIpgLdpui0tZWpIl1v/HWtZ1dCBmkuggArG1guy";
    const server = await start(t, { enablePasswordDB: true, connectors: [], staticPasswords: [{ ...ann, hash }] });
    const agent = server.newAgent();
    codeOf(await tryPassword(agent, "trout", ann.email));
    await server.clock.advance(5 * 60_000 + 1);
    const page = await agent.get("/account/password");
    const csrf = unescapeHtml(/name="csrf" value="([^"]*)"/.exec(page.body)?.[1] ?? assert.fail(page.body));
    const guess = (index: number) =>
      agent.post("/account/password", { csrf, current: `guess ${index}`, password: "correct horse" });
    assert.deepEqual(tally(await times(50, guess)), { 400: 5, 429: 45 });
    // This browser is a known one: it has locked itself, and nobody else.
    assertPage(await tryPassword(agent, "trout", ann.email), 429);
    codeOf(await tryPassword(server.newAgent(), "trout", ann.email));
  });
});

describe("a lock from elsewhere", () => {
  it("leaves the known browser in, when its whole network has spent its guesses too", async (t) => {
    const server = await start(t, { lockout: { attemptsPerAddress: 6 } });
    const [owner, thief] = [server.newAgent(), server.newAgent()];
    codeOf(await tryPassword(owner, "trout"));
    for (let count = 0; count < 6; count++) await tryPassword(thief, "x");
    for (const name of ["kilgore", "somebody"]) assertPage(await tryPassword(thief, "x", name), 429);
    codeOf(await tryPassword(owner, "trout"));
  });

  it("of a second factor leaves the known browser in", async (t) => {
    const server = await startWithFactors({ lockout: { firstLock: "10m" } });
    t.after(() => server.close());
    const [owner, thief] = [server.newAgent(), server.newAgent()];
    const { seed } = await enrol(owner, await logIn(owner), server);
    await server.clock.advance(60_000);
    codeOf(await sendCode(owner, await logIn(owner, { prompt: "login" }), codeAt(seed, server.clock.now())));
    const page = await logIn(thief);
    await times(50, () => sendCode(thief, page, "000000"));
    await server.clock.advance(60_000);
    assertPage(await sendCode(thief, page, codeAt(seed, server.clock.now())), 429);
    codeOf(await sendCode(owner, await logIn(owner, { prompt: "login" }), codeAt(seed, server.clock.now())));
  });
});

describe("one password tried at many accounts", () => {
  const oauth2 = { passwordConnector: "pw", grantTypes: ["password", "authorization_code"], skipApprovalScreen: true };
  const staticClients = [appClient, { id: "cli", name: "CLI", public: true, redirectURIs: [app.redirectUri] }];

  it("is limited by network in the password grant of a client without a secret, which runs anywhere", async (t) => {
    const server = await start(t, { oauth2, staticClients, lockout: { attemptsPerAddress: 10 } });
    const agent = server.newAgent();
    const spray = (client: { id: string; secret?: string; redirectUri: string }) => (index: number) =>
      askToken(agent, { grant_type: "password", username: `u${index}`, password: "x", scope: "openid" }, client);
    assert.deepEqual(tally(await times(50, spray({ id: "cli", redirectUri: app.redirectUri }))), { 400: 10, 429: 40 });
    // A client with a secret is a server: its address stands for everybody's.
    assert.deepEqual(tally(await times(50, spray(app))), { 400: 50 });
  });
});

describe("the address of a guesser", () => {
  const lockout = { attemptsPerAddress: 3 };
  const claimed = (index: number, more = "") => ({ "x-forwarded-for": `198.51.100.${index}${more}` });

  it("is not what they say it is", async (t) => {
    const server = await start(t, { lockout });
    const agent = server.newAgent();
    const statuses: number[] = [];
    for (let index = 0; index < 5; index++) {
      const headers = { ...claimed(index), "x-real-ip": `198.51.100.${index}`, forwarded: `for=198.51.100.${index}` };
      statuses.push((await tryPassword(agent, "x", `name ${index}`, headers)).status);
    }
    assert.deepEqual(statuses, [401, 401, 401, 429, 429]);
  });

  it("is what a trusted proxy saw, whatever they put before it; each has its own count", async (t) => {
    const clientRemoteIP = { header: "X-Forwarded-For", trustedProxies: ["127.0.0.0/8"] };
    const server = await start(t, { lockout, web: { http: "127.0.0.1:0", clientRemoteIP } });
    const agent = server.newAgent();
    const guess = async (name: string, headers: object) => (await tryPassword(agent, "x", name, headers)).status;
    const statuses: number[] = [];
    for (let index = 0; index < 5; index++) {
      statuses.push(await guess(`name ${index}`, claimed(index, ", 203.0.113.9, 127.0.0.2")));
    }
    assert.deepEqual(statuses, [401, 401, 401, 429, 429]);
    assert.equal(await guess("another", { "x-forwarded-for": "203.0.113.10" }), 401);
    // One household, however many addresses its line has.
    const house: number[] = [];
    for (let index = 0; index < 5; index++) {
      house.push(await guess(`inmate ${index}`, { "x-forwarded-for": `2001:db8:5:5:${index}::${index}` }));
    }
    assert.deepEqual(house, [401, 401, 401, 429, 429]);
  });
});

it("a refusal leaves its reason in the trail and the log, without what was typed as a password", async (t) => {
  const server = await start(t, { staticClients: [appClient] });
  const agent = server.newAgent();
  for (let count = 0; count < 6; count++) await tryPassword(agent, "hunter2");
  const lines = server.log.map((line) => JSON.parse(line));
  const refused = lines.find(({ check }) => check === "attempts.allowed");
  assert.deepEqual(
    [refused?.outcome, refused?.kind, refused?.by, refused?.connector_id, refused?.user],
    ["fail", "password", "account", "pw", "kilgore"],
  );
  assert.match(refused?.because, /^too many wrong ones, counted by account: not before 30 seconds$/);
  assert.ok(lines.some(({ msg, by, ms }) => msg === "account locked" && by === "account" && ms === 30_000));
  assert.ok(!server.log.some((line) => line.includes("hunter2")));
});
