/** People of Atlassian Crowd: what a login makes of its REST API, and who is kept out. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import fc from "fast-check";
import { aLogin, aReport, asData, clear, connectorDeps } from "../../../test/fake/connector-deps.ts";
import { type CrowdPerson, startFakeCrowd } from "../../../test/fake/crowd.ts";
import { BadAnswerError, UnavailableError } from "../../kernel/errors.ts";
import { Secret } from "../../kernel/secret.ts";
import type { Identity, LoginResult } from "../contract.ts";
import { atlassianCrowd } from "./atlassian-crowd.ts";

type Config = Readonly<Record<string, unknown>>;

const jane: CrowdPerson = {
  name: "jane",
  key: "131074:aa-bb",
  email: "jane@example.com",
  password: "foo",
  groups: ["admins", "developers"],
};

async function start(t: TestContext, config: Config = {}, people: readonly CrowdPerson[] = [jane]) {
  const fake = await startFakeCrowd(people);
  const deps = connectorDeps();
  const usual = { baseURL: `${fake.url}/crowd`, clientID: fake.clientId, clientSecret: fake.clientSecret };
  const connector = await atlassianCrowd.open(atlassianCrowd.config.parse({ ...usual, ...config }), deps);
  assert.ok(connector.kind === "password" && connector.refresh !== undefined);
  const { refresh } = connector;
  t.after(() => fake.close());
  t.after(() => deps.close());
  return {
    fake,
    deps,
    connector,
    login: (name: string, password: string, login = aLogin()) => connector.login(name, new Secret(password), login),
    refresh: (identity: Identity, login = aLogin()) => refresh(identity, login),
  };
}

function identityOf(result: LoginResult): Identity {
  assert.ok(result.ok, JSON.stringify(result));
  return result.identity;
}

describe("a login", () => {
  it("is Dex's identity, and leaves no session behind", async (t) => {
    const { login, fake } = await start(t);
    const { connectorData, ...identity } = identityOf(await login("Jane", "foo"));
    assert.deepEqual(identity, {
      userId: "131074:aa-bb",
      username: "jane",
      email: "jane@example.com",
      emailVerified: true,
      groups: ["admins", "developers"],
    });
    assert.equal(clear(connectorData), '{"username":"Jane"}');
    for (let turn = 0; turn < 100 && fake.sessions.size > 0; turn++) await new Promise((go) => setTimeout(go, 10));
    assert.equal(fake.sessions.size, 0);
    assert.ok(fake.asked().includes("DELETE /crowd/rest/usermanagement/1/session/token-1"));
  });

  it("keeps nothing and asks for no groups where the client wants neither", async (t) => {
    const { login, fake } = await start(t);
    const identity = identityOf(await login("jane", "foo", aLogin({ offlineAccess: false, groups: false })));
    assert.deepEqual([identity.groups, identity.connectorData], [[], undefined]);
    assert.ok(!fake.asked().some((call) => call.includes("/group/")));
  });

  it("says a preferred name by its key, and warns of one that is none", async (t) => {
    const fields = [
      ["key", jane.key],
      ["name", "jane"],
      ["email", jane.email],
      ["", undefined],
    ] as const;
    for (const [preferredUsernameField, expected] of fields) {
      const { login } = await start(t, { preferredUsernameField });
      assert.equal(identityOf(await login("jane", "foo")).preferredUsername, expected);
    }
    const { deps } = await start(t, { preferredUsernameField: "nick" });
    assert.match(deps.log.join("\n"), /^warn preferred_username left empty\. Invalid crowd field/m);
  });

  it("takes each refusal of Crowd's for what it means", async (t) => {
    const table: readonly (readonly [string, string])[] = [
      ["INACTIVE_ACCOUNT", "wrong_credentials"],
      ["INVALID_CREDENTIAL", "wrong_credentials"],
      ["EXPIRED_CREDENTIAL", "password_expired"],
      ["APPLICATION_ACCESS_DENIED", "not_in_required_groups"],
    ];
    for (const [refused, reason] of table) {
      const { login } = await start(t, {}, [{ ...jane, refused }]);
      assert.deepEqual(await login("jane", "foo"), { ok: false, reason });
      assert.deepEqual(await login("jane", "wrong"), { ok: false, reason: "wrong_credentials" });
    }
    const { login } = await start(t, {}, [{ ...jane, refused: "OPERATION_FAILED" }]);
    await assert.rejects(login("jane", "foo"), /OPERATION_FAILED/);
    assert.deepEqual(await login("nobody", "foo"), { ok: false, reason: "wrong_credentials" });
  });

  it("without a password asks nobody", async (t) => {
    const { login, fake } = await start(t);
    assert.deepEqual(await login("jane", ""), { ok: false, reason: "wrong_credentials" });
    assert.equal(fake.calls.length, 0);
  });

  it("is of exactly the name that was typed, whatever is in it", async (t) => {
    const names = ["a&expand=attributes", "a b", "é", "a+b", "a%26b", "a#b?c=/../d"];
    const people = names.map((name, index) => ({ ...jane, name, key: `k:${index}`, groups: [`g${index}`] }));
    const { login } = await start(t, {}, people);
    for (const [index, name] of names.entries()) {
      const { userId, groups } = identityOf(await login(name, "foo"));
      assert.deepEqual([userId, groups], [`k:${index}`, [`g${index}`]]);
    }
  });

  it("has all groups, beyond what a page holds", async (t) => {
    const groups = Array.from({ length: 2_500 }, (_, index) => `group-${index}`);
    const { login, fake } = await start(t, {}, [{ ...jane, groups }]);
    assert.deepEqual(identityOf(await login("jane", "foo")).groups, groups);
    assert.equal(fake.asked().filter((call) => call.includes("nested")).length, 3);
    assert.equal(fake.mostAtOnce() <= 2, true);
  });
});

describe("the restriction to groups", () => {
  it("holds whatever the client asked for, at login and refresh", async (t) => {
    const { login, refresh, fake } = await start(t, { groups: ["admins", "others"] });
    for (const groups of [true, false]) {
      fake.people.set("jane", jane);
      const identity = identityOf(await login("jane", "foo", aLogin({ groups })));
      assert.deepEqual(identity.groups, ["admins"]);
      fake.people.set("jane", { ...jane, groups: ["Admins"] });
      const denied = { ok: false, reason: "not_in_required_groups" } as const;
      assert.deepEqual(await login("jane", "foo", aLogin({ groups })), denied);
      assert.deepEqual(await refresh(identity, aLogin({ groups })), denied);
    }
  });

  it("ignores the case where that is wanted, and tells groups as Crowd writes them", async (t) => {
    const { login } = await start(t, { groups: ["ADMINS"], groupsIgnoreCase: true });
    assert.deepEqual(identityOf(await login("jane", "foo")).groups, ["admins"]);
  });
});

describe("a refresh", () => {
  it("tells what changed, and stays with the key through a new name", async (t) => {
    const { login, refresh, fake } = await start(t);
    const identity = identityOf(await login("jane", "foo"));
    fake.people.set("jane", { ...jane, groups: ["new"], email: "j@new.example" });
    const second = identityOf(await refresh(identity));
    assert.deepEqual([second.groups, second.email], [["new"], "j@new.example"]);
    fake.people.delete("jane");
    fake.people.set("jane.doe", { ...jane, name: "jane.doe" });
    const renamed = identityOf(await refresh(identity));
    assert.deepEqual([renamed.userId, renamed.username], [jane.key, "jane.doe"]);
    assert.equal(clear(renamed.connectorData), '{"username":"jane.doe"}');
    // Somebody else has the name now.
    fake.people.set("jane", { ...jane, key: "other" });
    assert.equal(identityOf(await refresh(identity)).username, "jane.doe");
    fake.people.delete("jane.doe");
    assert.deepEqual(await refresh(identity), { ok: false, reason: "gone" });
  });

  it("ends for somebody who is blocked or has left", async (t) => {
    const { login, refresh, fake } = await start(t);
    const identity = identityOf(await login("jane", "foo"));
    fake.people.set("jane", { ...jane, active: false });
    assert.deepEqual(await refresh(identity), { ok: false, reason: "gone" });
    fake.people.set("jane", { ...jane, refused: "APPLICATION_ACCESS_DENIED" });
    assert.deepEqual(await refresh(identity), { ok: false, reason: "not_in_required_groups" });
    fake.people.clear();
    assert.deepEqual(await refresh(identity), { ok: false, reason: "gone" });
  });

  it("reads what Dex stored, and nothing else", async (t) => {
    const { login, refresh } = await start(t);
    const identity = identityOf(await login("jane", "foo"));
    assert.ok((await refresh({ ...identity, connectorData: asData('{"Username":"jane"}') })).ok);
    for (const data of ["", "x", "{}", "[]", '{"username":1}'])
      await assert.rejects(refresh({ ...identity, connectorData: asData(data) }), /stored connector data/);
  });
});

describe("a Crowd that is away or does not know us", () => {
  it("says so in the log's words, and never the person's fault", async (t) => {
    const { login, fake } = await start(t, { clientSecret: "wrong" });
    await assert.rejects(login("jane", "foo"), /dex failed to authenticate Crowd Application with ID "dex"$/);
    const path = "/crowd/rest/usermanagement/1/session";
    fake.next(path, { status: 403, body: "The server understood the request but refuses to authorize it." });
    await assert.rejects(
      login("jane", "foo"),
      /dex is forbidden from making requests to the Atlassian Crowd application/,
    );
    for (const status of [429, 500, 503]) {
      fake.next(path, { status, body: "<html>" });
      await assert.rejects(login("jane", "foo"), UnavailableError);
    }
    fake.next(path, { status: 400, body: "<html>s3cret</html>" });
    await assert.rejects(
      login("jane", "foo"),
      (error) => error instanceof BadAnswerError && !/s3cret/.test(error.message),
    );
  });

  it("is told apart by the connector's test", async (t) => {
    const { fake, deps } = await start(t);
    const { report, told } = aReport();
    const config = { baseURL: `${fake.url}/crowd`, clientID: fake.clientId, clientSecret: fake.clientSecret };
    await atlassianCrowd.diagnose?.(atlassianCrowd.config.parse(config), deps, report);
    assert.deepEqual(
      told.map((line) => line.split(":")[0]),
      ["pass application"],
    );
    const wrong = atlassianCrowd.config.parse({ ...config, clientSecret: "x" });
    await assert.rejects(async () => atlassianCrowd.diagnose?.(wrong, deps, report), /failed to authenticate/);
  });

  it("has no person without a key", async (t) => {
    const { login } = await start(t, {}, [{ ...jane, key: "" }]);
    await assert.rejects(login("jane", "foo"), /no key/);
  });

  it("ends in a fault whatever it answers", async (t) => {
    const { login, fake } = await start(t);
    await fc.assert(
      fc.asyncProperty(fc.json(), fc.constantFrom(200, 201, 400, 404), async (body, status) => {
        fake.next("/crowd/rest/usermanagement/1/user", { status, body });
        const result = await login("jane", "foo").catch((error: unknown) => error);
        assert.ok(result instanceof BadAnswerError, String(result));
      }),
      { numRuns: 50 },
    );
  });

  it("needs an address", () => {
    assert.throws(() => atlassianCrowd.config.parse({}), /no baseURL provided for crowd connector/);
    assert.throws(() => atlassianCrowd.config.parse({ baseURL: "" }), /no baseURL provided for crowd connector/);
    assert.throws(() => atlassianCrowd.config.parse({ baseURL: "crowd" }), /no http or https address/);
  });
});
