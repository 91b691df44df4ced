/** One login serves many requests of one browser. OIDC Core §3.1.2.1, §3.1.2.3, §3.1.2.6; Dex's sessions. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import {
  assertTold,
  authorize,
  authPath,
  codeOf,
  obtainCode,
  type Params,
  type RelyingParty,
  redeem,
  refresh,
  refreshTokenOf,
  tokensOf,
  verify,
} from "./relying-party.ts";
import {
  appClient,
  type ConfigFile,
  mockConnector,
  passwordConnector,
  type ServerUnderTest,
  startServerUnderTest,
} from "./server-under-test.ts";
import type { Answer, UserAgent } from "./user-agent.ts";

const other: RelyingParty = { id: "other", secret: "other-secret", redirectUri: "https://other.example/callback" };
const bound: RelyingParty = { id: "bound", secret: "bound-secret", redirectUri: "https://bound.example/callback" };
const clientOf = ({ id, secret, redirectUri }: RelyingParty, more: ConfigFile = {}) => ({
  id,
  secret,
  name: id,
  redirectURIs: [redirectUri],
  ...more,
});
const staticClients = [
  { ...appClient, ssoSharedWith: ["other"] },
  clientOf(other),
  clientOf(bound, { refreshTokenLifetime: "session" }),
];
const second = { ...passwordConnector, id: "second", name: "Second", config: { username: "kate", password: "cat" } };
const file: ConfigFile = { connectors: [passwordConnector], staticClients };
const start = (more: ConfigFile = {}): Promise<ServerUnderTest> =>
  startServerUnderTest({ ...file, ...more }, { sessions: true });

const server = await start();
const two = await start({ connectors: [passwordConnector, second, mockConnector] });
after(() => Promise.all([server.close(), two.close()]));

const cookieName = "dex_session";

/** Signs in with the form; the form must be shown. */
async function logIn(agent: UserAgent, more: Params = {}, client?: RelyingParty, form: Params = {}): Promise<Answer> {
  const page = await authorize(agent, more, client);
  assert.equal(page.status, 200, `no form: ${page.location}`);
  const fields = { login: "kilgore", password: "trout", ...form } as Record<string, string>;
  return agent.follow(await agent.post(page.url.href, fields));
}

/** The form is shown. */
const assertAsked = (answer: Answer): void => {
  assert.equal(answer.status, 200, `no form: ${answer.location}`);
  assert.match(answer.url.pathname, /\/login$/);
};

const idTokenOf = async (agent: UserAgent, answer: Answer, client?: RelyingParty) =>
  tokensOf(await redeem(agent, codeOf(answer), {}, client)).id_token;

