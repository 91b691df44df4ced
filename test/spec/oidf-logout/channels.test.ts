/** How clients hear of a logout. OIDC Back-Channel Logout 1.0, OIDC Front-Channel Logout 1.0. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { logoutListener } from "../../fake/logout-listener.ts";
import { assertRefused, refresh, userinfo, verify } from "../relying-party.ts";
import {
  afterLogout,
  assertLoggedOutPage,
  assertSignedOut,
  confirm,
  logIn,
  logout,
  second,
  secondClient,
  startWithLogout,
} from "./a-session.ts";

const listener = await logoutListener();
const other = await logoutListener();
after(() => Promise.all([listener.close(), other.close()]));

describe("back-channel logout", async () => {
  const server = await startWithLogout({ backchannelLogoutURI: `${listener.url}/bcl?tenant=1` }, {}, [
    { ...secondClient, backchannelLogoutURI: `${other.url}/bcl` },
    { id: "absent", name: "Absent", secret: "x", redirectURIs: [], backchannelLogoutURI: `${other.url}/absent` },
  ]);
  after(() => server.close());

  it("oidcc-backchannel-rp-initiated-logout: every client of the session gets its token, and no other", async () => {
    const agent = server.newAgent();
    const { id_token } = await logIn(agent);
    await logIn(agent, {}, second);
    const before = [listener.heard.length, other.heard.length];
    const { claims: idClaims } = await verify(id_token, server, agent);
    await logout(agent, { id_token_hint: id_token, post_logout_redirect_uri: afterLogout });
    await assertSignedOut(agent);
    await Promise.all([listener.until((before[0] ?? 0) + 1), other.until((before[1] ?? 0) + 1)]);
    const [mine, theirs] = [listener.heard.at(-1), other.heard.at(-1)];
    assert.equal(mine?.path, "/bcl?tenant=1");
    assert.equal(mine?.contentType, "application/x-www-form-urlencoded");
    assert.equal(theirs?.path, "/bcl");
    for (const [token, audience] of [
      [mine?.token, "app"],
      [theirs?.token, "second"],
    ] as const) {
      const { claims, header } = await verify(token, server, agent);
      assert.equal(header.typ, "logout+jwt");
      const { jti, ...rest } = claims;
      assert.match(String(jti), /^[0-9a-f-]{36}$/);
      const now = Math.floor(server.clock.now() / 1000);
      assert.deepEqual(rest, {
        iss: server.issuer,
        sub: idClaims.sub,
        aud: audience,
        iat: now,
        exp: now + 120,
        sid: idClaims.sid,
        events: { "http://schemas.openid.net/event/backchannel-logout": {} },
      });
    }
  });

  it("a logout token opens nothing", async () => {
    const agent = server.newAgent();
    const { id_token } = await logIn(agent);
    const before = listener.heard.length;
    await logout(agent, { id_token_hint: id_token });
    await listener.until(before + 1);
    const token = listener.heard.at(-1)?.token ?? "";
    assert.equal((await userinfo(agent, token)).status, 401);
    assert.equal((await logout(agent, { id_token_hint: token })).status, 400);
  });

  it("keeps trying a client that is away, refuses or redirects, and stops when it has heard", async () => {
    const agent = server.newAgent();
    const { id_token } = await logIn(agent);
    const before = listener.heard.length;
    listener.answer("away", 500, { to: `${other.url}/elsewhere` }, 400, 204);
    const elsewhere = other.heard.length;
    const page = await logout(agent, { id_token_hint: id_token });
    assertLoggedOutPage(page);
    assert.match(page.body, /have not answered yet[\s\S]*The App/);
    for (const [attempt, seconds] of [5, 15, 60, 300].entries()) {
      await server.clock.advance(seconds * 1000);
      await listener.until(before + attempt + 2);
      await settled();
    }
    await server.clock.advance(4 * 24 * 3_600_000);
    await settled();
    assert.equal(listener.heard.length, before + 5);
    assert.equal(other.heard.length, elsewhere);
    listener.answer(200);
  });

  it("tells the person who has heard", async () => {
    const agent = server.newAgent();
    const { id_token } = await logIn(agent);
    await logIn(agent, {}, second);
    const page = await logout(agent, { id_token_hint: id_token });
    assert.match(page.body, /have been told[\s\S]*The App[\s\S]*The Second/);
    assert.doesNotMatch(page.body, /not answered/);
  });

  it("comes once, though the session is ended by several requests at the same time", async () => {
    const agent = server.newAgent();
    const { id_token } = await logIn(agent);
    const before = listener.heard.length;
    await Promise.all(Array.from({ length: 10 }, () => logout(agent, { id_token_hint: id_token })));
    await listener.until(before + 1);
    await settled();
    assert.equal(listener.heard.length, before + 1);
  });

  it("comes also when another person takes the browser over", async () => {
    const two = await startWithLogout(
      { backchannelLogoutURI: `${listener.url}/bcl` },
      {
        connectors: [
          { type: "mockPassword", id: "pw", name: "P", config: { username: "kilgore", password: "trout" } },
          { type: "mockPassword", id: "pw2", name: "Q", config: { username: "kilgore", password: "trout" } },
        ],
      },
    );
    try {
      const agent = two.newAgent();
      await logIn(agent, { connector_id: "pw" });
      const before = listener.heard.length;
      await logIn(agent, { connector_id: "pw2" });
      await listener.until(before + 1);
    } finally {
      await two.close();
    }
  });

  it("is not held up by a client that never answers: the person waits for seconds at the most", async () => {
    const agent = server.newAgent();
    const { id_token } = await logIn(agent);
    const before = listener.heard.length;
    listener.answer("silent");
    const answering = logout(agent, { id_token_hint: id_token });
    await listener.until(before + 1);
    await server.clock.advance(3_000);
    assertLoggedOutPage(await answering);
    listener.answer(200);
  });

  for (const address of [
    "http://169.254.169.254/latest/meta-data",
    "http://[fe80::1]/",
    "ftp://127.0.0.1/",
    "http://0.0.0.0/",
  ]) {
    it(`never calls ${address}`, async () => {
      const strange = await startWithLogout({ backchannelLogoutURI: address });
      try {
        const agent = strange.newAgent();
        const { id_token } = await logIn(agent);
        assertLoggedOutPage(await logout(agent, { id_token_hint: id_token }));
        assert.match(strange.log.join("\n"), /could not be told of the logout/);
      } finally {
        await strange.close();
      }
    });
  }
});

describe("tokens after a logout", () => {
  it("of a client that wants it end with the session; those of others live on", async () => {
    const server = await startWithLogout({ refreshTokenLifetime: "session" }, {}, [secondClient]);
    try {
      const agent = server.newAgent();
      const mine = await logIn(agent);
      const theirs = await logIn(agent, {}, second);
      await logout(agent, { id_token_hint: mine.id_token });
      assertRefused(await refresh(agent, mine.refresh_token ?? ""), "invalid_grant");
      assert.equal((await refresh(agent, theirs.refresh_token ?? "", {}, second)).status, 200);
      assert.equal((await userinfo(agent, mine.access_token)).status, 401);
      assert.equal((await userinfo(agent, theirs.access_token)).status, 200);
      const introspect = async (token: string): Promise<unknown> =>
        JSON.parse(
          (await agent.post("/token/introspect", { token, client_id: "second", client_secret: "second-secret" })).body,
        );
      assert.deepEqual(await introspect(mine.access_token), { active: false });
      assert.equal(((await introspect(theirs.access_token)) as { active: boolean }).active, true);
    } finally {
      await server.close();
    }
  });
});

describe("front-channel logout", async () => {
  const server = await startWithLogout({ frontchannelLogoutURI: "https://app.example/fcl?a=1" }, {}, [
    { ...secondClient, frontchannelLogoutURI: "https://second.example/fcl" },
  ]);
  after(() => server.close());

  it("oidcc-frontchannel-rp-initiated-logout: loads each client's page in a frame with iss and sid, then goes back", async () => {
    const agent = server.newAgent();
    const { id_token } = await logIn(agent);
    await logIn(agent, {}, second);
    const { claims } = await verify(id_token, server, agent);
    const page = await logout(agent, { id_token_hint: id_token, post_logout_redirect_uri: afterLogout, state: "s" });
    assertLoggedOutPage(page);
    const frames = [...page.body.matchAll(/<iframe [^>]*src="([^"]*)"/g)].map(
      ([, src]) => new URL((src ?? "").replaceAll("&amp;", "&")),
    );
    assert.deepEqual(
      frames.map(({ origin, pathname }) => origin + pathname),
      ["https://app.example/fcl", "https://second.example/fcl"],
    );
    for (const frame of frames) {
      assert.equal(frame.searchParams.get("iss"), server.issuer);
      assert.equal(frame.searchParams.get("sid"), claims.sid);
    }
    assert.equal(frames[0]?.searchParams.get("a"), "1");
    assert.match(
      String(page.headers["content-security-policy"]),
      / frame-src https:\/\/app\.example https:\/\/second\.example$/,
    );
    assert.match(String(page.headers["content-security-policy"]), /frame-ancestors 'none'/);
    assert.match(
      page.body,
      /<meta http-equiv="refresh" content="4;url=https:\/\/app\.example\/bye\?kept=1&amp;state=s">/,
    );
    assert.match(page.body, /<a id="continue" href="https:\/\/app\.example\/bye\?kept=1&amp;state=s"/);
    await assertSignedOut(agent);
  });

  it("comes after the question as well", async () => {
    const agent = server.newAgent();
    await logIn(agent);
    assert.match((await confirm(agent, await logout(agent))).body, /<iframe /);
  });
});

/** What was under way has come to rest. */
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));
