/** People of OpenStack Keystone: what a login makes of the Identity API's answers, its moods included. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { aLogin, connectorDeps } from "../../../test/fake/connector-deps.ts";
import { handClock } from "../../../test/fake/hand-clock.ts";
import { type FakeKeystone, type KeystonePerson, startFakeKeystone } from "../../../test/fake/keystone.ts";
import { memberOf } from "../../../test/fake/vendor-http.ts";
import { UnavailableError } from "../../kernel/errors.ts";
import { Secret } from "../../kernel/secret.ts";
import type { Identity, LoginResult } from "../contract.ts";
import { domainReference } from "./domain.ts";
import { keystone } from "./keystone.ts";

const groupOf = (name: string, domain_id = "default") => ({ id: `id-${name}`, name, domain_id });
const jane: KeystonePerson = {
  id: "ee4dfb6e5540447cb3741905149d9b6e",
  name: "jane",
  password: "foo",
  email: "janedoe@example.com",
  groups: [groupOf("admins"), groupOf("developers")],
  projects: [{ id: "p1", name: "demo" }],
};
const john: KeystonePerson = { id: "a/../b?c", name: "john", password: "bar" };

type Config = Readonly<Record<string, unknown>>;

async function start(t: TestContext, config: Config = {}, people: readonly KeystonePerson[] = [jane, john]) {
  const fake = await startFakeKeystone(people);
  // Tokens of the fake are good for an hour of the machine's clock.
  const clock = handClock(Date.now());
  const deps = connectorDeps({ clock });
  const account = { domain: "default", keystoneUsername: "svc", keystonePassword: "svc-pw" };
  const parsed = keystone.config.parse({ ...account, keystoneHost: fake.url, ...config });
  const connector = await keystone.open(parsed, deps);
  assert.ok(connector.kind === "password" && connector.refresh !== undefined);
  const { refresh } = connector;
  t.after(async () => {
    await connector.close?.();
    deps.close();
    await fake.close();
  });
  return {
    fake,
    deps,
    clock,
    connector,
    login: (name: string, password: string, login = aLogin()) => connector.login(name, new Secret(password), login),
    refresh: (identity: Identity, login = aLogin()) => refresh(identity, login),
  };
}

function identityOf(result: LoginResult): Identity {
  assert.ok(result.ok, JSON.stringify(result));
  return result.identity;
}

/** The tokens that nobody has ended, once what runs behind the answer has. */
async function leftTokens(fake: FakeKeystone, expected: number): Promise<void> {
  for (let turn = 0; turn < 100 && fake.tokens.size > expected; turn++) await new Promise((go) => setTimeout(go, 10));
  assert.equal(fake.tokens.size, expected);
}

