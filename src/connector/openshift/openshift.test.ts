/** People of an OpenShift cluster: its metadata, its users, and who is kept out. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { newAuthority } from "../../../test/fake/certificates.ts";
import { aLogin, connectorDeps } from "../../../test/fake/connector-deps.ts";
import { handClock } from "../../../test/fake/hand-clock.ts";
import { bare, groupsOf, kept, openVendor } from "../../../test/fake/open-vendor.ts";
import { jdoe, startFakeOpenshift } from "../../../test/fake/openshift.ts";
import { BadAnswerError, UnavailableError } from "../../kernel/errors.ts";
import { openshift } from "./openshift.ts";

type Config = Readonly<Record<string, unknown>>;

async function start(t: TestContext, config: Config = {}) {
  const fake = await startFakeOpenshift();
  const clock = handClock();
  return { clock, ...(await openVendor(t, openshift, fake, { issuer: `${fake.url}/`, ...config }, { clock })) };
}

const denied = { ok: false, reason: "not_in_required_groups" } as const;

describe("a login", () => {
  it("is Dex's identity, with its groups for every client", async (t) => {
    const { signIn, fake } = await start(t);
    const result = await signIn(aLogin({ groups: false }));
    assert.deepEqual(bare(result), {
      userId: "12345",
      username: "jdoe",
      preferredUsername: "jdoe",
      email: "jdoe",
      emailVerified: false,
      groups: ["users"],
    });
    assert.deepEqual(Object.keys(kept(result)), ["access_token", "token_type", "expiry"]);
    // One slash, however the issuer was written; and the colons of the id survive the header.
    assert.equal(fake.count("GET", "/apis/user.openshift.io/v1/users/~"), 1);
    const asked = fake.heard.find(({ path }) => path === "/oauth/token");
    const [id] = Buffer.from(asked?.headers.authorization?.slice(6) ?? "", "base64")
      .toString()
      .split(":");
    assert.equal(id, "system%3Aserviceaccount%3Adex%3Adex");
    assert.ok(asked?.form.has("code_verifier"));
    assert.equal((await signIn(aLogin({ offlineAccess: false }))).ok, true);
  });

  it("is refused for a user without an object, who would be everybody", async (t) => {
    const { signIn, fake } = await start(t);
    for (const user of [{ name: "kube:admin" }, { name: "kube:admin", uid: "" }]) {
      fake.people.set("jane", user);
      await assert.rejects(signIn(), /no uid/);
    }
  });

  it("needs no PKCE of a server that knows none", async (t) => {
    const fake = await startFakeOpenshift();
    fake.metadata = { code_challenge_methods_supported: undefined };
    const { signIn } = await openVendor(t, openshift, fake, { issuer: fake.url });
    assert.ok((await signIn()).ok);
    assert.ok(!fake.heard.some(({ form }) => form.has("code_verifier")));
  });

  it("reads a renewed secret from its file", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "dex-sa-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const serviceAccountTokenFile = join(folder, "token");
    const { signIn, fake } = await start(t, { clientSecret: "", serviceAccountTokenFile });
    await assert.rejects(signIn(), /failed to read serviceAccountTokenFile/);
    writeFileSync(serviceAccountTokenFile, "stale\n");
    await assert.rejects(signIn(), /invalid_client/);
    writeFileSync(serviceAccountTokenFile, `${fake.clientSecret}\n`);
    assert.ok((await signIn()).ok);
  });
});

describe("the restriction to groups", () => {
  it("holds whatever the client asked for, and tells all groups", async (t) => {
    const { signIn, refresh, fake } = await start(t, { groups: ["users", "admins"] });
    for (const groups of [true, false]) {
      fake.people.set("jane", { ...jdoe, groups: ["users", "system:authenticated"] });
      const result = await signIn(aLogin({ groups }));
      assert.deepEqual(groupsOf(result), ["users", "system:authenticated"]);
      for (const others of [["Users"], [], null]) {
        fake.people.set("jane", { ...jdoe, groups: others });
        assert.deepEqual(await signIn(aLogin({ groups })), denied);
        assert.deepEqual(await refresh(result, aLogin({ groups })), denied);
      }
    }
  });
});

describe("a refresh", () => {
  it("tells what changed until the token ends after a day", async (t) => {
    const { signIn, refresh, fake, clock } = await start(t);
    const result = await signIn();
    fake.people.set("jane", { ...jdoe, groups: ["new"] });
    assert.deepEqual(groupsOf(await refresh(result)), ["new"]);
    fake.next("/apis/user.openshift.io/v1/users/~", { status: 502 });
    await assert.rejects(refresh(result), UnavailableError);
    await clock.advance(86_400_000);
    assert.deepEqual(await refresh(result), { ok: false, reason: "gone" });
  });

  it("ends with the token, and reads what Dex stored", async (t) => {
    const { signIn, refresh, fake } = await start(t);
    const token = kept(await signIn()).access_token;
    const dex = {
      access_token: token,
      token_type: "Bearer",
      expiry: "2099-01-02T03:04:05.123456789+02:00",
      expires_in: 86400,
    };
    assert.deepEqual(groupsOf(await refresh(JSON.stringify(dex))), ["users"]);
    assert.deepEqual(groupsOf(await refresh(JSON.stringify({ Access_Token: token, expiry: "0001-01-01T00:00:00Z" }))), [
      "users",
    ]);
    fake.revoke("jane");
    assert.deepEqual(await refresh(JSON.stringify(dex)), { ok: false, reason: "gone" });
    await assert.rejects(refresh("x"), /stored connector data/);
  });
});

describe("the cluster's metadata", () => {
  const open = async (
    t: TestContext,
    metadata: Config,
    spoil?: Parameters<Awaited<ReturnType<typeof startFakeOpenshift>>["always"]>[1],
  ) => {
    const fake = await startFakeOpenshift();
    t.after(() => fake.close());
    fake.metadata = metadata;
    fake.always("/.well-known/oauth-authorization-server", spoil);
    const deps = connectorDeps();
    t.after(() => deps.close());
    return openshift.open(openshift.config.parse({ issuer: fake.url }), deps);
  };

  it("that cannot be used opens no connector", async (t) => {
    for (const metadata of [
      { token_endpoint: undefined },
      { authorization_endpoint: "javascript:alert(1)" },
      { token_endpoint: "" },
    ])
      await assert.rejects(open(t, metadata), BadAnswerError, JSON.stringify(metadata));
    // An error document is JSON, too.
    await assert.rejects(open(t, {}, { status: 403, body: '{"kind":"Status","code":403}' }), BadAnswerError);
    await assert.rejects(open(t, {}, { status: 500, body: "<html>" }), UnavailableError);
    assert.throws(() => openshift.config.parse({ issuer: "cluster" }), /no http or https address/);
  });

  it("is read over TLS with the cluster's authority, or without a check where that is said", async (t) => {
    const authority = newAuthority();
    const fake = await startFakeOpenshift(authority.issue());
    t.after(() => fake.close());
    const deps = connectorDeps();
    t.after(() => deps.close());
    const config = (more: Config) => openshift.config.parse({ issuer: fake.url, ...more });
    await assert.rejects(openshift.open(config({}), deps), UnavailableError);
    await openshift.open(config({ insecureCA: true }), deps);
    for (const rootCA of [authority.cert, Buffer.from(authority.cert).toString("base64")])
      await openshift.open(config({ rootCA }), deps);
    await assert.rejects(openshift.open(config({ rootCA: "nonsense" }), deps), /failed to create HTTP client/);
  });
});
