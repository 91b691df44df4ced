/** GitHub: what Dex makes of its answers, and what else it may answer. https://docs.github.com/rest */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import fc from "fast-check";
import { aLogin, noWishes } from "../../../test/fake/connector-deps.ts";
import { type FakeGithubOptions, githubRateLimit, octocat, startFakeGithub } from "../../../test/fake/github.ts";
import { handClock } from "../../../test/fake/hand-clock.ts";
import { bare, groupsOf, kept, openVendor } from "../../../test/fake/open-vendor.ts";
import { BadAnswerError, UnavailableError } from "../../kernel/errors.ts";
import type { Secret } from "../../kernel/secret.ts";
import { maxCalls, maxCallsOfOne } from "../shared/vendor-api.ts";
import { githubConfig } from "./config.ts";
import { chooseEmail } from "./email.ts";
import { github } from "./github.ts";

type Json = Readonly<Record<string, unknown>>;

async function aGithub(t: TestContext, config: Json = {}, options: FakeGithubOptions = {}, deadline = 10_000) {
  const fake = await startFakeGithub(options);
  fake.person = "octocat";
  fake.people.set("octocat", { ...octocat });
  const clock = handClock();
  const hosts = { "github.com": fake.url, "api.github.com": fake.url };
  const set = (more: Partial<typeof octocat>): void => void fake.people.set("octocat", { ...octocat, ...more });
  return { set, clock, ...(await openVendor(t, github, fake, config, { clock, hosts, upstream: { deadline } })) };
}

/** Dex's own example: two organizations over pages, teams in two of them. */
const joined = { orgs: ["org-1", "org-2", "org-3"], teams: ["org-1/team 1", "org-1/Team 2", "org-2/Team 4"] };

describe("a login through GitHub", () => {
  it("asks the documented way and brings Dex's identity", async (t) => {
    const { fake, deps, signIn } = await aGithub(t);
    const result = await signIn();
    assert.deepEqual(bare(result), {
      userId: "583231",
      username: "monalisa octocat",
      preferredUsername: "octocat",
      email: "o@github.com",
      emailVerified: true,
      groups: [],
    });
    const { accessToken, expiry, ...more } = kept(result);
    assert.ok(typeof accessToken === "string" && accessToken !== "");
    assert.deepEqual([expiry, more], ["0001-01-01T00:00:00Z", {}]);
    const { query } = fake.heard.find(({ path }) => path === "/login/oauth/authorize") ?? assert.fail();
    assert.deepEqual([query.get("scope"), query.get("code_challenge_method")], ["user:email read:org", "S256"]);
    assert.deepEqual(deps.asked, [
      "POST https://github.com/login/oauth/access_token",
      "GET https://api.github.com/user",
      "GET https://api.github.com/user/emails?per_page=100",
    ]);
    const api = fake.heard.find(({ path }) => path === "/user") ?? assert.fail();
    assert.equal(api.headers["x-github-api-version"], "2022-11-28");
  });

  it("asks for as little as it needs", async (t) => {
    const { fake, signIn } = await aGithub(t);
    const result = await signIn(aLogin({ groups: false, offlineAccess: false }));
    assert.equal(fake.heard[0]?.query.get("scope"), "user:email");
    assert.deepEqual(kept(result), {});
  });

  it("tells GitHub whom the client means, and lets people choose where they should be asked again", async (t) => {
    const { fake, signIn } = await aGithub(t);
    await signIn({ ...aLogin(), wishes: { ...noWishes, loginHint: "octocat" } });
    await signIn({ ...aLogin(), wishes: { ...noWishes, mustProve: true } });
    const asked = fake.heard.filter(({ path }) => path.endsWith("/authorize")).map(({ query }) => query);
    assert.deepEqual(
      asked.map((query) => [query.get("login"), query.get("prompt")]),
      [
        ["octocat", null],
        [null, "select_account"],
      ],
    );
  });

  it("keeps ids exact, whatever their size", async (t) => {
    const { set, signIn } = await aGithub(t);
    for (const id of ["1000000", "12345678", "9007199254740993", "18446744073709551615"]) {
      set({ id });
      const result = await signIn();
      assert.ok(result.ok);
      assert.equal(result.identity.userId, id);
    }
    for (const id of ["0", "-1", "null", '"583231"', "1.5", "true"]) {
      set({ id });
      await assert.rejects(signIn(), /github: get user: unexpected type of "id"/);
    }
  });

  it("takes the login name as id where that is configured, and its name where there is no other", async (t) => {
    const { set, signIn } = await aGithub(t, { useLoginAsID: true });
    set({ name: null, email: "public@github.com" });
    const result = await signIn();
    assert.ok(result.ok);
    const { userId, username, email } = result.identity;
    assert.deepEqual([userId, username, email], ["octocat", "octocat", "public@github.com"]);
  });

  it("says that the person said no, and that an account is suspended", async (t) => {
    const { fake, set, signIn } = await aGithub(t);
    set({ suspended: true });
    assert.deepEqual(await signIn(), { ok: false, reason: "gone" });
    fake.person = undefined;
    assert.deepEqual(await signIn(), { ok: false, reason: "cancelled" });
  });
});