describe("a login", () => {
  it("is Dex's identity, and its token is ended", async (t) => {
    const { login, fake, connector } = await start(t);
    assert.equal(connector.prompt, "username");
    assert.deepEqual(identityOf(await login("Jane", "foo")), {
      userId: jane.id,
      username: "Jane",
      email: "janedoe@example.com",
      emailVerified: true,
      groups: ["admins", "developers"],
    });
    await leftTokens(fake, 0);
  });

  it("has no groups where the client wants none, and no address where there is none", async (t) => {
    const { login, fake } = await start(t);
    assert.deepEqual(identityOf(await login("jane", "foo", aLogin({ groups: false }))).groups, []);
    assert.ok(!fake.asked().some((call) => call.endsWith("/groups")));
    const identity = identityOf(await login("john", "bar"));
    assert.deepEqual([identity.email, identity.emailVerified], [undefined, false]);
    // An id is a part of the path, whatever is in it.
    assert.ok(fake.asked().includes("GET /v3/users/a%2F..%2Fb%3Fc"), fake.asked().join());
  });

  it("with a wrong, an empty or an expired password is no fault", async (t) => {
    const old = { ...jane, id: "old", name: "old", isPasswordExpired: true };
    const gone = { ...jane, id: "gone", name: "gone", enabled: false };
    const { login, fake } = await start(t, {}, [jane, old, gone]);
    assert.deepEqual(await login("jane", ""), { ok: false, reason: "wrong_credentials" });
    assert.equal(fake.calls.length, 0);
    assert.deepEqual(await login("jane", "wrong"), { ok: false, reason: "wrong_credentials" });
    assert.deepEqual(await login("gone", "foo"), { ok: false, reason: "wrong_credentials" });
    assert.deepEqual(await login("old", "foo"), { ok: false, reason: "password_expired" });
  });

  it("names the domain as Dex does", async (t) => {
    const hex = "ee4dfb6e5540447cb3741905149d9b6e";
    const id = "ee4dfb6e-5540-447c-b374-1905149d9b6e";
    for (const domain of ["default", hex, id, `{${id}}`, `urn:uuid:${id}`, `URN:UUID:${id}`, id.toUpperCase()])
      assert.deepEqual(domainReference(domain), { id: domain });
    for (const domain of ["Default", "other", `${hex}0`, `(${hex})`])
      assert.deepEqual(domainReference(domain), { name: domain });
    assert.deepEqual(domainReference(""), {});
    const { login, fake } = await start(t, { domain: "other" });
    await login("jane", "foo");
    assert.deepEqual(memberOf(fake.calls[0]?.body ?? "", "auth", "identity", "password", "user", "domain"), {
      name: "other",
    });
  });

  it("goes on without what policy keeps from people", async (t) => {
    const { login, fake, deps } = await start(t);
    fake.isStrict = true;
    const identity = identityOf(await login("jane", "foo"));
    assert.deepEqual([identity.email, identity.emailVerified, identity.groups], [undefined, false, []]);
    assert.match(deps.log.join("\n"), /policy does not let groups be read/);
  });

  it("says canonical names, preferred names and domains of groups where that is wanted", async (t) => {
    const config = { usernameFormat: "canonical", preferredUsernameField: "email", groupNameFormat: "domain:name" };
    const person = { ...jane, groups: [groupOf("admins"), groupOf("admins", "d2")] };
    const { login } = await start(t, config, [person]);
    const identity = identityOf(await login("JANE", "foo"));
    assert.deepEqual(
      [identity.username, identity.preferredUsername, identity.groups],
      ["jane", "janedoe@example.com", ["Default:admins", "other:admins"]],
    );
  });
});

describe("a restriction", () => {
  it("to groups holds whatever the client asked for, at login and refresh", async (t) => {
    const { login, refresh, fake, deps } = await start(t, { groups: ["admins"] });
    for (const groups of [true, false]) {
      const asked = aLogin({ groups });
      const identity = identityOf(await login("jane", "foo", asked));
      assert.deepEqual(identity.groups, ["admins"]);
      assert.deepEqual(await login("john", "bar", asked), { ok: false, reason: "not_in_required_groups" });
      fake.people.set(jane.id, { ...jane, groups: [groupOf("Admins")] });
      assert.deepEqual(await refresh(identity, asked), { ok: false, reason: "not_in_required_groups" });
      fake.people.set(jane.id, jane);
    }
    assert.match(deps.log.join("\n"), /keeps somebody out/);
  });

  it("to projects needs a role on one that is enabled", async (t) => {
    for (const project of ["demo", "p1"]) {
      const { login, refresh, fake } = await start(t, { projects: [project] });
      const identity = identityOf(await login("jane", "foo", aLogin({ groups: false })));
      assert.deepEqual(await login("john", "bar"), { ok: false, reason: "not_in_required_groups" });
      fake.people.set(jane.id, { ...jane, projects: [{ id: "p1", name: "demo", enabled: false }] });
      assert.deepEqual(await refresh(identity), { ok: false, reason: "not_in_required_groups" });
    }
  });

  it("that nobody may check lets nobody in, and a list that is cut off is none", async (t) => {
    const { login, fake } = await start(t, { groups: ["admins"] });
    fake.isStrict = true;
    assert.deepEqual(await login("jane", "foo"), { ok: false, reason: "not_in_required_groups" });
    fake.isStrict = false;
    fake.isTruncated = true;
    await assert.rejects(login("jane", "foo"), /not whole/);
  });
});

