/** Each vendor in front of a whole server: login, refresh, changed groups, restriction, exchange. OIDC Core §3.1, §12, RFC 8693. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { erik, startFakeBitbucket } from "../fake/bitbucket-cloud.ts";
import { jdoe, startFakeGitea } from "../fake/gitea.ts";
import { githubRateLimit, octocat, startFakeGithub } from "../fake/github.ts";
import { john, startFakeGitlab } from "../fake/gitlab.ts";
import { type HandClock, handClock } from "../fake/hand-clock.ts";
import { bob, startFakeLinkedin } from "../fake/linkedin.ts";
import type { Spoil } from "../fake/spoiled.ts";
import type { FakeVendor } from "../fake/vendor.ts";
import {
  app,
  assertPage,
  assertRefused,
  authPath,
  redeem,
  refresh,
  tokensOf,
  toldClient,
  verify,
} from "./relying-party.ts";
import { type ConfigFile, issuer, type ServerUnderTest, startServerUnderTest } from "./server-under-test.ts";
import type { Answer, UserAgent } from "./user-agent.ts";

/** A vendor as this file sees it. */
interface Vendor {
  readonly fake: FakeVendor;
  readonly config: ConfigFile;
  /** What lets Jane in only while she is a member. Undefined: there is no such thing. */
  readonly restriction?: ConfigFile;
  /** Her memberships, and the claim that they become. */
  join(isMember: boolean): void;
  readonly groups: readonly string[] | undefined;
  readonly claims: Readonly<Record<string, unknown>>;
  /** Where she is looked up, and what says "too many calls". */
  readonly userPath: string;
  readonly busy: Spoil;
  readonly exchanges: boolean;
}

const busy: Spoil = { status: 429, headers: { "retry-after": "3600" } };

const vendors: Readonly<Record<string, () => Promise<Vendor>>> = {
  async github() {
    const fake = await startFakeGithub();
    return {
      fake,
      config: { baseURL: fake.url, apiURL: fake.url, loadAllGroups: true },
      restriction: { orgs: [{ name: "acme", teams: ["devs"] }] },
      join: (isMember) =>
        fake.people.set("jane", { ...octocat, ...(isMember ? { orgs: ["acme"], teams: ["acme/devs"] } : {}) }),
      groups: ["acme", "acme:devs"],
      claims: {
        sub: "CgY1ODMyMzESAnVw",
        name: "monalisa octocat",
        preferred_username: "octocat",
        email: "o@github.com",
        email_verified: true,
      },
      userPath: "/user",
      busy: githubRateLimit,
      exchanges: true,
    };
  },
  async gitlab() {
    const fake = await startFakeGitlab();
    return {
      fake,
      config: { baseURL: fake.url, getGroupsPermission: true },
      restriction: { groups: ["acme"] },
      join: (isMember) =>
        fake.people.set("jane", { ...john, ...(isMember ? { groups: ["acme"], roles: { owner: ["acme"] } } : {}) }),
      groups: ["acme", "acme:owner"],
      claims: {
        sub: "CggxMjM0NTY3OBICdXA",
        name: "Joe Bloggs",
        preferred_username: "joebloggs",
        email: "joe@example.com",
        email_verified: true,
      },
      userPath: "/api/v4/user",
      busy,
      exchanges: true,
    };
  },
  async gitea() {
    const fake = await startFakeGitea();
    return {
      fake,
      config: { baseURL: fake.url, loadAllGroups: true },
      restriction: { orgs: [{ name: "acme", teams: ["devs"] }] },
      join: (isMember) => fake.people.set("jane", { ...jdoe, ...(isMember ? { teams: ["acme/devs"] } : {}) }),
      groups: ["acme", "acme:devs"],
      claims: {
        sub: "CggxMjM0NTY3OBICdXA",
        name: "some@email.com",
        preferred_username: "jdoe",
        email: "some@email.com",
        email_verified: true,
      },
      userPath: "/api/v1/user",
      busy,
      exchanges: true,
    };
  },
  async "bitbucket-cloud"() {
    const fake = await startFakeBitbucket(`${issuer}/callback`);
    return {
      fake,
      config: { baseURL: fake.url, apiURL: fake.url, getWorkspacePermissions: true },
      restriction: { teams: ["acme"] },
      join: (isMember) => fake.people.set("jane", { ...erik, workspaces: isMember ? { acme: "owner" } : {} }),
      groups: ["acme", "acme:owner"],
      claims: { name: "evzijst", preferred_username: undefined, email: "a@b.c", email_verified: true },
      userPath: "/2.0/user",
      busy,
      exchanges: false,
    };
  },
  async linkedin() {
    const fake = await startFakeLinkedin();
    return {
      fake,
      config: { baseURL: fake.url, apiURL: fake.url, useOpenID: true },
      join: () => fake.people.set("jane", bob),
      groups: undefined,
      claims: { name: "John Doe", preferred_username: undefined, email: "doe@email.com", email_verified: true },
      userPath: "/v2/userinfo",
      busy,
      exchanges: true,
    };
  },
};

