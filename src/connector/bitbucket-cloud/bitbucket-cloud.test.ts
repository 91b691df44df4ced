/** Bitbucket Cloud: what Dex makes of its answers, and what else it may answer. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { type BitbucketPerson, erik, startFakeBitbucket } from "../../../test/fake/bitbucket-cloud.ts";
import { aLogin } from "../../../test/fake/connector-deps.ts";
import { handClock } from "../../../test/fake/hand-clock.ts";
import { bare, groupsOf, kept, openVendor } from "../../../test/fake/open-vendor.ts";
import { UnavailableError } from "../../kernel/errors.ts";
import { maxCallsOfOne } from "../shared/vendor-api.ts";
import { bitbucketCloud } from "./bitbucket-cloud.ts";

type Json = Readonly<Record<string, unknown>>;

async function aBitbucket(t: TestContext, config: Json = {}, person: Partial<BitbucketPerson> = {}) {
  const fake = await startFakeBitbucket();
  const clock = handClock();
  const hosts = { "bitbucket.org": fake.url, "api.bitbucket.org": fake.url };
  const set = (more: Partial<BitbucketPerson>): void => void fake.people.set("jane", { ...erik, ...more });
  set(person);
  return { set, clock, ...(await openVendor(t, bitbucketCloud, fake, config, { clock, hosts })) };
}

const workspaces = { "team-1": "owner", "team-2": "member", "team-3": undefined };

describe("a login through Bitbucket", () => {
  it("sends no address to come back to, and brings Dex's identity", async (t) => {
    const { fake, deps, connector, signIn } = await aBitbucket(t, {}, { workspaces });
    const result = await signIn(aLogin({ groups: false }));
    assert.deepEqual(bare(result), {
      userId: erik.uuid,
      username: "evzijst",
      email: "a@b.c",
      emailVerified: true,
      groups: [],
    });
    assert.deepEqual(Object.keys(kept(result)), ["accessToken", "refreshToken", "expiry"]);
    assert.equal(fake.heard[0]?.query.has("redirect_uri"), false);
    assert.equal(fake.heard[0]?.query.get("scope"), "account email");
    assert.equal(fake.heard[1]?.form.has("redirect_uri"), false);
    assert.deepEqual(
      new Set(deps.asked.map((one) => one.split(" ")[1]?.split("/")[2])),
      new Set(["bitbucket.org", "api.bitbucket.org"]),
    );
    // It says of no token whose it is.
    assert.equal(connector.identify, undefined);
  });

  it("refuses a redirectURI that is not ours, though it is never sent", async (t) => {
    const { signIn } = await aBitbucket(t, { redirectURI: "https://other.test/callback" });
    await assert.rejects(signIn(), /did not match the URL in the config/);
  });

  it("has the names that are configured where an account has no user name", async (t) => {
    const config = { useDisplayName: true, preferredUsernameField: "nickname" };
    const { signIn } = await aBitbucket(t, config, { username: undefined as never });
    const result = await signIn();
    assert.ok(result.ok);
    assert.deepEqual([result.identity.username, result.identity.preferredUsername], ["Erik van Zijst", "erik"]);
  });

  it("takes the primary address if it is confirmed, from whatever page", async (t) => {
    const many = Array.from({ length: 150 }, (_, index) => ({
      email: `${index}@x.test`,
      is_primary: false,
      is_confirmed: true,
    }));
    const { set, signIn } = await aBitbucket(
      t,
      {},
      { emails: [...many, { email: "me@x.test", is_primary: true, is_confirmed: true }] },
    );
    const result = await signIn();
    assert.ok(result.ok);
    assert.equal(result.identity.email, "me@x.test");
    set({ emails: [{ email: "me@x.test", is_primary: true, is_confirmed: false }] });
    await assert.rejects(signIn(), /user has no confirmed, primary email/);
  });
});

describe("workspaces", () => {
  const table: readonly (readonly [what: string, config: Json, groups: readonly string[] | string])[] = [
    ["all", {}, ["team-1", "team-2", "team-3"]],
    [
      "with permissions, as far as they can be read",
      { getWorkspacePermissions: true },
      ["team-1", "team-2", "team-3", "team-1:owner", "team-2:member"],
    ],
    ["of the list", { teams: ["team-2", "other"] }, ["team-2"]],
    ["permissions of the list", { teams: ["team-1:owner"], getWorkspacePermissions: true }, ["team-1:owner"]],
    ["none of the list", { teams: ["other"] }, "not_in_required_groups"],
  ];
  for (const [what, config, groups] of table) {
    it(what, async (t) => {
      const { signIn } = await aBitbucket(t, config, { workspaces });
      assert.deepEqual(groupsOf(await signIn()), groups);
    });
  }

  it("keep people out though the client asks for no groups", async (t) => {
    const { signIn } = await aBitbucket(t, { teams: ["other"] }, { workspaces });
    assert.equal(groupsOf(await signIn(aLogin({ groups: false }))), "not_in_required_groups");
  });

  it("three hundred arrive whole and in order, with few calls at once", async (t) => {
    const slugs = Array.from({ length: 300 }, (_, index) => `team-${index}`);
    const all = Object.fromEntries(slugs.map((slug) => [slug, "member"]));
    const { fake, signIn } = await aBitbucket(t, { getWorkspacePermissions: true }, { workspaces: all });
    fake.latency = 1;
    assert.deepEqual(groupsOf(await signIn()), [...slugs, ...slugs.map((slug) => `${slug}:member`)]);
    assert.ok(fake.mostAtOnce > 1 && fake.mostAtOnce <= maxCallsOfOne + 2, `${fake.mostAtOnce}`);
  });

  it("a next page elsewhere is not gone to, and a busy Bitbucket costs nobody a group", async (t) => {
    const { fake, signIn } = await aBitbucket(t, { getWorkspacePermissions: true }, { workspaces });
    fake.next("/2.0/user/workspaces", { body: '{"values":[],"next":"https://evil.test/2.0/user/workspaces?page=2"}' });
    await assert.rejects(signIn(), /goes on at another host/);
    fake.next("/2.0/user/workspaces/team-1/permission", { status: 429, headers: { "retry-after": "60" } });
    await assert.rejects(signIn(), UnavailableError);
  });
});

it("a refresh redeems what has expired, sees what changed, and ends with the grant", async (t) => {
  const { fake, set, clock, signIn, refresh } = await aBitbucket(t, { teams: ["team-1", "team-2"] }, { workspaces });
  const first = await signIn();
  set({ workspaces: { "team-2": "owner" } });
  const second = await refresh(first);
  assert.deepEqual([groupsOf(second), fake.count("POST", "/site/oauth2/access_token")], [["team-2"], 1]);
  await clock.advance(7_195_000);
  const third = await refresh(second);
  assert.notEqual(kept(third).refreshToken, kept(second).refreshToken);
  assert.equal(fake.count("POST", "/site/oauth2/access_token"), 2);
  set({});
  assert.deepEqual(await refresh(third), { ok: false, reason: "not_in_required_groups" });
  fake.revoke("jane");
  assert.deepEqual(await refresh(third), { ok: false, reason: "gone" });
  set({ workspaces });
  const other = await signIn();
  fake.next("/2.0/user", { status: 500 });
  await assert.rejects(refresh(other), UnavailableError);
  await assert.rejects(refresh("{}"), /bitbucket: no upstream access token found/);
});