describe("a refresh", () => {
  it("tells what changed, with one token of the account for all", async (t) => {
    const { login, refresh, fake, clock } = await start(t);
    const identity = identityOf(await login("jane", "foo"));
    await leftTokens(fake, 0);
    const before = fake.calls.length;
    fake.people.set(jane.id, { ...jane, email: "new@example.com", groups: [groupOf("admins"), groupOf("new")] });
    const many = await Promise.all(Array.from({ length: 20 }, () => refresh(identity)));
    for (const one of many) {
      const { username, email, groups } = identityOf(one);
      assert.deepEqual([username, email, groups], ["jane", "new@example.com", ["admins", "new"]]);
    }
    const logins = (): number =>
      fake
        .asked()
        .slice(before)
        .filter((call) => call.startsWith("POST")).length;
    assert.equal(logins(), 1);
    await clock.advance(3_600_000);
    identityOf(await refresh(identity));
    assert.equal(logins(), 2);
  });

  it("survives the end of that token", async (t) => {
    const { login, refresh, fake } = await start(t);
    const identity = identityOf(await login("jane", "foo"));
    identityOf(await refresh(identity));
    fake.tokens.clear();
    identityOf(await refresh(identity));
  });

  it("keeps the typed name, until the person is renamed", async (t) => {
    const { login, refresh, fake } = await start(t);
    const identity = identityOf(await login("JANE", "foo"));
    assert.equal(identityOf(await refresh(identity)).username, "JANE");
    fake.people.set(jane.id, { ...jane, name: "jane.doe" });
    assert.equal(identityOf(await refresh(identity)).username, "jane.doe");
  });

  it("ends for somebody who is deleted or disabled", async (t) => {
    const { login, refresh, fake } = await start(t);
    const identity = identityOf(await login("jane", "foo"));
    fake.people.set(jane.id, { ...jane, enabled: false });
    assert.deepEqual(await refresh(identity), { ok: false, reason: "gone" });
    fake.people.delete(jane.id);
    assert.deepEqual(await refresh(identity), { ok: false, reason: "gone" });
  });

  it("is a fault of ours, and nobody's end, while the account is refused or may not read", async (t) => {
    const { login, refresh, fake } = await start(t, { keystonePassword: "wrong" });
    const identity = identityOf(await login("jane", "foo"));
    await assert.rejects(refresh(identity), /failed to obtain admin token: Keystone refuses the account/);
    const powerless = await start(t, { keystoneUsername: "john", keystonePassword: "bar" });
    await assert.rejects(powerless.refresh(identity), /status 403/);
    fake.always("/v3/auth/tokens", { status: 503, headers: { "retry-after": "60" } });
    await assert.rejects(refresh(identity), UnavailableError);
    await assert.rejects(login("jane", "foo"), UnavailableError);
  });

  it("asks for the scope that is configured, or with an application credential", async (t) => {
    const scopes: readonly (readonly [Config, unknown])[] = [
      [{}, undefined],
      [{ adminSystemScope: true }, { system: { all: true } }],
      [{ adminProject: "ops" }, { project: { name: "ops", domain: { id: "default" } } }],
      [{ adminProject: "0".repeat(32) }, { project: { id: "0".repeat(32) } }],
      [{ applicationCredentialID: "cred", applicationCredentialSecret: "s", keystonePassword: "" }, undefined],
    ];
    for (const [config, scope] of scopes) {
      const { login, refresh, fake } = await start(t, config);
      const identity = identityOf(await login("jane", "foo"));
      identityOf(await refresh(identity));
      const asked = fake.calls.filter(({ method }) => method === "POST").at(-1)?.body ?? "";
      assert.deepEqual(memberOf(asked, "auth", "scope"), scope);
      assert.ok(!JSON.stringify(memberOf(asked, "auth")).includes("foo"));
    }
  });
});

describe("a Keystone that lies or breaks", () => {
  it("is refused without a word of what it said", async (t) => {
    const { login, fake } = await start(t);
    const bodies: readonly (readonly [string, RegExp])[] = [
      ["<html>s3cret</html>", /no JSON/],
      ['{"token":{"user":{"id":"","name":"s3cret"}}}', /unexpected type/],
      ['{"token":{}}', /unexpected type/],
    ];
    for (const [body, pattern] of bodies) {
      fake.next("/v3/auth/tokens", { status: 201, body, headers: { "x-subject-token": "t" } });
      await assert.rejects(
        login("jane", "foo"),
        (error: Error) => pattern.test(error.message) && !/s3cret/.test(error.message),
      );
    }
    fake.next("/v3/auth/tokens", { status: 201, body: "{}" });
    await assert.rejects(login("jane", "foo"), /without a token/);
    fake.next(`/v3/users/${jane.id}`, { status: 500 });
    await assert.rejects(login("jane", "foo"), UnavailableError);
  });

  it("makes no address of a configuration that is none", () => {
    for (const keystoneHost of ["", "keystone", "ftp://x", "javascript:alert(1)"])
      assert.throws(() => keystone.config.parse({ keystoneHost }), /no http or https address/);
    const both = { keystoneHost: "http://k", adminProject: "p", adminSystemScope: true };
    assert.throws(() => keystone.config.parse(both), /not for both/);
  });
});
