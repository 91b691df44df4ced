/** A passkey in place of a password: who gets in by it, and who does not. WebAuthn Level 3 §7.2, RFC 8176. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { type SecurityKey, securityKey } from "../fake/security-key.ts";
import { free, freeClient, totp } from "./mfa.ts";
import {
  ada,
  atForm,
  bob,
  ceremonyOn,
  enrolPasskey,
  keyOptions,
  local,
  passkey,
  say,
  signIn,
  startWithPasskeys,
  typePassword,
} from "./passkeys.ts";
import { app, assertPage, assertTold, authorize, codeOf, redeem, tokensOf, verify } from "./relying-party.ts";
import { appClient, passwordConnector, type ServerUnderTest } from "./server-under-test.ts";
import type { Answer } from "./user-agent.ts";

/** What a change of the file leaves as it was. */
const rest = {
  connectors: [],
  enablePasswordDB: true,
  staticClients: [{ ...appClient, mfaChain: ["totp"] }, freeClient],
  mfa: { authenticators: [totp, passkey] },
  lockout: { disabled: true },
};

interface Test {
  after(run: () => unknown): void;
}

/** A server, a person's passkey, and a browser that has never been there, at the form. */
async function atNewBrowser(t: Test, file = {}, client = free) {
  const server = await startWithPasskeys(t, file);
  const device = await enrolPasskey(server.newAgent());
  const agent = server.newAgent();
  return { server, device, agent, page: await atForm(agent, { scope: "openid email groups" }, client) };
}

const claimsOf = async (answer: Answer, server: ServerUnderTest, client = free) => {
  const agent = server.newAgent();
  return (await verify(tokensOf(await redeem(agent, codeOf(answer), {}, client)).id_token, server, agent)).claims;
};

function assertRefusedHere(answer: Answer, server: ServerUnderTest, reason: RegExp): void {
  assert.equal(answer.status, 401, answer.body);
  assert.match(answer.body, /id="passkey-refused"/);
  assert.equal(answer.location, undefined);
  assert.equal(
    [...(answer.headers["set-cookie"] ?? [])].filter((cookie) => cookie.startsWith("dex_session")).length,
    0,
  );
  const last = server.log.findLast((line) => line.includes('"login failed"')) ?? assert.fail("nothing was logged");
  assert.match(last, reason);
}