describe("a session", () => {
  it("spares the next request of its client the form", async () => {
    const agent = server.newAgent();
    codeOf(await logIn(agent));
    codeOf(await authorize(agent));
    codeOf(await authorize(agent, { prompt: "none" }));
  });

  it("answers /auth itself, without a redirect to its connector", async () => {
    for (const [at, more] of [
      [server, {}],
      [server, { connector_id: "pw" }],
      [two, {}],
      [two, { connector_id: "pw" }],
    ] as const) {
      const agent = at.newAgent();
      codeOf(await logIn(agent, { connector_id: "pw" }));
      codeOf(await agent.get(authPath(more)));
      assertTold(await agent.get(authPath({ ...more, prompt: "none", max_age: "0", state: "s" })), {
        error: "login_required",
        description: "User not authenticated",
        state: "s",
      });
      const asked = await agent.get(authPath({ ...more, prompt: "login" }));
      assert.equal(asked.location?.pathname, "/dex/auth/pw/login");
    }
  });

  it("is asked for at its connector's own address as well, where a form was posted to /auth", async () => {
    const agent = server.newAgent();
    codeOf(await logIn(agent));
    const { pathname, searchParams } = new URL(authPath(), "http://x");
    const posted = await agent.post(pathname, Object.fromEntries(searchParams));
    assert.equal(posted.location?.pathname, "/dex/auth/pw");
    codeOf(await agent.follow(posted));
  });

  it("that may not answer leaves the way back to the choice open", async () => {
    const agent = two.newAgent();
    codeOf(await logIn(agent, { connector_id: "pw" }));
    const { location } = await agent.get(authPath({ connector_id: "pw", prompt: "login" }));
    const back = new URL(location?.searchParams.get("back") ?? "", "http://x");
    assert.equal(back.searchParams.get("connector_id"), null);
    assert.equal((await agent.get(`/auth${back.search}`)).status, 200);
  });

  it("is one browser's", async () => {
    codeOf(await logIn(server.newAgent()));
    assertTold(await authorize(server.newAgent(), { prompt: "none", state: "s" }), {
      error: "login_required",
      description: "User not authenticated",
      state: "s",
    });
  });

  it("has a name that tokens tell, the same until it ends", async () => {
    const agent = server.newAgent();
    const first = await verify(await idTokenOf(agent, await logIn(agent)), server, agent);
    const next = await verify(await idTokenOf(agent, await authorize(agent)), server, agent);
    assert.match(String(first.claims.sid), /^[a-z][a-z2-7]{24}$/);
    assert.equal(next.claims.sid, first.claims.sid);
    assert.deepEqual(first.claims.amr, ["pwd"]);
    assert.deepEqual(next.claims.amr, ["pwd"]);
  });

  it("tells when the person signed in, not when the token was made, and a refresh tells the same", async () => {
    const agent = server.newAgent();
    codeOf(await logIn(agent));
    const signedIn = Math.floor(server.clock.now() / 1000);
    await server.clock.advance(120_000);
    const tokens = await redeem(agent, await obtainCode(agent, { scope: "openid offline_access" }));
    const { claims } = await verify(tokensOf(tokens).id_token, server, agent);
    assert.equal(claims.auth_time, signedIn);
    const refreshed = tokensOf(await refresh(agent, refreshTokenOf(tokens)));
    const { claims: later } = await verify(refreshed.id_token, server, agent);
    assert.equal(later.sid, claims.sid);
    assert.equal(later.auth_time, signedIn);
    assert.deepEqual(later.amr, ["pwd"]);
  });

  it("ends when it was not used for the configured time", async () => {
    const agent = server.newAgent();
    codeOf(await logIn(agent));
    for (let use = 0; use < 3; use++) {
      await server.clock.advance(50 * 60_000);
      codeOf(await authorize(agent, { prompt: "none" }));
    }
    await server.clock.advance(60 * 60_000 + 1);
    assertAsked(await authorize(agent));
    assert.equal(agent.cookies.has(cookieName), false);
  });

  it("ends at its absolute time however often it is used", async () => {
    const agent = server.newAgent();
    codeOf(await logIn(agent));
    for (let hour = 0; hour < 24 * 2 - 1; hour++) {
      await server.clock.advance(30 * 60_000);
      codeOf(await authorize(agent, { prompt: "none" }));
    }
    await server.clock.advance(30 * 60_000 + 1);
    assertAsked(await authorize(agent));
  });

  it("is not written again by requests that come one after the other", async () => {
    const agent = server.newAgent();
    const answer = await logIn(agent);
    assert.ok(answer.location);
    const again = await agent.get(authPath({}, undefined, "/auth/pw"));
    codeOf(again);
    assert.equal(again.headers["set-cookie"], undefined);
  });
});

