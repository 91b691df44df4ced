/** GitLab: what Dex makes of its answers, and what else it may answer. https://docs.gitlab.com/api/oauth2/ */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { aLogin } from "../../../test/fake/connector-deps.ts";
import { type GitlabPerson, john, startFakeGitlab } from "../../../test/fake/gitlab.ts";
import { bare, groupsOf, kept, openVendor } from "../../../test/fake/open-vendor.ts";
import { BadAnswerError, UnavailableError } from "../../kernel/errors.ts";
import type { Secret } from "../../kernel/secret.ts";
import { maxCallsOfOne } from "../shared/vendor-api.ts";
import { gitlabConfig } from "./config.ts";
import { gitlab } from "./gitlab.ts";

type Json = Readonly<Record<string, unknown>>;

async function aGitlab(t: TestContext, config: Json = {}, person: Partial<GitlabPerson> = {}) {
  const fake = await startFakeGitlab();
  const set = (more: Partial<GitlabPerson>): void => void fake.people.set("jane", { ...john, ...more });
  set(person);
  // With the slash that people leave there.
  return { set, ...(await openVendor(t, gitlab, fake, { baseURL: `${fake.url}/`, ...config })) };
}

const direct: Partial<GitlabPerson> = {
  groups: ["ops", "dev", "ops-test", "ops/project", "dev/project1", "dev/project2"],
  roles: { owner: ["ops"], developer: ["dev"], maintainer: ["dev/project1"] },
};
const inherited: Partial<GitlabPerson> = {
  groups: ["ops"],
  roles: { owner: ["ops"] },
  inherited: { ops: 50, "ops/project": 50, analytics: 20, secret: undefined, odd: 7 },
};

describe("a login through GitLab", () => {
  it("asks the documented way and brings Dex's identity", async (t) => {
    const { fake, signIn } = await aGitlab(t);
    const result = await signIn(aLogin({ groups: false }));
    assert.deepEqual(bare(result), {
      userId: "12345678",
      username: "Joe Bloggs",
      preferredUsername: "joebloggs",
      email: "joe@example.com",
      emailVerified: true,
      groups: [],
    });
    assert.deepEqual(Object.keys(kept(result)), ["accessToken", "refreshToken"]);
    assert.deepEqual(
      fake.heard.map(({ method, path }) => `${method} ${path}`),
      ["GET /oauth/authorize", "POST /oauth/token", "GET /api/v4/user"],
    );
    const query = fake.heard[0]?.query;
    assert.deepEqual([query?.get("scope"), query?.get("code_challenge_method")], ["read_user", "S256"]);
  });

  it("asks for the scopes that its groups need", async (t) => {
    for (const [config, groups, scope] of [
      [{}, true, "read_user openid"],
      [{ groups: ["ops"] }, false, "read_user openid"],
      [{ inheritedGroups: true }, true, "read_user openid read_api"],
      [{ inheritedGroups: true }, false, "read_user"],
    ] as const) {
      const { fake, signIn } = await aGitlab(t, config, { groups: ["ops"], inherited: { ops: 50 } });
      await signIn(aLogin({ groups }));
      assert.equal(fake.heard[0]?.query.get("scope"), scope);
    }
  });

  it("keeps ids exact, and takes no missing one", async (t) => {
    const { set, signIn } = await aGitlab(t);
    for (const id of ["1000000", "9007199254740993"]) {
      set({ id });
      const result = await signIn();
      assert.ok(result.ok);
      assert.equal(result.identity.userId, id);
    }
    set({ id: "0" });
    await assert.rejects(signIn(), /gitlab: get user: unexpected type of "id"/);
  });

  it("takes the address for the name, and the user name for the id, where Dex does", async (t) => {
    const { set, signIn } = await aGitlab(t, { useLoginAsID: true }, { name: "" });
    const result = await signIn();
    assert.ok(result.ok);
    assert.deepEqual([result.identity.userId, result.identity.username], ["joebloggs", "joe@example.com"]);
    set({ email: null });
    const bodiless = await signIn();
    assert.ok(bodiless.ok);
    assert.equal(bodiless.identity.email, undefined);
  });

  it("tells whether the address is confirmed where that is wanted", async (t) => {
    for (const [config, emailVerified] of [
      [{}, true],
      [{ checkEmailVerified: true }, false],
    ] as const) {
      const { signIn } = await aGitlab(t, config, { confirmed_at: null });
      const result = await signIn();
      assert.ok(result.ok);
      assert.equal(result.identity.emailVerified, emailVerified);
    }
  });

  it("ends for an account that GitLab has closed", async (t) => {
    const { set, signIn, refresh } = await aGitlab(t);
    const first = await signIn();
    for (const state of ["blocked", "ldap_blocked", "banned", "deactivated", "blocked_pending_approval"]) {
      set({ state });
      assert.deepEqual(await signIn(), { ok: false, reason: "gone" }, state);
    }
    assert.deepEqual(await refresh(first), { ok: false, reason: "gone" });
  });
});