describe("addresses", () => {
  const one = (email: string, verified: boolean, primary = false) => ({ email, verified, primary });
  const choose = (entries: Parameters<typeof chooseEmail>[0], config: Json = {}): string =>
    chooseEmail(entries, githubConfig.parse(config));

  it("of the preferred domain come first, if they are verified", () => {
    const entries = [
      one("p@a.test", true, true),
      one("no@b.test", false),
      one("yes@b.test", true),
      one("x@b.test", true),
    ];
    assert.equal(choose(entries), "p@a.test");
    assert.equal(choose(entries, { preferredEmailDomain: "b.test" }), "yes@b.test");
    assert.equal(choose(entries, { preferredEmailDomain: "c.test" }), "p@a.test");
  });

  it("match a domain label by label", () => {
    const table: readonly (readonly [pattern: string, domain: string, matches: boolean])[] = [
      ["*.example.com", "a.example.com", true],
      ["*.example.com", "example.com", false],
      ["*.example.com", "a.b.example.com", false],
      ["*.*.example.com", "a.b.example.com", true],
      ["a.*.com", "a.b.com", true],
      ["example.com", "example.com.evil.test", false],
    ];
    for (const [preferredEmailDomain, domain, matches] of table) {
      const entries = [one("p@a.test", true, true), one(`x@${domain}`, true)];
      assert.equal(
        choose(entries, { preferredEmailDomain }),
        matches ? `x@${domain}` : "p@a.test",
        preferredEmailDomain,
      );
    }
  });

  it("that are not verified count on Enterprise alone, and there not with checkEmailVerified", () => {
    const entries = [one("p@a.test", false, true)];
    assert.throws(() => choose(entries), /no verified, primary email/);
    assert.equal(choose(entries, { hostName: "ghe.test" }), "p@a.test");
    assert.throws(() => choose(entries, { hostName: "ghe.test", checkEmailVerified: true }), /no verified/);
    assert.throws(() => choose([one("nobody", true)], { preferredEmailDomain: "b.test" }), /invalid format email/);
  });

  it("are looked up on every page", async (t) => {
    const { set, signIn } = await aGithub(t, { preferredEmailDomain: "work.test" });
    const many = Array.from({ length: 120 }, (_, index) => ({ ...one(`${index}@x.test`, true), visibility: null }));
    set({ email: "public@x.test", emails: [...many, { ...one("me@work.test", true), visibility: null }] });
    const result = await signIn();
    assert.ok(result.ok);
    assert.equal(result.identity.email, "me@work.test");
  });
});