describe("what the client asks", () => {
  const cases: readonly (readonly [string, Params])[] = [
    ["prompt=login", { prompt: "login" }],
    ["prompt=select_account", { prompt: "select_account" }],
    ["max_age=0", { max_age: "0" }],
  ];
  for (const [name, more] of cases) {
    it(`makes the person sign in again: ${name}`, async () => {
      const agent = server.newAgent();
      codeOf(await logIn(agent));
      codeOf(await logIn(agent, more));
    });
  }

  it("oidcc-max-age-1: a login older than max_age does not do, and the new one is told", async () => {
    const agent = server.newAgent();
    codeOf(await logIn(agent));
    await server.clock.advance(2_000);
    const { claims } = await verify(await idTokenOf(agent, await logIn(agent, { max_age: "1" })), server, agent);
    assert.equal(claims.auth_time, Math.floor(server.clock.now() / 1000));
  });

  it("oidcc-max-age-10000: a younger one does", async () => {
    const agent = server.newAgent();
    codeOf(await logIn(agent));
    await server.clock.advance(2_000);
    codeOf(await authorize(agent, { max_age: "10000" }));
  });

  it("is measured in this browser: a login elsewhere does not make this one younger", async () => {
    const [here, there] = [server.newAgent(), server.newAgent()];
    codeOf(await logIn(here));
    await server.clock.advance(100_000);
    codeOf(await logIn(there));
    assertAsked(await authorize(here, { max_age: "60" }));
    codeOf(await authorize(there, { max_age: "60" }));
  });

  it("with prompt=none an old login is login_required", async () => {
    const agent = server.newAgent();
    codeOf(await logIn(agent));
    await server.clock.advance(5_000);
    assertTold(await authorize(agent, { prompt: "none", max_age: "1", state: "s" }), {
      error: "login_required",
      state: "s",
    });
  });

  it("oidcc-id-token-hint: the session of the hinted person answers, and nobody else's", async () => {
    const [mine, theirs] = [two.newAgent(), two.newAgent()];
    const hint = await idTokenOf(mine, await logIn(mine, { connector_id: "pw" }));
    const kate = { login: "kate", password: "cat" };
    codeOf(await logIn(theirs, { connector_id: "second" }, undefined, kate));
    const silent = { prompt: "none", id_token_hint: hint, state: "s" };
    codeOf(await authorize(mine, silent));
    assertTold(await authorize(theirs, { ...silent, connector_id: "second" }), {
      error: "login_required",
      description: "id_token_hint does not match authenticated user",
      state: "s",
    });
    assertAsked(await authorize(theirs, { id_token_hint: hint, connector_id: "second" }));
  });
});

describe("single sign-on", () => {
  it("reaches a client that the first one shares its login with, and no other", async () => {
    const agent = server.newAgent();
    const signedIn = await logIn(agent);
    const mine = await verify(await idTokenOf(agent, signedIn), server, agent);
    const answer = await authorize(agent, { prompt: "none" }, other);
    const { claims } = await verify(await idTokenOf(agent, answer, other), server, agent);
    assert.equal(claims.sid, mine.claims.sid);
    assert.equal(claims.auth_time, mine.claims.auth_time);
    assertTold(await authorize(agent, { prompt: "none", state: "s" }, bound), {
      error: "login_required",
      state: "s",
      redirectUri: bound.redirectUri,
    });
  });

  it("goes one way only", async () => {
    const agent = server.newAgent();
    codeOf(await logIn(agent, {}, other));
    assertAsked(await authorize(agent));
  });

  it("is not passed on by a client that came by it", async () => {
    const chain = await start({
      staticClients: [
        { ...appClient, ssoSharedWith: ["other"] },
        clientOf(other, { ssoSharedWith: ["*"] }),
        clientOf(bound),
      ],
    });
    try {
      const agent = chain.newAgent();
      codeOf(await logIn(agent));
      codeOf(await authorize(agent, {}, other));
      assertAsked(await authorize(agent, {}, bound));
    } finally {
      await chain.close();
    }
  });

  it("is for everybody where ssoSharedWithDefault is all, but for a client that says no one", async () => {
    const sharing = await start({
      sessions: { ssoSharedWithDefault: "all" },
      staticClients: [appClient, clientOf(other, { ssoSharedWith: [] }), clientOf(bound)],
    });
    try {
      const [agent, closed] = [sharing.newAgent(), sharing.newAgent()];
      codeOf(await logIn(agent));
      codeOf(await authorize(agent, {}, bound));
      codeOf(await logIn(closed, {}, other));
      assertAsked(await authorize(closed, {}, bound));
    } finally {
      await sharing.close();
    }
  });

  it("chooses the connector of the session, unless the person is to choose", async () => {
    const agent = two.newAgent();
    codeOf(await logIn(agent, { connector_id: "pw" }));
    codeOf(await authorize(agent));
    const choice = await authorize(agent, { prompt: "select_account" });
    assert.equal(choice.status, 200);
    assert.match(choice.body, /dex-btn-provider/);
  });

  it("is of one connector: another one asks", async () => {
    const agent = two.newAgent();
    codeOf(await logIn(agent, { connector_id: "pw" }));
    assertAsked(await authorize(agent, { connector_id: "second" }));
  });
});

