/** Gitea and Forgejo: what Dex makes of their answers, and what else they may answer. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { aLogin } from "../../../test/fake/connector-deps.ts";
import { type GiteaPerson, jdoe, startFakeGitea } from "../../../test/fake/gitea.ts";
import { handClock } from "../../../test/fake/hand-clock.ts";
import { bare, groupsOf, kept, openVendor } from "../../../test/fake/open-vendor.ts";
import { UnavailableError } from "../../kernel/errors.ts";
import { gitea } from "./gitea.ts";

type Json = Readonly<Record<string, unknown>>;

async function aGitea(t: TestContext, config: Json = {}, person: Partial<GiteaPerson> = {}) {
  const fake = await startFakeGitea();
  const clock = handClock();
  const set = (more: Partial<GiteaPerson>): void => void fake.people.set("jane", { ...jdoe, ...more });
  set(person);
  return { set, clock, ...(await openVendor(t, gitea, fake, { baseURL: fake.url, ...config }, { clock })) };
}

const member: Partial<GiteaPerson> = {
  teams: ["acme/devs", "acme/owners", "/gone", "beta/devs"],
  orgs: ["acme", "beta", "quiet"],
};

describe("a login through Gitea", () => {
  it("brings Dex's identity, and no groups for a client that only asks", async (t) => {
    const { fake, signIn } = await aGitea(t, {}, member);
    const result = await signIn();
    assert.deepEqual(bare(result), {
      userId: "12345678",
      username: "some@email.com",
      preferredUsername: "jdoe",
      email: "some@email.com",
      emailVerified: true,
      groups: [],
    });
    assert.deepEqual(Object.keys(kept(result)), ["accessToken", "refreshToken", "expiry"]);
    assert.equal(fake.heard[0]?.query.has("scope"), false);
  });

  it("asks for the scopes that are configured, takes the login name where that is, and keeps ids exact", async (t) => {
    const scopes = ["read:user", "read:organization"];
    const { fake, set, signIn } = await aGitea(t, { scopes, useLoginAsID: true }, { full_name: "Jane Doe" });
    const result = await signIn();
    assert.ok(result.ok);
    assert.deepEqual([result.identity.userId, result.identity.username], ["jdoe", "Jane Doe"]);
    assert.equal(fake.heard[0]?.query.get("scope"), "read:user read:organization");
    set({ id: "0" });
    await assert.rejects(signIn(), /gitea: get user: unexpected type of "id"/);
    const large = await aGitea(t, {}, { id: "9007199254740993" });
    assert.equal((bare(await large.signIn()) as { userId: string }).userId, "9007199254740993");
  });

  it("tells whether the address is verified where that is wanted", async (t) => {
    const { set, signIn } = await aGitea(t, { checkEmailVerified: true });
    const verified = async () => {
      const result = await signIn();
      return result.ok && result.identity.emailVerified;
    };
    assert.equal(await verified(), true);
    set({ emails: [{ email: "Some@Email.com", verified: false, primary: true }] });
    assert.equal(await verified(), false);
  });

  it("ends for an account that may not sign in there", async (t) => {
    const { set, signIn, refresh } = await aGitea(t);
    const first = await signIn();
    for (const more of [{ prohibit_login: true }, { active: false }]) {
      set(more);
      assert.deepEqual(await signIn(), { ok: false, reason: "gone" });
      assert.deepEqual(await refresh(first), { ok: false, reason: "gone" });
    }
  });
});

describe("organizations and teams", () => {
  const all = ["acme", "acme:devs", "acme:owners", "beta", "beta:devs"];
  const owners = { orgs: [{ name: "acme", teams: ["owners"] }] };
  const table: readonly (readonly [what: string, config: Json, groups: readonly string[] | string])[] = [
    ["all, without the team of an organization that is gone", { loadAllGroups: true }, all],
    ["all, with organizations without teams", { loadAllGroups: true, includeOrgs: true }, [...all, "quiet"]],
    ["of the configured ones the name alone", { orgs: [{ name: "acme" }] }, ["acme"]],
    ["and the teams that are named", owners, ["acme", "acme:owners"]],
    ["one of the teams is needed", { orgs: [{ name: "acme", teams: ["admins"] }] }, "not_in_required_groups"],
    ["or not, as in Dex", { orgs: [{ name: "acme", teams: ["admins"] }], insecureIgnoreTeams: true }, ["acme"]],
    ["another organization may let in", { orgs: [{ name: "acme", teams: ["x"] }, { name: "beta" }] }, ["acme", "beta"]],
    ["an organization without teams counts not", { orgs: [{ name: "quiet" }] }, "not_in_required_groups"],
    ["but with includeOrgs", { orgs: [{ name: "quiet" }], includeOrgs: true }, ["quiet"]],
  ];
  for (const [what, config, groups] of table) {
    it(what, async (t) => {
      const { signIn } = await aGitea(t, config, member);
      assert.deepEqual(groupsOf(await signIn(aLogin({ groups: false }))), groups);
    });
  }

  it("five hundred teams arrive whole, from a server that knows the new name too", async (t) => {
    const teams = Array.from({ length: 500 }, (_, index) => `acme/team ${index}`);
    const { fake, signIn } = await aGitea(t, { loadAllGroups: true }, { teams });
    fake.isNew = true;
    assert.deepEqual(groupsOf(await signIn()), ["acme", ...teams.map((team) => team.replace("/", ":"))]);
    assert.equal(fake.count("GET", "/api/v1/user/teams"), 11);
  });

  it("come to an end though the server takes no notice of the page", async (t) => {
    const { fake, signIn } = await aGitea(t, { loadAllGroups: true }, member);
    fake.ignoresPage = true;
    assert.deepEqual(groupsOf(await signIn()), all);
    assert.equal(fake.count("GET", "/api/v1/user/teams"), 2);
  });
});

describe("a refresh", () => {
  it("redeems the refresh token once the access token has expired, and once for ten", async (t) => {
    const { fake, set, clock, signIn, refresh } = await aGitea(t, { loadAllGroups: true });
    const first = await signIn();
    set({ ...member, login: "renamed" });
    const second = await refresh(first);
    assert.ok(second.ok);
    assert.deepEqual([second.identity.preferredUsername, second.identity.groups.length], ["renamed", 5]);
    assert.equal(fake.count("POST", "/login/oauth/access_token"), 1);
    await clock.advance(3_595_000);
    const all = await Promise.all(Array.from({ length: 10 }, () => refresh(second)));
    assert.ok(all.every(({ ok }) => ok));
    assert.equal(fake.count("POST", "/login/oauth/access_token"), 2);
  });

  it("ends with a revoked grant, a lost membership, and not with an absence", async (t) => {
    const { fake, set, clock, signIn, refresh } = await aGitea(t, { orgs: [{ name: "acme" }] }, member);
    const first = await signIn();
    fake.next("/api/v1/user/teams", { status: 502 });
    await assert.rejects(refresh(first), UnavailableError);
    set({});
    assert.deepEqual(await refresh(first), { ok: false, reason: "not_in_required_groups" });
    fake.revoke("jane");
    assert.deepEqual(await refresh(first), { ok: false, reason: "gone" });
    set(member);
    const second = await signIn();
    await clock.advance(3_600_000);
    fake.next("/login/oauth/access_token", {
      status: 400,
      body: '{"error":"invalid_client","error_description":"invalid client secret"}',
    });
    fake.next("/login/oauth/access_token", { status: 400, body: '{"error":"invalid_client"}' });
    await assert.rejects(refresh(second), /"invalid_client"/);
    await assert.rejects(refresh("{}"), /gitea: no upstream access token found/);
  });
});

it("token exchange takes our own application's tokens, and nobody else's", async (t) => {
  const { fake, set, signIn, exchange } = await aGitea(t, { orgs: [{ name: "acme" }] }, member);
  const own = String(kept(await signIn()).accessToken);
  assert.deepEqual(groupsOf(await exchange(own)), ["acme"]);
  for (const token of [fake.strangeToken("jane"), "a-personal-one", ""]) {
    assert.deepEqual(await exchange(token), { ok: false, reason: "wrong_credentials" });
  }
  set({});
  assert.deepEqual(await exchange(own), { ok: false, reason: "not_in_required_groups" });
});