describe("organizations and teams", () => {
  const table: readonly (readonly [what: string, config: Json, groups: readonly string[] | string])[] = [
    [
      "all of them",
      { loadAllGroups: true },
      ["org-1", "org-1:team 1", "org-1:Team 2", "org-2", "org-2:Team 4", "org-3"],
    ],
    ["of the configured ones", { orgs: [{ name: "org-1" }] }, ["org-1:team 1", "org-1:Team 2"]],
    ["in any case, told as configured", { orgs: [{ name: "ORG-1" }] }, ["ORG-1:team 1", "ORG-1:Team 2"]],
    ["of the listed teams", { orgs: [{ name: "org-1", teams: ["Team 2", "x"] }] }, ["org-1:Team 2"]],
    ["none, in an organization without teams", { orgs: [{ name: "org-3" }] }, []],
    ["with the organization", { orgs: [{ name: "org-3" }], includeOrgs: true }, ["org-3"]],
    ["by slug", { orgs: [{ name: "org-1" }], teamNameField: "slug" }, ["org-1:team-1", "org-1:team-2"]],
    ["by both", { orgs: [{ name: "org-2" }], teamNameField: "both" }, ["org-2:Team 4", "org-2:team-4"]],
    ["the slug of the list", { orgs: [{ name: "org-1", teams: ["team-2"] }], teamNameField: "slug" }, ["org-1:team-2"]],
    ["of several", { orgs: [{ name: "other" }, { name: "org-2" }] }, ["org-2:Team 4"]],
    ["no team of the list", { orgs: [{ name: "org-1", teams: ["team-1"] }] }, "not_in_required_groups"],
    ["no organization", { orgs: [{ name: "other" }] }, "not_in_required_groups"],
    ["the old key, without prefix", { org: "org-1" }, ["team 1", "Team 2"]],
    ["the old key, enforced", { org: "other" }, "not_in_required_groups"],
    ["the old key as in Dex", { org: "other", insecureIgnoreOrg: true }, []],
  ];
  for (const [what, config, groups] of table) {
    it(what, async (t) => {
      const { set, signIn } = await aGithub(t, config);
      set(joined);
      assert.deepEqual(groupsOf(await signIn()), groups);
    });
  }

  it("keep people out though the client asks for no groups", async (t) => {
    const { signIn } = await aGithub(t, { orgs: [{ name: "org-1" }] });
    const login = aLogin({ groups: false });
    assert.deepEqual(await signIn(login), { ok: false, reason: "not_in_required_groups" });
    assert.match(login.decisions.at(-1)?.because ?? "", /github: user "octocat" not in required orgs or teams/);
  });

  it("five hundred teams and fifty organizations arrive whole and in order, with few calls at once", async (t) => {
    const orgs = Array.from({ length: 50 }, (_, index) => `org-${index}`);
    const teams = Array.from({ length: 500 }, (_, index) => `org-${index % 50}/team ${index}`);
    const { fake, set, signIn } = await aGithub(t, { orgs: orgs.map((name) => ({ name })) });
    set({ orgs, teams });
    fake.latency = 5;
    const result = await signIn();
    assert.ok(result.ok);
    assert.equal(result.identity.groups.length, 500);
    assert.deepEqual(result.identity.groups.slice(0, 3), ["org-0:team 0", "org-0:team 50", "org-0:team 100"]);
    assert.equal(fake.count("GET", "/user/teams"), 5);
    // One more: the address is looked up meanwhile.
    assert.ok(fake.mostAtOnce > 1 && fake.mostAtOnce <= maxCallsOfOne + 1, `${fake.mostAtOnce}`);
  });

  it("of twenty people at once stay within the connector's calls", async (t) => {
    const orgs = Array.from({ length: 20 }, (_, index) => `org-${index}`);
    const { fake, set, connector, signIn } = await aGithub(t, { orgs: orgs.map((name) => ({ name })) });
    set({ orgs });
    fake.latency = 5;
    const first = await signIn();
    assert.ok(first.ok && connector.refresh !== undefined);
    const refresh = connector.refresh.bind(connector);
    const { identity } = first;
    const all = await Promise.all(Array.from({ length: 20 }, () => refresh(identity, aLogin())));
    assert.ok(all.every(({ ok }) => ok));
    assert.ok(fake.mostAtOnce > maxCallsOfOne && fake.mostAtOnce <= maxCalls, `${fake.mostAtOnce}`);
  });

  it("go on without a last page, and never elsewhere or in circles", async (t) => {
    const teams = Array.from({ length: 250 }, (_, index) => `org-1/team ${index}`);
    const { fake, set, signIn } = await aGithub(t, { loadAllGroups: true });
    set({ orgs: ["org-1"], teams });
    fake.hidesLast = true;
    assert.equal(groupsOf(await signIn()).length, 251);
    const teamsOf = (link: string) => ({ body: "[]", headers: { link } });
    fake.next("/user/teams", teamsOf('<https://evil.test/user/teams?page=2>; rel="next"'));
    await assert.rejects(signIn(), /goes on at another host/);
    fake.next("/user/teams", teamsOf('<https://api.github.com/user/teams?per_page=100>; rel="next"'));
    await assert.rejects(signIn(), /lead back to an earlier one/);
  });

  it("of a public member count, and those behind single sign-on do not", async (t) => {
    const { fake, set, deps, signIn } = await aGithub(t, { orgs: [{ name: "walled" }, { name: "open" }] });
    set({ orgs: ["walled"], teams: ["walled/a"] });
    fake.ssoOrgs.add("walled");
    assert.equal(groupsOf(await signIn()), "not_in_required_groups");
    assert.ok(deps.log.some((line) => line.includes("single sign-on before it says")));
    fake.publicOrgs.add("open");
    assert.deepEqual(groupsOf(await signIn()), []);
    assert.ok(deps.log.some((line) => line.includes("left themselves out")));
  });

  it("reach a proxy by its own address, links included", async (t) => {
    const fake = await startFakeGithub();
    fake.person = "octocat";
    const teams = Array.from({ length: 150 }, (_, index) => `org-1/team ${index}`);
    fake.people.set("octocat", { ...octocat, orgs: ["org-1"], teams });
    const config = { loadAllGroups: true, baseURL: `${fake.url}/`, apiURL: `${fake.url}/` };
    const { signIn } = await openVendor(t, github, fake, config);
    assert.equal(groupsOf(await signIn()).length, 151);
  });
});