describe("the cookie", () => {
  const setBy = (answer: Answer): string =>
    [answer.headers["set-cookie"] ?? []].flat().find((cookie) => cookie.startsWith(`${cookieName}=`)) ?? "";

  async function postForm(from: ServerUnderTest, form: Record<string, string>): Promise<string> {
    const agent = from.newAgent();
    const page = await authorize(agent);
    return setBy(await agent.post(page.url.href, { login: "kilgore", password: "trout", ...form }));
  }

  it("has Dex's attributes, and outlives the browser where the person wants to be remembered", async () => {
    assert.match(await postForm(server, {}), /^dex_session=[\w-]+; Path=\/dex; HttpOnly; SameSite=Lax$/);
    assert.match(
      await postForm(server, { remember_me: "on" }),
      /^dex_session=[\w-]+; Path=\/dex; Max-Age=86400; HttpOnly; SameSite=Lax$/,
    );
  });

  it("is Secure where the issuer is https, and named and encrypted as configured", async () => {
    const sessions = { cookieName: "sid", cookieEncryptionKey: "0123456789abcdef" };
    const secure = await start({ issuer: "https://127.0.0.1:5556/dex", sessions });
    try {
      const agent = secure.newAgent();
      const page = await authorize(agent);
      const answer = await agent.post(page.url.href, { login: "kilgore", password: "trout" });
      const cookie = [answer.headers["set-cookie"] ?? []].flat().find((each) => each.startsWith("sid=")) ?? "";
      assert.match(cookie, /^sid=[\w-]+; Path=\/dex; HttpOnly; Secure; SameSite=Lax$/);
      const value = /^sid=([\w-]+)/.exec(cookie)?.[1] ?? "";
      assert.doesNotMatch(Buffer.from(value, "base64url").toString("latin1"), /[a-z][a-z2-7]{24}/);
      codeOf(await authorize(agent, { prompt: "none" }));
      const spoilt = `${value.slice(0, -1)}${value.endsWith("A") ? "B" : "A"}`;
      const { status, headers, body } = await secure
        .newAgent()
        .ask(authPath({ prompt: "none" }, undefined, "/auth/pw"), {
          headers: { cookie: `sid=${spoilt}` },
        });
      assert.equal(status, 303, body);
      assert.match(String(headers.location), /error=login_required/);
      assert.match(String(headers["set-cookie"]), /sid=; Path=\/dex; Max-Age=0/);
    } finally {
      await secure.close();
    }
  });

  it("is changed by every login, and the one from before is worth nothing (session fixation)", async () => {
    const agent = server.newAgent();
    codeOf(await logIn(agent));
    const before = agent.cookies.get(cookieName);
    const first = await verify(await idTokenOf(agent, await authorize(agent)), server, agent);
    codeOf(await logIn(agent, { prompt: "login" }));
    assert.notEqual(agent.cookies.get(cookieName), before);
    const stale = await server.newAgent().ask(authPath({ prompt: "none" }, undefined, "/auth/pw"), {
      headers: { cookie: `${cookieName}=${before}` },
    });
    assert.match(String(stale.headers.location), /error=login_required/);
    // A late answer to another tab must not take the new cookie away.
    assert.equal(stale.headers["set-cookie"]?.some((cookie) => cookie.startsWith(cookieName)) ?? false, false);
    const { claims } = await verify(await idTokenOf(agent, await authorize(agent)), server, agent);
    assert.equal(claims.sid, first.claims.sid);
  });

  it("of somebody else's session is replaced, and that session ends (session fixation)", async () => {
    const [attacker, victim] = [two.newAgent(), two.newAgent()];
    codeOf(await logIn(attacker, { connector_id: "second" }, undefined, { login: "kate", password: "cat" }));
    const planted = attacker.cookies.get(cookieName) ?? "";
    const page = await authorize(victim, { connector_id: "pw" });
    const jar = [...victim.cookies].map(([name, value]) => `${name}=${value}`);
    const answer = await victim.ask(page.url.href, {
      method: "POST",
      form: { login: "kilgore", password: "trout" },
      headers: { cookie: [...jar, `${cookieName}=${planted}`].join("; ") },
    });
    codeOf(answer);
    assert.notEqual(victim.cookies.get(cookieName), planted);
    assertAsked(await authorize(attacker, { connector_id: "second" }));
  });

  for (const value of ["", "x", "AAAA", "CgNmb28", "%00", "ChlwbXVkcG9tbDNyMzRwZGhidXE0bmJkdXRu", "a".repeat(9000)]) {
    it(`that is none of ours is forgotten: ${JSON.stringify(value.slice(0, 12))}`, async () => {
      const { status, headers } = await server.newAgent().ask(authPath({ prompt: "none" }, undefined, "/auth/pw"), {
        headers: { cookie: `${cookieName}=${value}` },
      });
      assert.equal(status, 303);
      assert.match(String(headers.location), /error=login_required/);
    });
  }

  it("is given to each of two tabs that sign in at once, and whichever stays works", async () => {
    const agent = server.newAgent();
    codeOf(await logIn(agent));
    const pages = await Promise.all([1, 2].map(() => authorize(agent, { prompt: "login" })));
    const answers = await Promise.all(
      pages.map((page) => agent.post(page.url.href, { login: "kilgore", password: "trout" })),
    );
    for (const answer of answers) {
      tokensOf(await redeem(agent, codeOf(answer)));
      const held = await server.newAgent().ask(authPath({ prompt: "none" }, undefined, "/auth/pw"), {
        headers: { cookie: setBy(answer).split(";")[0] ?? "" },
      });
      codeOf(held);
    }
  });

  it("is asked about on the form, ticked as configured, and as the person left it after a refusal", async () => {
    const agent = server.newAgent();
    const page = await authorize(agent);
    assert.match(page.body, /<input id="remember_me" type="checkbox" name="remember_me" value="on" checked>/);
    const refused = await agent.post(page.url.href, { login: "kilgore", password: "wrong" });
    assert.match(refused.body, /<input id="remember_me" type="checkbox" name="remember_me" value="on">/);
  });
});