describe("groups", () => {
  const table: readonly (readonly [
    what: string,
    config: Json,
    person: Partial<GitlabPerson>,
    groups: readonly string[] | string,
  ])[] = [
    ["direct ones", {}, direct, direct.groups ?? []],
    [
      "with roles",
      { getGroupsPermission: true },
      direct,
      [
        ...(direct.groups ?? []),
        "ops:owner",
        "dev:developer",
        "ops/project:owner",
        "dev/project1:maintainer",
        "dev/project2:developer",
      ],
    ],
    ["inherited ones", { inheritedGroups: true }, inherited, ["ops", "ops/project", "analytics", "secret", "odd"]],
    [
      "inherited ones with roles",
      { inheritedGroups: true, getGroupsPermission: true },
      inherited,
      ["ops", "ops/project", "analytics", "secret", "odd", "ops:owner", "ops/project:owner", "analytics:reporter"],
    ],
    ["of the list", { groups: ["team-1"] }, { groups: ["team-1", "team-2"] }, ["team-1"]],
    ["roles of the list", { groups: ["ops:owner"], getGroupsPermission: true }, direct, ["ops:owner"]],
    ["none of the list", { groups: ["admins"] }, direct, "not_in_required_groups"],
  ];
  for (const [what, config, person, groups] of table) {
    it(what, async (t) => {
      const { signIn } = await aGitlab(t, config, person);
      assert.deepEqual(groupsOf(await signIn()), groups);
    });
  }

  it("keep people out though the client asks for none, at a refresh and an exchange too", async (t) => {
    const { set, signIn, refresh, exchange } = await aGitlab(t, { groups: ["ops"] }, direct);
    const none = aLogin({ groups: false });
    const first = await signIn(none);
    assert.deepEqual(groupsOf(first), ["ops"]);
    const second = await refresh(first, none);
    assert.ok(second.ok);
    set({});
    const refused = { ok: false, reason: "not_in_required_groups" } as const;
    assert.deepEqual(await refresh(second, none), refused);
    assert.deepEqual(await signIn(none), refused);
    set(direct);
    const own = String(kept(await signIn()).accessToken);
    set({});
    assert.deepEqual(await exchange(own, none), refused);
  });

  it("a thousand nested ones with roles arrive whole and in order, with few calls at once", async (t) => {
    const paths = Array.from({ length: 1_000 }, (_, index) => `top-${index % 10}/sub-${index % 100}/group-${index}`);
    const levels = Object.fromEntries(paths.map((path, index) => [path, index % 2 === 0 ? 30 : 40]));
    const { fake, signIn } = await aGitlab(
      t,
      { inheritedGroups: true, getGroupsPermission: true },
      { inherited: levels },
    );
    fake.latency = 1;
    const groups = groupsOf(await signIn());
    assert.deepEqual(groups, [
      ...paths,
      ...paths.map((path, index) => `${path}:${index % 2 === 0 ? "developer" : "maintainer"}`),
    ]);
    assert.equal(fake.count("GET", "/api/v4/groups"), 11);
    assert.ok(fake.mostAtOnce > 1 && fake.mostAtOnce <= maxCallsOfOne, `${fake.mostAtOnce}`);
  });

  it("stop being asked for at the first fault", async (t) => {
    const inherited = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`g${index}`, 30]));
    const { fake, signIn } = await aGitlab(t, { inheritedGroups: true, getGroupsPermission: true }, { inherited });
    fake.latency = 1;
    fake.next("/api/v4/groups/3/members/all/12345678", { status: 500 });
    await assert.rejects(signIn(), UnavailableError);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.ok(fake.heard.length < 50, `${fake.heard.length} calls`);
  });
});

