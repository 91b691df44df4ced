/** Factors on the account page: who may add, prove, name and remove which. WebAuthn Level 3 §7, RFC 6238. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type SecurityKey, securityKey } from "../fake/security-key.ts";
import { codeAt, enrol, freeClient, isSettingUp, recoveryCodesOn, seedOn, sendCode, totp } from "./mfa.ts";
import {
  ada,
  addPasskey,
  atForm,
  bob,
  ceremonyOn,
  enrolPasskey,
  keyOptions,
  passkey,
  say,
  signIn,
  startWithPasskeys,
  typePassword,
} from "./passkeys.ts";
import { app, assertPage, codeOf, unescapeHtml } from "./relying-party.ts";
import type { ServerUnderTest } from "./server-under-test.ts";
import type { Answer, UserAgent } from "./user-agent.ts";

const addKeyPath = "/account/factor?authenticator=passkey";
const addAppPath = "/account/factor?authenticator=totp";
const fieldOn = ({ body }: Answer, name: string): string =>
  unescapeHtml(new RegExp(`name="${name}" value="([^"]*)"`).exec(body)?.[1] ?? assert.fail(`no ${name}: ${body}`));

/** The names of the factors on the page, in their order. */
const namesOn = ({ body }: Answer): readonly string[] =>
  [...body.matchAll(/id="factor-\d+"><bdi>([^<]*)<\/bdi>/g)].map(([, name = ""]) => unescapeHtml(name));

/** Presses one of the account page's buttons for a key. */
async function press(agent: UserAgent, action: string, more: Readonly<Record<string, string>>): Promise<Answer> {
  const page = await agent.get("/account");
  return agent.post("/account", { csrf: fieldOn(page, "csrf"), action, ...more });
}

const keyFields = (device: SecurityKey) => ({ subject: "passkey", key: device.id });

/** A new browser of Ada's, in with her password alone, at the account page's question. */
async function atQuestion(server: ServerUnderTest) {
  const agent = server.newAgent();
  await typePassword(agent);
  return { agent, page: await agent.get("/account") };
}

/** Keeps the app and its first codes. */
async function addApp(agent: UserAgent, server: ServerUnderTest) {
  const page = await agent.get(addAppPath);
  const seed = seedOn(page);
  const fields = { csrf: fieldOn(page, "csrf"), enrolment: fieldOn(page, "enrolment") };
  return { seed, answer: await agent.post(addAppPath, { ...fields, totp: codeAt(seed, server.clock.now()) }) };
}