const open: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of open.reverse()) await close();
});

interface Running extends Vendor {
  readonly clock: HandClock;
  readonly server: ServerUnderTest;
  readonly agent: UserAgent;
}

async function start(type: string, isRestricted: boolean, more: ConfigFile = {}): Promise<Running> {
  const vendor = await (vendors[type] ?? assert.fail(type))();
  open.push(() => vendor.fake.close());
  const config = {
    clientID: vendor.fake.clientId,
    clientSecret: vendor.fake.clientSecret,
    redirectURI: `${issuer}/callback`,
    ...vendor.config,
    ...(isRestricted ? vendor.restriction : {}),
    ...more,
  };
  const clock = handClock();
  const server = await startServerUnderTest({ connectors: [{ type, id: "up", name: "Upstream", config }] }, { clock });
  open.push(() => server.close());
  vendor.join(true);
  return { ...vendor, clock, server, agent: server.newAgent() };
}

/** Goes to the vendor and comes back with what it says. */
async function comeBack(
  { agent, fake }: Running,
  scope = "openid email profile groups offline_access",
): Promise<Answer> {
  const away = await agent.follow(await agent.get(authPath({ scope })));
  assert.equal(away.location?.origin, fake.url, away.body);
  return agent.follow(await agent.get((await fake.authorize(away.location)).href));
}

async function signIn(running: Running, scope?: string) {
  return tokensOf(await redeem(running.agent, toldClient(await comeBack(running, scope)).code ?? ""));
}

/** Winds the clock until `work` is done: a refusal waits a moment for another replica that might have been faster. */
async function wound<T>(clock: HandClock, work: Promise<T>): Promise<T> {
  let isDone = false;
  const done = work.finally(() => {
    isDone = true;
  });
  done.catch(() => undefined);
  while (!isDone) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    await clock.advance(500);
  }
  return done;
}

const refreshed = ({ agent, clock }: Running, token: string | undefined): Promise<Answer> =>
  wound(clock, refresh(agent, token ?? ""));

const exchange = ({ agent }: Running, token: string): Promise<Answer> =>
  agent.ask("/token", {
    method: "POST",
    form: Object.entries({
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      client_id: app.id,
      client_secret: app.secret ?? "",
      connector_id: "up",
      subject_token: token,
      subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
      requested_token_type: "urn:ietf:params:oauth:token-type:id_token",
      scope: "openid email profile groups",
    }),
  });