describe("a refresh", () => {
  it("redeems the refresh token each time, keeps the new one whatever was asked for, and stores it first", async (t) => {
    const { fake, signIn, refresh } = await aGitlab(t);
    const first = await signIn();
    const second = await refresh(first, aLogin({ offlineAccess: false, groups: false }));
    assert.notEqual(kept(second).refreshToken, kept(first).refreshToken);
    fake.next("/api/v4/user", { status: 503, headers: { "retry-after": "60" } });
    const stored: string[] = [];
    const keep = async (data: Secret<Uint8Array>) => void stored.push(`${Buffer.from(data.reveal())}`);
    await assert.rejects(refresh(second, { ...aLogin(), keep }), UnavailableError);
    assert.ok((await refresh(stored[0] ?? "")).ok);
  });

  it("redeems once for ten at the same time", async (t) => {
    const { fake, signIn, refresh } = await aGitlab(t);
    const first = await signIn();
    const all = await Promise.all(Array.from({ length: 10 }, () => refresh(first)));
    assert.equal(new Set(all.map((one) => kept(one).refreshToken)).size, 1);
    assert.equal(fake.count("POST", "/oauth/token"), 2);
  });

  it("uses the access token where there is no other", async (t) => {
    const { fake, signIn, refresh } = await aGitlab(t);
    const { accessToken } = kept(await signIn());
    assert.ok((await refresh(JSON.stringify({ accessToken }))).ok);
    assert.equal(fake.count("POST", "/oauth/token"), 1);
    await assert.rejects(refresh("{}"), /gitlab: no upstream access token found/);
  });

  it("ends with a revoked grant, and survives GitLab's absence", async (t) => {
    const { fake, signIn, refresh } = await aGitlab(t);
    const first = await signIn();
    fake.next("/oauth/token", { status: 502 });
    await assert.rejects(refresh(first), UnavailableError);
    fake.next("/api/v4/user", { status: 429, headers: { "retry-after": "60", "ratelimit-remaining": "0" } });
    await assert.rejects(refresh(first), UnavailableError);
    const fresh = await signIn();
    fake.next("/oauth/token", { status: 401, body: '{"error":"invalid_client"}' });
    await assert.rejects(refresh(fresh), (error) => error instanceof BadAnswerError);
    fake.revoke("jane");
    assert.deepEqual(await refresh(fresh), { ok: false, reason: "gone" });
  });
});

describe("token exchange", () => {
  it("takes our own application's tokens, and others' only if they are named", async (t) => {
    const { fake, signIn, exchange } = await aGitlab(t);
    const own = String(kept(await signIn()).accessToken);
    const result = await exchange(own);
    assert.ok(result.ok);
    assert.deepEqual([result.identity.userId, result.identity.connectorData], ["12345678", undefined]);
    for (const token of [fake.strangeToken("jane"), "glpat-personal", ""]) {
      assert.deepEqual(await exchange(token), { ok: false, reason: "wrong_credentials" });
    }
    const named = await aGitlab(t, { tokenExchangeAudiences: ["another-application"] });
    assert.ok((await named.exchange(named.fake.strangeToken("jane"))).ok);
  });
});

it("configuration: authorities and addresses that are none are refused", () => {
  const encoded = Buffer.from("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n").toString("base64");
  assert.throws(() => gitlabConfig.parse({ rootCAData: "x" }), /gitlab: invalid rootCAData/);
  assert.equal(
    gitlabConfig.parse({ rootCAData: `${encoded.slice(0, 20)}\n${encoded.slice(20)}` }).baseURL,
    "https://gitlab.com",
  );
  assert.throws(() => gitlabConfig.parse({ baseURL: "gitlab.com" }), /no http or https address/);
});