describe("a passkey in place of a password", () => {
  it("signs its person in, as several factors that cannot be phished, and the session keeps it", async (t) => {
    const { server, device, agent, page } = await atNewBrowser(t);
    assert.match(page.body, /autocomplete="username webauthn"/);
    assert.match(String(page.headers["content-security-policy"]), /script-src 'self'/);
    const { options } = ceremonyOn(page);
    assert.equal(options.userVerification, "required");
    assert.deepEqual(options.allowCredentials ?? [], []);
    const claims = await claimsOf(await agent.follow(await signIn(agent, page, device)), server);
    assert.deepEqual(claims.amr, ["hwk", "user", "mfa"]);
    assert.equal(claims.email, ada.email);
    const acr = JSON.stringify({ id_token: { acr: { essential: true, value: "phr" } } });
    const again = await authorize(agent, { ...local, prompt: "none", claims: acr }, free);
    assert.equal((await claimsOf(again, server)).acr, "phr");
    assert.match((await agent.get("/account")).body, /factors-title/);
  });

  it("is the same person as the password's, with the groups of now", async (t) => {
    const { server, device, agent, page } = await atNewBrowser(t);
    const byPassword = await claimsOf(await typePassword(server.newAgent()), server);
    await server.change({ ...rest, staticPasswords: [{ ...ada, groups: ["admins"] }] });
    const claims = await claimsOf(await agent.follow(await signIn(agent, page, device)), server);
    assert.equal(claims.sub, byPassword.sub);
    assert.deepEqual(claims.groups, ["admins"]);
  });

  it("stands for the client's chain", async (t) => {
    const { server, device, agent, page } = await atNewBrowser(t, {}, app);
    const claims = await claimsOf(await agent.follow(await signIn(agent, page, device)), server, app);
    assert.deepEqual(claims.amr, ["hwk", "user", "mfa"]);
    // The password alone does not.
    assert.match((await typePassword(server.newAgent(), bob, app)).url.pathname, /\/mfa\/totp$/);
  });

  it("keeps the browser signed in where the person asked for it", async (t) => {
    const { agent, page, device } = await atNewBrowser(t);
    const { challenge } = ceremonyOn(page).options;
    const answer = await say(agent, page, device.sign(challenge), { remember_me: "on" });
    assert.match(String(answer.headers["set-cookie"]), /dex_session=[^;]*;[^,]*Max-Age=/);
    const other = await atForm(agent, { prompt: "login" });
    const brief = await signIn(agent, other, device);
    assert.doesNotMatch(String(brief.headers["set-cookie"]), /dex_session=[^;]*;[^,]*Max-Age=/);
  });

  it("gives the browser a new session secret: what was planted before is worth nothing", async (t) => {
    const { server, device } = await atNewBrowser(t);
    const owner = server.newAgent();
    await typePassword(owner);
    const thief = server.newAgent();
    const planted = owner.cookies.get("dex_session") ?? assert.fail("no session");
    await signIn(owner, await atForm(owner, { prompt: "login" }), device);
    assert.notEqual(owner.cookies.get("dex_session"), planted);
    const answer = await thief.ask("/account", { headers: { cookie: `dex_session=${planted}` } });
    assert.equal(answer.status, 303);
  });

  it("is not offered where it is not switched on, nor at other connectors", async (t) => {
    const off = await startWithPasskeys(t, {
      mfa: { authenticators: [{ ...passkey, config: { ...passkey.config, firstFactor: false } }, totp] },
    });
    const page = await atForm(off.newAgent());
    assert.doesNotMatch(page.body, /webauthn/);
    assert.doesNotMatch(String(page.headers["content-security-policy"]), /script-src/);
    const mixed = await startWithPasskeys(t, { connectors: [passwordConnector] });
    const other = await authorize(mixed.newAgent(), { connector_id: "pw" }, free);
    assert.equal(other.status, 200);
    assert.doesNotMatch(other.body, /webauthn/);
  });

  it("honours who the client wants: another person's passkey is told to it as an error", async (t) => {
    const { server, device, agent } = await atNewBrowser(t);
    const { id_token } = tokensOf(await redeem(agent, codeOf(await typePassword(server.newAgent(), bob)), {}, free));
    const page = await atForm(agent, { id_token_hint: id_token });
    assertTold(await agent.follow(await signIn(agent, page, device)), {
      error: "login_required",
      state: "a state",
      redirectUri: free.redirectUri,
    });
  });
});

/** The same key, at the wrong place: what a proxy of a phisher would make. */
const twin = (device: SecurityKey, more: Partial<typeof keyOptions>): SecurityKey => {
  const copy = securityKey({
    ...keyOptions,
    ...more,
    id: Buffer.from(device.id, "base64url"),
    privateKey: device.privateKey,
    counter: device.counter,
  });
  copy.userHandle = device.userHandle;
  return copy;
};