describe("GitHub Enterprise", () => {
  it("is at its own host, with an authority of its own", async (t) => {
    const fake = await startFakeGithub({ prefix: "/api/v3" });
    fake.person = "octocat";
    fake.people.set("octocat", {
      ...octocat,
      orgs: ["org-1"],
      teams: Array.from({ length: 101 }, (_, index) => `org-1/${index}`),
      emails: [{ email: "p@corp.test", verified: false, primary: true, visibility: null }],
    });
    const hosts = { "ghe.corp.test": fake.url };
    const { signIn, deps } = await openVendor(
      t,
      github,
      fake,
      { hostName: "ghe.corp.test", apiURL: `${fake.url}/api/v3`, orgs: [{ name: "org-1" }] },
      { hosts },
    );
    const result = await signIn();
    assert.ok(result.ok);
    assert.deepEqual([result.identity.email, result.identity.groups.length], ["p@corp.test", 101]);
    assert.equal(deps.asked[0], "POST https://ghe.corp.test/login/oauth/access_token");
  });

  it("has Dex's words for mistakes in the configuration", () => {
    const table: readonly (readonly [config: Json, message: RegExp])[] = [
      [{ org: "a", orgs: [{ name: "b" }] }, /cannot use both 'org' and 'orgs' fields simultaneously/],
      [{ hostName: "https://a/b" }, /invalid hostname: hostname cannot contain `\/`/],
      [{ rootCA: "/ca.pem" }, /Host name field required for a root certificate file/],
      [{ teamNameField: "id" }, /unsupported team name field value/],
      [{ preferredEmailDomain: "a.*" }, /glob pattern cannot end with/],
      [{ apiURL: "ftp://x" }, /no http or https address/],
    ];
    for (const [config, message] of table) assert.throws(() => githubConfig.parse(config), message);
  });
});