describe("the account page's factors", () => {
  it("are added, named, listed with their last use, and removed", async (t) => {
    const server = await startWithPasskeys(t);
    const agent = server.newAgent();
    await typePassword(agent);
    assert.match((await agent.get("/account")).body, /You have none yet/);
    const first = await addPasskey(agent, "  My\n laptop\u202e ");
    const second = await addPasskey(agent, "Keyring");
    const { answer } = await addApp(agent, server);
    assert.match(String(answer.location), /done=factorAdded/);
    const page = await agent.follow(answer);
    assert.match(page.body, /The new factor is ready to use/);
    assert.deepEqual(namesOn(page).toSorted(), ["Keyring", "My laptop", "The Issuer"]);
    await server.clock.advance(3_600_000);
    await signIn(agent, await atForm(agent, { prompt: "login" }), second);
    const used = await agent.get("/account");
    assert.equal(used.body.split(/Last used <time/).length - 1 >= 2, true, used.body);
    const renamed = await agent.follow(await press(agent, "rename-key", { ...keyFields(first), name: "Desk" }));
    assert.match(renamed.body, /The key has its new name/);
    assert.ok(namesOn(renamed).includes("Desk"));
    await press(agent, "remove-factor", keyFields(second));
    assert.deepEqual(namesOn(await agent.get("/account")).toSorted(), ["Desk", "The Issuer"]);
    const gone = server.newAgent();
    assert.equal((await signIn(gone, await atForm(gone), second)).status, 401);
    codeOf(await gone.follow(await signIn(gone, await atForm(gone), first)));
  });

  it("refuse a name that is none, a key that is nobody's, and another person's", async (t) => {
    const server = await startWithPasskeys(t);
    const agent = server.newAgent();
    const mine = await enrolPasskey(agent);
    const theirs = await enrolPasskey(server.newAgent(), bob);
    assertPage(await press(agent, "rename-key", { ...keyFields(mine), name: " \u0000 " }), 400);
    assertPage(await press(agent, "rename-key", { ...keyFields(theirs), name: "Mine" }), 400);
    assertPage(await press(agent, "rename-key", { subject: "__proto__", key: mine.id, name: "Mine" }), 400);
    assertPage(await press(agent, "remove-factor", keyFields(theirs)), 400);
    const long = "x".repeat(500);
    await press(agent, "rename-key", { ...keyFields(mine), name: long });
    assert.deepEqual(namesOn(await agent.get("/account")), [long.slice(0, 64)]);
  });

  it("are asked of a session that has proved none: with the key alone, the app, or a code", async (t) => {
    const server = await startWithPasskeys(t);
    const device = await enrolPasskey(server.newAgent());
    const { agent, page } = await atQuestion(server);
    assert.equal(page.status, 200);
    assert.doesNotMatch(page.body, /factors-title/);
    assert.match(page.body, /id="use-recovery"/);
    const stranger = securityKey(keyOptions);
    assert.equal((await signIn(agent, page, stranger)).status, 401);
    const inside = await agent.follow(await signIn(agent, await agent.get("/account"), device));
    assert.match(inside.body, /factors-title/);
    const { seed } = await addApp(agent, server);
    await server.clock.advance(60_000);
    const other = await atQuestion(server);
    // Whichever is asked first, the other is a link away.
    const link = /id="use-(?:webauthn|totp)" href="([^"]*)"/.exec(other.page.body)?.[1] ?? assert.fail(other.page.body);
    assert.match(
      (await other.agent.get(new URL(unescapeHtml(link), other.page.url).href)).body,
      /name="totp"|webauthn/,
    );
    const asApp = await other.agent.post("/account?factor=totp", { totp: codeAt(seed, server.clock.now()) });
    assert.match((await other.agent.follow(asApp)).body, /factors-title/);
  });

  it("may leave the last one where nothing asks for it, and the codes go with it", async (t) => {
    const server = await startWithPasskeys(t);
    const agent = server.newAgent();
    const device = await enrolPasskey(agent);
    assert.match((await agent.get("/account")).body, /your password alone opens your account again/);
    assert.match(
      (await agent.follow(await press(agent, "remove-factor", keyFields(device)))).body,
      /You have none yet/,
    );
    // New codes come with the next first factor, so the old ones were void.
    const page = await agent.get(addKeyPath);
    const next = securityKey(keyOptions);
    assert.equal(recoveryCodesOn(await say(agent, page, next.register(ceremonyOn(page).options.challenge))).length, 10);
  });

  it("keep the last one where a client that the person uses asks for one, and say so", async (t) => {
    const server = await startWithPasskeys(t);
    const agent = server.newAgent();
    const device = await enrolPasskey(agent);
    codeOf(await agent.follow(await signIn(agent, await atForm(agent, { prompt: "login" }, app), device)));
    const page = await agent.get("/account");
    assert.match(page.body, /The last one stays/);
    assert.doesNotMatch(page.body, /remove-factor/);
    assertPage(await press(agent, "remove-factor", keyFields(device)), 400, "The last factor stays.");
    const chained = await startWithPasskeys(t, {
      staticClients: [freeClient],
      mfa: { authenticators: [passkey], defaultMFAChain: ["passkey"] },
    });
    const other = chained.newAgent();
    const only = await enrolPasskey(other);
    assertPage(await press(other, "remove-factor", keyFields(only)), 400, "The last factor stays.");
  });
});

