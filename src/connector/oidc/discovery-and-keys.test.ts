/** What a provider says of itself, and the keys it signs with. OIDC Discovery §4.3, OIDC Core §10.1.1. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { aLogin, callbackUrl, signInThrough } from "../../../test/fake/connector-deps.ts";
import { handClock } from "../../../test/fake/hand-clock.ts";
import { BadAnswerError, UnavailableError } from "../../kernel/errors.ts";
import { anUpstream, changed, identityOf } from "./testing/an-upstream.ts";

describe("keys", () => {
  it("that were rotated are asked for once, and not at every stranger's wish", async (t) => {
    const clock = handClock(Date.now());
    const { fake, open } = await anUpstream(t, {}, { clock });
    const connector = await open();
    const keysAsked = () => fake.heard.filter(({ path }) => path === "/jwks").length;
    identityOf(await signInThrough(connector, fake.authorize));
    await fake.rotateKeys();
    await clock.advance(6_000);
    identityOf(await signInThrough(connector, fake.authorize));
    assert.equal(keysAsked(), 2);
    fake.sign = (claims) => fake.signUsual(claims, { kid: "unknown" });
    for (let turn = 0; turn < 3; turn++) await assert.rejects(signInThrough(connector, fake.authorize), /no key/);
    assert.equal(keysAsked(), 2);
  });

  it("without names are tried one by one", async (t) => {
    const { fake, open } = await anUpstream(t);
    const old = fake.publicKeys()[0];
    await fake.rotateKeys();
    fake.keys = (usual) => [old, ...usual].map((key) => ({ ...key, kid: undefined, alg: undefined }));
    fake.sign = (claims) => fake.signUsual(claims, { kid: undefined });
    identityOf(await signInThrough(await open(), fake.authorize));
  });

  it("that cannot be asked for are those of before", async (t) => {
    const clock = handClock(Date.now());
    const { fake, open } = await anUpstream(t, { now: () => clock.now() / 1000 }, { clock });
    const connector = await open();
    identityOf(await signInThrough(connector, fake.authorize));
    fake.always("/jwks", { status: 500 });
    await clock.advance(2 * 3_600_000);
    identityOf(await signInThrough(connector, fake.authorize));
    await clock.advance(24 * 3_600_000);
    await assert.rejects(signInThrough(connector, fake.authorize), UnavailableError);
  });
});

describe("discovery", () => {
  it("must name the issuer, letter for letter, or an alias must", async (t) => {
    const { fake, open } = await anUpstream(t);
    fake.metadata = { issuer: "https://{tenant}.up.test" };
    await assert.rejects(open(), /did not match the issuer URL returned by provider/);
    const connector = await open({ issuerAlias: "https://one.up.test" });
    await assert.rejects(signInThrough(connector, fake.authorize), /different provider/);
    changed(fake, { iss: "https://one.up.test" });
    identityOf(await signInThrough(connector, fake.authorize));
  });

  it("is overridden address by address, and an alias still counts", async (t) => {
    const { fake, deps, open } = await anUpstream(t);
    fake.metadata = { token_endpoint: "http://127.0.0.1:1/", end_session_endpoint: `${fake.url}/end` };
    const connector = await open({
      issuerAlias: "https://alias.test",
      providerDiscoveryOverrides: { tokenURL: `${fake.url}/token` },
    });
    identityOf(await signInThrough(connector, fake.authorize));
    changed(fake, { iss: "https://alias.test" });
    identityOf(await signInThrough(connector, fake.authorize));
    assert.ok(deps.log.some((line) => line.includes("overrides for connector are set")));
    const request = { userId: "jane", returnTo: new URL("https://dex.test/logout/callback"), state: "s" };
    assert.equal((await connector.logout?.(request, aLogin()))?.to.pathname, "/end");
  });

  it("that is garbage, huge, refused or leads in circles opens nothing", async (t) => {
    const { fake, open } = await anUpstream(t);
    const path = "/.well-known/openid-configuration";
    for (const [spoil, type] of [
      [{ body: "<html>" }, BadAnswerError],
      [{ body: '{"issuer":1}' }, BadAnswerError],
      [{ body: "x".repeat(5_000_000) }, BadAnswerError],
      [{ status: 404 }, BadAnswerError],
      [{ status: 302, headers: { location: path } }, BadAnswerError],
      [{ status: 500 }, UnavailableError],
      [{ hang: true }, UnavailableError],
      [{ cut: true }, UnavailableError],
    ] as const) {
      fake.always(path, spoil);
      await assert.rejects(open(), type);
    }
  });

  it("must lead to addresses of the web", async (t) => {
    const { fake, open } = await anUpstream(t);
    fake.metadata = { end_session_endpoint: "javascript:alert(1)" };
    await assert.rejects(open(), /must use http or https scheme, got "javascript"/);
    fake.metadata = { token_endpoint: "file:///etc/passwd" };
    await assert.rejects(open(), /no usable token_endpoint/);
  });

  it("is renewed behind the logins, and a failure of it stops none", async (t) => {
    const clock = handClock(Date.now());
    const { fake, deps, open } = await anUpstream(t, {}, { clock });
    const connector = await open();
    const asked = async () => (await connector.begin(callbackUrl, () => "s", aLogin())).to.pathname;
    fake.metadata = { authorization_endpoint: `${fake.url}/moved` };
    assert.equal(await asked(), "/authorize");
    await clock.advance(3_600_001);
    await asked();
    await until(async () => (await asked()) === "/moved");
    fake.always("/.well-known/openid-configuration", { status: 500 });
    await clock.advance(3_600_001);
    assert.equal(await asked(), "/moved");
    await until(async () => deps.log.some((line) => line.includes("going on with what is known")));
  });
});

async function until(isDone: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 200; turn++) {
    if (await isDone()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail("it never happened");
}