describe("a refresh", () => {
  it("of a token without end asks the API alone, and sees what changed", async (t) => {
    const { fake, set, signIn, refresh } = await aGithub(t, { loadAllGroups: true });
    const first = await signIn();
    set({ ...joined, login: "renamed", name: "New Name" });
    const second = await refresh(first);
    assert.ok(second.ok);
    const { userId, username, preferredUsername, groups } = second.identity;
    assert.deepEqual([userId, username, preferredUsername, groups.length], ["583231", "New Name", "renamed", 6]);
    assert.deepEqual(kept(second), kept(first));
    assert.equal(fake.count("POST", "/login/oauth/access_token"), 1);
    assert.ok((await refresh(`{"AccessToken":"${kept(first).accessToken}"}`)).ok);
  });

  it("of a GitHub App's token redeems the refresh token once it has expired, and stores the new one first", async (t) => {
    const { fake, clock, signIn, refresh } = await aGithub(t, {}, { isApp: true });
    const first = await signIn();
    assert.ok((await refresh(first)).ok);
    assert.equal(fake.count("POST", "/login/oauth/access_token"), 1);
    await clock.advance(28_795_000);
    fake.next("/user", { status: 502 });
    const stored: string[] = [];
    const login = {
      ...aLogin(),
      keep: async (data: Secret<Uint8Array>) => void stored.push(`${Buffer.from(data.reveal())}`),
    };
    await assert.rejects(refresh(first, login), UnavailableError);
    assert.equal(stored.length, 1);
    const second = await refresh(stored[0] ?? "");
    assert.ok(second.ok);
    assert.equal(JSON.stringify(kept(second)), stored[0]);
    assert.equal(fake.count("POST", "/login/oauth/access_token"), 2);
  });

  it("ends with a revoked grant, a suspended account and a lost membership", async (t) => {
    const { fake, set, clock, signIn, refresh } = await aGithub(t, { orgs: [{ name: "org-1" }] }, { isApp: true });
    set(joined);
    const first = await signIn();
    set({});
    assert.deepEqual(await refresh(first), { ok: false, reason: "not_in_required_groups" });
    set({ ...joined, suspended: true });
    assert.deepEqual(await refresh(first), { ok: false, reason: "gone" });
    set(joined);
    assert.ok((await refresh(first)).ok);
    fake.revoke("octocat");
    assert.deepEqual(await refresh(first), { ok: false, reason: "gone" });
    await clock.advance(28_800_000);
    assert.deepEqual(await refresh(first), { ok: false, reason: "gone" });
  });

  it("without anything to refresh with is a fault, not the person's", async (t) => {
    const { refresh } = await aGithub(t);
    await assert.rejects(refresh('{"accessToken":""}'), /github: no upstream access token found/);
    await assert.rejects(refresh("x"), /stored connector data is no JSON/);
  });

  it("ends nothing while GitHub is away or has had enough of us", async (t) => {
    const { fake, signIn, refresh } = await aGithub(t, { loadAllGroups: true }, {}, 3_000);
    const first = await signIn();
    const busy = { status: 429, headers: { "retry-after": "60" } };
    const table: readonly (readonly [path: string, spoil: Parameters<typeof fake.next>[1], message: RegExp])[] = [
      ["/user", githubRateLimit, /API rate limit exceeded.*again at 2030-01-01T00:00:00\.000Z/],
      ["/user/teams", { ...githubRateLimit, headers: { "retry-after": "60" } }, /again in 60 s/],
      [
        "/user/teams",
        { status: 403, body: '{"message":"You have exceeded a secondary rate limit."}' },
        /secondary rate/,
      ],
      ["/user/orgs", busy, /status 429; again in 60 s/],
      ["/user", { status: 500, body: "<html>Unicorn!</html>" }, /status 500/],
      ["/user", { hang: true }, /no answer within/],
      ["/user/emails", { cut: true }, /./],
    ];
    for (const [path, spoil, message] of table) {
      fake.next(path, spoil);
      await assert.rejects(refresh(first), (error: Error) => {
        assert.ok(error instanceof UnavailableError && message.test(error.message), `${path} ${error}`);
        return true;
      });
    }
    fake.next("/user", { status: 429, headers: { "retry-after": "0" } });
    assert.ok((await refresh(first)).ok);
  });

  it("is a fault where GitHub answers with something else", async (t) => {
    const { fake, signIn, refresh } = await aGithub(t, { loadAllGroups: true });
    const first = await signIn();
    for (const [path, body] of [
      ["/user", "<html>"],
      ["/user", '{"login":"x"'],
      ["/user/teams", '[{"name":1}]'],
      ["/user/orgs", `"${"x".repeat(5_000_000)}"`],
    ] as const) {
      fake.next(path, { body });
      await assert.rejects(refresh(first), BadAnswerError);
    }
  });
});

describe("token exchange", () => {
  it("takes our own application's tokens, and nobody else's", async (t) => {
    const { fake, set, signIn, exchange } = await aGithub(t, { orgs: [{ name: "org-1" }] });
    set(joined);
    const own = String(kept(await signIn()).accessToken);
    const login = aLogin({ groups: false });
    assert.deepEqual(groupsOf(await exchange(own, login)), ["org-1:team 1", "org-1:Team 2"]);
    assert.equal(login.decisions[0]?.outcome, "pass");
    for (const token of [fake.strangeToken("octocat"), "ghp_personal", "", "../../x"]) {
      assert.deepEqual(await exchange(token), { ok: false, reason: "wrong_credentials" });
    }
    set({});
    assert.deepEqual(await exchange(own), { ok: false, reason: "not_in_required_groups" });
    fake.revoke("octocat");
    assert.deepEqual(await exchange(own), { ok: false, reason: "wrong_credentials" });
  });

  it("fails where our own secret is refused", async (t) => {
    const { fake, exchange } = await aGithub(t);
    fake.next(`/applications/${fake.clientId}/token`, { status: 401, body: '{"message":"Bad credentials"}' });
    await assert.rejects(exchange("x"), /github: check a token: status 401/);
    fake.next(`/applications/${fake.clientId}/token`, githubRateLimit);
    await assert.rejects(exchange("x"), UnavailableError);
    fake.next(`/applications/${fake.clientId}/token`, { body: '{"app":{"client_id":"other"}}' });
    assert.deepEqual(await exchange("x"), { ok: false, reason: "wrong_credentials" });
  });
});

it("no secret is in any message, whatever the token endpoint says", async (t) => {
  const { fake, signIn } = await aGithub(t);
  await fc.assert(
    fc.asyncProperty(fc.string(), fc.constantFrom(200, 400, 401, 403), async (body, status) => {
      fake.next("/login/oauth/access_token", { status, body });
      await assert.rejects(signIn(), (error: Error) => !/dex-secret|code_verifier/.test(error.message));
    }),
    { numRuns: 40 },
  );
});