describe("refreshTokenLifetime: session", () => {
  const scope = "openid offline_access";

  it("ends the refresh token when the session was not used for too long", async () => {
    const agent = server.newAgent();
    const token = refreshTokenOf(await redeem(agent, codeOf(await logIn(agent, { scope }, bound)), {}, bound));
    const next = refreshTokenOf(await refresh(agent, token, {}, bound));
    await server.clock.advance(60 * 60_000 + 1);
    const refused = await refresh(agent, next, {}, bound);
    assert.equal(refused.status, 400);
    assert.deepEqual(JSON.parse(refused.body), {
      error: "invalid_grant",
      error_description: "The session this refresh token belongs to has ended.",
    });
  });

  it("is not the default: others live on", async () => {
    const agent = server.newAgent();
    const token = refreshTokenOf(await redeem(agent, codeOf(await logIn(agent, { scope }))));
    await server.clock.advance(60 * 60_000 + 1);
    refreshTokenOf(await refresh(agent, token));
  });
});

describe("consent", () => {
  it("is remembered for the scopes agreed to, added up, and forced when the client forces it", async () => {
    const asking = await start({ oauth2: { skipApprovalScreen: false } });
    try {
      const agent = asking.newAgent();
      const agree = async (more: Params): Promise<void> => {
        const page = await authorize(agent, more);
        assert.equal(page.status, 200, String(page.location));
        assert.match(page.url.pathname, /approval$/);
        const req = /name="req" value="([^"]*)"/.exec(page.body)?.[1] ?? "";
        codeOf(await agent.post(page.url.href, { req, approval: "approve" }));
      };
      const page = await logIn(agent, { scope: "openid email" });
      assert.match(page.url.pathname, /approval$/);
      assertTold(await authorize(agent, { scope: "openid email", prompt: "none", state: "s" }), {
        error: "consent_required",
        state: "s",
      });
      await agree({ scope: "openid email" });
      codeOf(await authorize(agent, { scope: "openid email" }));
      codeOf(await authorize(agent, { scope: "openid email", prompt: "none" }));
      await agree({ scope: "openid groups" });
      codeOf(await authorize(agent, { scope: "openid email groups" }));
      await agree({ scope: "openid email", prompt: "consent" });
      await agree({ scope: "openid email", approval_prompt: "force" });
    } finally {
      await asking.close();
    }
  });
});
