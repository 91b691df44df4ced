/** LinkedIn, old and new: what Dex makes of its answers, and what else it may answer. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { handClock } from "../../../test/fake/hand-clock.ts";
import { bob, type LinkedinPerson, startFakeLinkedin } from "../../../test/fake/linkedin.ts";
import { bare, kept, openVendor } from "../../../test/fake/open-vendor.ts";
import { BadAnswerError, UnavailableError } from "../../kernel/errors.ts";
import { linkedin } from "./linkedin.ts";

type Json = Readonly<Record<string, unknown>>;

async function aLinkedin(t: TestContext, config: Json = {}, options: { readonly refreshes?: boolean } = {}) {
  const fake = await startFakeLinkedin(options);
  const clock = handClock();
  const hosts = { "www.linkedin.com": fake.url, "api.linkedin.com": fake.url };
  const set = (more: Partial<LinkedinPerson>): void => void fake.people.set("jane", { ...bob, ...more });
  set({});
  return { set, clock, ...(await openVendor(t, linkedin, fake, config, { clock, hosts })) };
}

describe("a login through LinkedIn", () => {
  it("brings Dex's identity, with one call to the token endpoint", async (t) => {
    const { fake, signIn } = await aLinkedin(t);
    const result = await signIn();
    assert.deepEqual(bare(result), {
      userId: "yrZCpj2Z12",
      username: "Bob Smith",
      email: "bob@example.com",
      emailVerified: true,
      groups: [],
    });
    assert.deepEqual(Object.keys(kept(result)), ["accessToken", "expiry"]);
    assert.equal(fake.heard[0]?.query.get("scope"), "r_liteprofile r_emailaddress");
    assert.equal(fake.count("POST", "/oauth/v2/accessToken"), 1);
    const { query } = fake.heard.find(({ path }) => path === "/v2/emailAddress") ?? assert.fail();
    assert.deepEqual([query.get("q"), query.get("projection")], ["members", "(elements*(handle~))"]);
  });

  it("takes the last address, needs one, and has it for a name where there is none", async (t) => {
    const { set, signIn } = await aLinkedin(t);
    set({ emails: ["a@x.test", "b@x.test"], localizedFirstName: "", localizedLastName: "" });
    const result = await signIn();
    assert.ok(result.ok);
    assert.deepEqual([result.identity.email, result.identity.username], ["b@x.test", "b@x.test"]);
    set({ emails: [] });
    await assert.rejects(signIn(), /linkedin: get profile: fetching email: email is not set/);
  });

  it("with OpenID Connect says what userinfo says", async (t) => {
    const { fake, set, signIn } = await aLinkedin(t, { useOpenID: true, preferredUsernameField: "given_name" });
    assert.deepEqual(bare(await signIn()), {
      userId: "782bbtaQ",
      username: "John Doe",
      preferredUsername: "John",
      email: "doe@email.com",
      emailVerified: true,
      groups: [],
    });
    assert.equal(fake.heard[0]?.query.get("scope"), "openid profile email");
    for (const [email_verified, emailVerified] of [
      ["true", true],
      ["false", false],
      [undefined, false],
    ] as const) {
      set({ userinfo: { sub: "x", given_name: "J", email: "e@x.test", email_verified } });
      const result = await signIn();
      assert.ok(result.ok);
      assert.deepEqual([result.identity.username, result.identity.emailVerified], ["J", emailVerified]);
    }
    set({ userinfo: { sub: "" } });
    await assert.rejects(signIn(), /linkedin: get profile: unexpected type of "sub"/);
  });

  it("says that the person said no, in LinkedIn's words too", async (t) => {
    const { fake, connector, signIn } = await aLinkedin(t);
    fake.person = undefined;
    assert.deepEqual(await signIn(), { ok: false, reason: "cancelled" });
    for (const error of ["user_cancelled_login", "user_cancelled_authorize"]) {
      const url = new URL(`https://dex.test/callback?error=${error}`);
      const callback = { method: "GET", url, headers: {}, form: new Map(), peer: "127.0.0.1" };
      const login = {
        scopes: { offlineAccess: true, groups: true },
        trail: { note: () => undefined },
        signal: AbortSignal.timeout(1_000),
      };
      assert.deepEqual(await connector.finish(callback, undefined, login), { ok: false, reason: "cancelled" });
    }
  });

  it("is a fault where the application lacks the scope, and the end for a restricted member", async (t) => {
    const { fake, set, signIn } = await aLinkedin(t);
    const body = '{"serviceErrorCode":100,"message":"Not enough permissions to access: GET /me","status":403}';
    fake.next("/v2/me", { status: 403, body });
    await assert.rejects(
      signIn(),
      (error: Error) => error instanceof BadAnswerError && /Not enough/.test(error.message),
    );
    set({ restricted: true });
    assert.deepEqual(await signIn(), { ok: false, reason: "gone" });
  });
});

describe("a refresh", () => {
  it("reads everything again with the token that Dex kept", async (t) => {
    const { set, signIn, refresh } = await aLinkedin(t);
    const { accessToken } = kept(await signIn());
    set({ localizedLastName: "Jones" });
    const result = await refresh(JSON.stringify({ accessToken }));
    assert.ok(result.ok);
    assert.equal(result.identity.username, "Bob Jones");
    assert.deepEqual(kept(result), { accessToken });
    await assert.rejects(refresh("{}"), /linkedin: no upstream access token found/);
  });

  it("ends after sixty days without a refresh token, and goes on with one", async (t) => {
    for (const refreshes of [false, true]) {
      const { fake, clock, signIn, refresh } = await aLinkedin(t, {}, { refreshes });
      const first = await signIn();
      await clock.advance(5_184_000_000);
      const result = await refresh(first);
      assert.equal(result.ok ? "ok" : result.reason, refreshes ? "ok" : "gone");
      fake.revoke("jane");
      await clock.advance(5_184_000_000);
      assert.deepEqual(await refresh(first), { ok: false, reason: "gone" });
    }
  });

  it("ends with a revoked grant, and survives LinkedIn's absence", async (t) => {
    const { fake, signIn, refresh } = await aLinkedin(t);
    const first = await signIn();
    for (const status of [429, 500, 503]) {
      fake.next("/v2/me", { status, headers: { "retry-after": "60" } });
      await assert.rejects(refresh(first), UnavailableError);
    }
    fake.revoke("jane");
    assert.deepEqual(await refresh(first), { ok: false, reason: "gone" });
  });
});

it("token exchange takes our own application's tokens, and nobody else's", async (t) => {
  const { fake, signIn, exchange } = await aLinkedin(t);
  const own = String(kept(await signIn()).accessToken);
  assert.ok((await exchange(own)).ok);
  for (const token of [fake.strangeToken("jane"), "AQX", ""]) {
    assert.deepEqual(await exchange(token), { ok: false, reason: "wrong_credentials" });
  }
  fake.next("/oauth/v2/introspectToken", { body: "<html>" });
  await assert.rejects(exchange(own), /linkedin: introspection: not a JSON object/);
});