for (const type of Object.keys(vendors)) {
  describe(`${type} upstream`, () => {
    it("gives the client Dex's claims, and what changed at the refresh", async () => {
      const running = await start(type, false);
      const { claims, groups, join, agent, server } = running;
      const tokens = await signIn(running);
      const first = (await verify(tokens.id_token, server, agent)).claims;
      for (const [name, value] of Object.entries(claims)) assert.equal(first[name], value, name);
      assert.deepEqual(first.groups, groups);
      join(false);
      const second = tokensOf(await refreshed(running, tokens.refresh_token));
      const then = (await verify(second.id_token, server, agent)).claims;
      assert.equal(then.sub, first.sub);
      assert.equal(then.groups, undefined);
      const none = await signIn(running, "openid");
      assert.equal((await verify(none.id_token, server, agent)).claims.groups, undefined);
    });

    it("answers an outage with 503, at the login and at the refresh, and goes on after it", async () => {
      const running = await start(type, false);
      const { fake, userPath } = running;
      const tokens = await signIn(running);
      for (const spoil of [running.busy, { status: 502, body: "<html>" }]) {
        fake.next(userPath, spoil);
        assertPage(await comeBack(running), 503);
        fake.next(userPath, spoil);
        const away = await refresh(running.agent, tokens.refresh_token ?? "");
        assert.equal(away.status, 503, away.body);
        assert.ok(away.headers["retry-after"] !== undefined);
      }
      tokensOf(await refreshed(running, tokens.refresh_token));
      assert.doesNotMatch(running.server.log.join(""), /dex-secret/);
    });

    it("ends a refresh with the grant", async () => {
      const running = await start(type, false);
      const tokens = await signIn(running);
      running.fake.revoke("jane");
      assertRefused(await refreshed(running, tokens.refresh_token), "invalid_grant", "The user may no longer sign in.");
    });

    it("tells the client that the person said no", async () => {
      const running = await start(type, false);
      running.fake.person = undefined;
      assert.equal(toldClient(await comeBack(running)).error, "access_denied");
    });

    it("exchanges tokens of our own application, and nobody else's", async () => {
      const running = await start(type, false);
      const { fake, exchanges, claims, agent, server } = running;
      await signIn(running);
      const bearer = fake.heard.findLast(({ path }) => path === running.userPath)?.headers.authorization ?? "";
      const own = await exchange(running, bearer.replace("Bearer ", ""));
      if (!exchanges) return assertRefused(own, "invalid_request");
      assert.equal(own.status, 200, own.body);
      const told = (await verify(JSON.parse(own.body).access_token, server, agent)).claims;
      assert.equal(told.email, claims.email);
      assertRefused(await exchange(running, fake.strangeToken("jane")), "invalid_request");
    });

    // LinkedIn has nothing to be a member of.
    if (type === "linkedin") return;
    it("keeps outsiders out with a page, whatever the client asked for: login, refresh and exchange", async () => {
      const running = await start(type, true);
      const { fake, join, exchanges } = running;
      const tokens = await signIn(running, "openid offline_access");
      const bearer = fake.heard.findLast(({ path }) => path === running.userPath)?.headers.authorization ?? "";
      join(false);
      if (exchanges) assertRefused(await exchange(running, bearer.replace("Bearer ", "")), "invalid_request");
      assertPage(await comeBack(running, "openid"), 403);
      assertRefused(await refreshed(running, tokens.refresh_token), "invalid_grant", "The user may no longer sign in.");
      assert.match(running.server.log.join(""), /required|approved groups/);
    });
  });
}

it("a rotated refresh token survives an outage of the API behind it: GitLab takes it once", async () => {
  const running = await start("gitlab", false);
  const { fake, clock } = running;
  const tokens = await signIn(running);
  fake.next("/api/v4/user", { status: 502 });
  assert.equal((await refresh(running.agent, tokens.refresh_token ?? "")).status, 503);
  // Longer than anything is remembered.
  await clock.advance(600_000);
  tokensOf(await refreshed(running, tokens.refresh_token));
});

it("a person whose id is a name, and who is called otherwise now, is another person", async () => {
  const running = await start("gitea", false, { useLoginAsID: true });
  const tokens = await signIn(running);
  (running.fake as Awaited<ReturnType<typeof startFakeGitea>>).people.set("jane", { ...jdoe, login: "renamed" });
  assertRefused(await refreshed(running, tokens.refresh_token), "invalid_grant", "The user may no longer sign in.");
});

it("an account that the vendor has closed is the client's access_denied", async () => {
  const running = await start("github", false);
  (running.fake as Awaited<ReturnType<typeof startFakeGithub>>).people.set("jane", { ...octocat, suspended: true });
  const told = toldClient(await comeBack(running));
  assert.deepEqual([told.error, told.error_description], ["access_denied", "The account may not sign in any more."]);
});