describe("nobody adds a factor to an account", () => {
  it("with a session that was left open: the password is asked, and guesses are counted", async (t) => {
    const server = await startWithPasskeys(t, { lockout: { attempts: 2 } });
    const agent = server.newAgent();
    await typePassword(agent);
    await server.clock.advance(6 * 60_000);
    const page = await agent.get(addKeyPath);
    assert.match(page.body, /name="current"/);
    assert.doesNotMatch(page.body, /id="webauthn"/);
    const csrf = fieldOn(page, "csrf");
    const device = securityKey(keyOptions);
    const asked = await agent.post(addKeyPath, {
      csrf,
      ceremony: "1.x",
      answer: JSON.stringify(device.register("AAAA")),
    });
    assert.match(asked.body, /name="current"/);
    const wrong = await agent.post(addKeyPath, { csrf, current: "guess" });
    assert.equal(wrong.status, 400);
    const right = await agent.follow(await agent.post(addKeyPath, { csrf, current: "password" }));
    assert.match(right.body, /id="webauthn"/);
    const statuses = [];
    await server.clock.advance(6 * 60_000);
    for (let i = 0; i < 4; i++) statuses.push((await agent.post(addKeyPath, { csrf, current: "guess" })).status);
    assert.ok(statuses.includes(429), String(statuses));
  });

  it("who has one and has not proved it", async (t) => {
    const server = await startWithPasskeys(t);
    await enrolPasskey(server.newAgent());
    const { agent } = await atQuestion(server);
    for (const path of [addKeyPath, addAppPath]) {
      const shown = await agent.get(path);
      assert.deepEqual([shown.status, shown.location?.pathname], [303, "/dex/account"], path);
    }
    const owner = server.newAgent();
    await typePassword(owner);
    assertPage(await agent.post(addKeyPath, { csrf: "1.AAAA", answer: "{}" }), 403);
  });

  it("from another site, another session, or an address that is none", async (t) => {
    const server = await startWithPasskeys(t);
    const [agent, other] = [server.newAgent(), server.newAgent()];
    await typePassword(agent);
    await typePassword(other, bob);
    const page = await agent.get(addKeyPath);
    const { options, fields } = ceremonyOn(page);
    const device = securityKey(keyOptions);
    const said = device.register(options.challenge);
    assertPage(await say(agent, page, said, { csrf: "" }), 403);
    // An attacker's own form and device, sent by the victim's browser: theirs is another session.
    assertPage(await say(other, page, said), 403);
    const own = await other.get(addKeyPath);
    const mixed = await say(other, own, said, { ceremony: fields.ceremony });
    assert.equal(mixed.status, 400);
    assert.match(String(page.headers["content-security-policy"]), /frame-ancestors 'none'/);
    assert.equal(page.headers["x-frame-options"], "DENY");
    assertPage(await agent.get("/account/factor?authenticator=nothing"), 404);
    assertPage(await agent.ask(addKeyPath, { method: "DELETE" }), 405);
    assert.equal((await server.newAgent().get(addKeyPath)).status, 303);
    assert.equal((await say(agent, page, said)).status, 200);
  });

  it("by an answer that is late, of another party, of a device that knows nobody, or of a login", async (t) => {
    const server = await startWithPasskeys(t);
    const agent = server.newAgent();
    await typePassword(agent);
    const page = await agent.get(addKeyPath);
    const { challenge } = ceremonyOn(page).options;
    for (const wrong of [{ origin: "https://evil.example" }, { rpId: "evil.example" }]) {
      assert.equal((await say(agent, page, securityKey({ ...keyOptions, ...wrong }).register(challenge))).status, 400);
    }
    const device = securityKey(keyOptions);
    device.isVerifying = false;
    assert.equal((await say(agent, page, device.register(challenge))).status, 400);
    device.isVerifying = true;
    const login = ceremonyOn(await atForm(agent, { prompt: "login" }));
    const said = device.register(login.options.challenge);
    assert.equal((await say(agent, page, said, { ceremony: login.fields.ceremony })).status, 400);
    await server.clock.advance(4 * 60_000);
    const fresh = await agent.get(addKeyPath);
    await server.clock.advance(55_000);
    assert.equal((await say(agent, fresh, device.register(ceremonyOn(fresh).options.challenge))).status, 200);
    // Proved by now, so that only the time counts.
    const late = await agent.get(addKeyPath);
    await server.clock.advance(300_001);
    assert.equal(
      (await say(agent, late, securityKey(keyOptions).register(ceremonyOn(late).options.challenge))).status,
      400,
    );
  });

  it("twice at once: of two sessions that have proved nothing one adds the first factor", async (t) => {
    const server = await startWithPasskeys(t);
    const agents = [server.newAgent(), server.newAgent(), server.newAgent()];
    for (const agent of agents) await typePassword(agent);
    const [one, two, three] = agents as [UserAgent, UserAgent, UserAgent];
    const pages = [await one.get(addKeyPath), await two.get(addKeyPath)] as const;
    const app = await three.get(addAppPath);
    const seed = seedOn(app);
    const fields = { csrf: fieldOn(app, "csrf"), enrolment: fieldOn(app, "enrolment") };
    const answers = await Promise.all([
      say(one, pages[0], securityKey(keyOptions).register(ceremonyOn(pages[0]).options.challenge)),
      say(two, pages[1], securityKey(keyOptions).register(ceremonyOn(pages[1]).options.challenge)),
      three.post(addAppPath, { ...fields, totp: codeAt(seed, server.clock.now()) }),
    ]);
    assert.equal(answers.filter((answer) => recoveryCodesOn(answer).length === 10).length, 1);
    const inside = await Promise.all(agents.map((agent) => agent.get("/account")));
    assert.equal(inside.filter(({ body }) => body.includes("factors-title")).length, 1);
  });

  it("with one key twice: a second tab with the same device changes nothing", async (t) => {
    const server = await startWithPasskeys(t);
    const agent = server.newAgent();
    const device = await enrolPasskey(agent);
    const page = await agent.get(addKeyPath);
    assert.match(JSON.stringify(ceremonyOn(page).options.excludeCredentials), new RegExp(device.id));
    assert.equal((await say(agent, page, device.register(ceremonyOn(page).options.challenge))).status, 400);
    assert.equal(namesOn(await agent.get("/account")).length, 1);
  });
});