describe("nobody gets in by a passkey", () => {
  it("with an answer that was sent before", async (t) => {
    const { server, device, agent, page } = await atNewBrowser(t);
    const { challenge } = ceremonyOn(page).options;
    const said = device.sign(challenge);
    codeOf(await agent.follow(await say(agent, page, said)));
    assertRefusedHere(await say(agent, page, said), server, /counter went back/);
    // Keys that do not count are told apart by the challenge alone.
    assertRefusedHere(await say(agent, page, device.sign(challenge)), server, /answered before/);
  });

  it("with one answer of a key that does not count, fifty times at once", async (t) => {
    const server = await startWithPasskeys(t);
    const device = await enrolPasskey(server.newAgent());
    device.isCounting = false;
    const agent = server.newAgent();
    const page = await atForm(agent);
    const said = device.sign(ceremonyOn(page).options.challenge);
    const answers = await Promise.all(Array.from({ length: 50 }, () => say(agent, page, said)));
    assert.equal(answers.filter(({ status }) => status === 303).length, 1);
  });

  it("with the challenge of another browser, request or moment", async (t) => {
    const { server, device, agent, page } = await atNewBrowser(t);
    const thief = server.newAgent();
    const theirs = await atForm(thief);
    const said = device.sign(ceremonyOn(page).options.challenge);
    const { ceremony = "" } = ceremonyOn(page).fields;
    // Their own form with the victim's answer, and with the victim's ceremony too.
    assertRefusedHere(await say(thief, theirs, said), server, /challenge/);
    assertRefusedHere(await say(thief, theirs, said, { ceremony }), server, /no ceremony of this browser/);
    // The victim's address in the thief's browser.
    assertPage(await say(thief, page, said), 400, "User session error.");
    const second = await atForm(agent);
    assertRefusedHere(await say(agent, second, said, { ceremony }), server, /no ceremony of this browser/);
    await server.clock.advance(25 * 3_600_000);
    assertPage(await say(agent, page, said), 400, "User session has expired.");
  });

  it("from another site's page, or as another party's key", async (t) => {
    const { server, device, agent, page } = await atNewBrowser(t);
    for (const [wrong, reason] of [
      [{ origin: "https://localhost.evil.example" }, /origin/],
      [{ rpId: "evil.example" }, /RP ID/i],
    ] as const) {
      const phished = twin(device, wrong);
      assertRefusedHere(await signIn(agent, page, phished), server, reason);
    }
    codeOf(await agent.follow(await signIn(agent, page, device)));
  });

  it("whose device has not recognised its person, or whose counter went back", async (t) => {
    const { server, device, agent, page } = await atNewBrowser(t);
    device.isVerifying = false;
    assertRefusedHere(await signIn(agent, page, device), server, /verification/i);
    device.isVerifying = true;
    codeOf(await agent.follow(await signIn(agent, page, device)));
    const next = server.newAgent();
    const again = await atForm(next);
    device.counter -= 1;
    assertRefusedHere(await signIn(next, again, device), server, /counter went back/);
  });

  it("of another person: neither their key under my name nor my key under theirs", async (t) => {
    const { server, device, agent, page } = await atNewBrowser(t);
    const theirs = await enrolPasskey(server.newAgent(), bob);
    const [mine, other] = [device.userHandle, theirs.userHandle];
    assert.notEqual(mine, other);
    device.userHandle = other;
    assertRefusedHere(await signIn(agent, page, device), server, /not a key of this person/);
    theirs.userHandle = mine;
    assertRefusedHere(await signIn(agent, page, theirs), server, /not a key of this person/);
    for (const nobody of [null, "", "AAAA", Buffer.from("id-of-ada|ldap").toString("base64url")]) {
      theirs.userHandle = nobody;
      assertRefusedHere(await signIn(agent, page, theirs), server, /names nobody/);
    }
    theirs.userHandle = Buffer.from("nobody|local").toString("base64url");
    assertRefusedHere(await signIn(agent, page, theirs), server, /never signed in/);
  });

  it("when the account is gone", async (t) => {
    const { server, device, agent, page } = await atNewBrowser(t);
    await server.change({ ...rest, staticPasswords: [bob] });
    assertRefusedHere(await signIn(agent, page, device), server, /not there any more/);
  });

  it("while the account is locked", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "dex-passkey-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "dex.db");
    const storage = { type: "sqlite3", config: { file } };
    const before = await startWithPasskeys(t, { storage });
    const device = await enrolPasskey(before.newAgent());
    const inside = before.newAgent();
    codeOf(await inside.follow(await signIn(inside, await atForm(inside), device)));
    await before.close();
    const database = new DatabaseSync(file);
    database.exec("update user_identity set blocked_until = '2999-01-01 00:00:00+00:00'");
    database.close();
    const server = await startWithPasskeys(t, { storage }, { clock: before.clock });
    const agent = server.newAgent();
    const answer = await signIn(agent, await atForm(agent), device);
    assertPage(answer, 403, "This account is locked. Ask your administrator for access.");
    assert.equal(agent.cookies.has("dex_session"), false);
  });

  it("where the client does not allow the password database", async (t) => {
    const { server, device, agent, page } = await atNewBrowser(t);
    const staticClients = [{ ...freeClient, allowedConnectors: ["other"] }];
    await server.change({ ...rest, staticPasswords: [ada], staticClients });
    const answer = await agent.follow(await signIn(agent, page, device));
    assert.equal(answer.location?.searchParams.has("code") ?? false, false, String(answer.location));
    assert.match(
      String(answer.location?.searchParams.get("error") ?? answer.status),
      /invalid_grant|access_denied|403/,
    );
  });

  it("with what is no answer at all", async (t) => {
    const { server, agent, page } = await atNewBrowser(t);
    for (const said of [{}, [], { id: 1 }, { id: "a", rawId: "a", type: "public-key", response: {} }]) {
      assertRefusedHere(await say(agent, page, said), server, /names nobody/);
    }
    const { action } = ceremonyOn(page);
    assertRefusedHere(await agent.post(action, {}), server, /no ceremony/);
    assertRefusedHere(await agent.post(action, { ...ceremonyOn(page).fields, answer: "{" }), server, /names nobody/);
    const bare = await agent.get(action);
    assert.equal(bare.status, 303);
    assert.match(String(bare.location?.pathname), /\/auth\/local\/login$/);
  });
});