describe("the account page's question", () => {
  it("takes an answer once, of its own session and ceremony", async (t) => {
    const server = await startWithPasskeys(t);
    const device = await enrolPasskey(server.newAgent());
    device.isCounting = false;
    const [mine, theirs] = [await atQuestion(server), await atQuestion(server)];
    const said = device.sign(ceremonyOn(mine.page).options.challenge);
    const { ceremony } = ceremonyOn(mine.page).fields;
    // The victim's answer in the thief's session, with either ceremony.
    assert.equal((await say(theirs.agent, theirs.page, said)).status, 401);
    assert.equal((await say(theirs.agent, theirs.page, said, { ceremony })).status, 401);
    // A challenge of the sign-in page is none of ours.
    const form = ceremonyOn(await atForm(theirs.agent, { prompt: "login" }));
    const signed = device.sign(form.options.challenge);
    assert.equal((await say(theirs.agent, theirs.page, signed, { ceremony: form.fields.ceremony })).status, 401);
    const answers = await Promise.all(Array.from({ length: 10 }, () => say(mine.agent, mine.page, said)));
    // Whoever comes after the first finds the page open, and sends no form of its own.
    assert.equal(answers.filter(({ status }) => status === 303).length, 1, String(answers.map(({ status }) => status)));
  });

  it("takes a recovery code once, also of a dozen at once", async (t) => {
    const server = await startWithPasskeys(t);
    const owner = server.newAgent();
    await typePassword(owner);
    const page = await owner.get(addKeyPath);
    const said = securityKey(keyOptions).register(ceremonyOn(page).options.challenge);
    const [code = ""] = recoveryCodesOn(await say(owner, page, said));
    const thieves = await Promise.all(Array.from({ length: 12 }, () => atQuestion(server)));
    const answers = await Promise.all(
      thieves.map(({ agent }) => agent.post("/account?factor=passkey&recovery=1", { recovery_code: code })),
    );
    assert.equal(answers.filter(({ status }) => status === 303).length, 1);
    assert.equal(answers.filter(({ status }) => status === 401).length, 11);
  });

  it("keeps an app that is being set up from being seen by who proves nothing", async (t) => {
    const server = await startWithPasskeys(t);
    const owner = server.newAgent();
    await typePassword(owner);
    const { answer } = await addApp(owner, server);
    assert.equal(recoveryCodesOn(answer).length, 10);
    const { agent } = await atQuestion(server);
    assert.ok(!isSettingUp(await agent.follow(await agent.get(addAppPath))));
    const refused = await sendCode(agent, await agent.get("/account"), "000000");
    assert.equal(refused.status, 401);
  });
});

describe("a factor set up in a login", () => {
  it("is proved on the account page from then on", async (t) => {
    const server = await startWithPasskeys(t, { mfa: { authenticators: [totp, passkey] } });
    const agent = server.newAgent();
    const { seed } = await enrol(agent, await typePassword(agent, ada, app), server);
    await server.clock.advance(60_000);
    const { agent: next } = await atQuestion(server);
    const inside = await next.follow(await next.post("/account", { totp: codeAt(seed, server.clock.now()) }));
    assert.deepEqual(namesOn(inside), ["The Issuer"]);
  });
});
