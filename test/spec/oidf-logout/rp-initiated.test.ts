/** The modules of `oidcc-rp-initiated-logout-certification-test-plan`, and what lies between. OIDC RP-Initiated Logout 1.0. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { assertPage, queryOf } from "../relying-party.ts";
import { startServerUnderTest } from "../server-under-test.ts";
import {
  afterLogout,
  assertConfirmation,
  assertLoggedOutPage,
  assertSignedIn,
  assertSignedOut,
  confirm,
  logIn,
  logout,
  secondClient,
  startWithLogout,
} from "./a-session.ts";

const server = await startWithLogout({}, {}, [secondClient]);
const off = await startServerUnderTest({}, { sessions: false });
after(() => Promise.all([server.close(), off.close()]));

describe("the discovery document", () => {
  it("oidcc-session-management-discovery-endpoint-verification: names the end of sessions", async () => {
    const { body } = await server.newAgent().get("/.well-known/openid-configuration");
    const document = JSON.parse(body);
    assert.equal(document.end_session_endpoint, `${server.issuer}/logout`);
    assert.equal(document.backchannel_logout_supported, true);
    assert.equal(document.backchannel_logout_session_supported, true);
    assert.equal(document.frontchannel_logout_supported, true);
    assert.equal(document.frontchannel_logout_session_supported, true);
    assert.ok(document.claims_supported.includes("sid"));
  });

  it("names none where sessions are off, and then there is no such address", async () => {
    const agent = off.newAgent();
    const { body } = await agent.get("/.well-known/openid-configuration");
    assert.doesNotMatch(body, /logout|"sid"/);
    for (const path of ["/logout", "/logout/callback", "/account"]) assert.equal((await agent.get(path)).status, 404);
  });
});

describe("a logout with an ID token of the session", () => {
  it("oidcc-rp-initiated-logout: ends it without a question and brings state back", async () => {
    const agent = server.newAgent();
    const { id_token } = await logIn(agent);
    const answer = await logout(agent, {
      id_token_hint: id_token,
      post_logout_redirect_uri: afterLogout,
      state: "a b&c",
    });
    assert.equal(answer.status, 302);
    assert.equal(answer.headers.location, "https://app.example/bye?kept=1&state=a+b%26c");
    assert.match(String(answer.headers["set-cookie"]), /dex_session=; Path=\/dex; Max-Age=0/);
    await assertSignedOut(agent);
  });

  it("oidcc-rp-initiated-logout-no-state: adds nothing where no state was sent", async () => {
    const agent = server.newAgent();
    const { id_token } = await logIn(agent);
    const answer = await logout(agent, { id_token_hint: id_token, post_logout_redirect_uri: afterLogout });
    assert.equal(answer.headers.location, afterLogout);
  });

  it("oidcc-rp-initiated-logout-no-post-logout-redirect-uri: ends with a page of ours", async () => {
    const agent = server.newAgent();
    const { id_token } = await logIn(agent);
    assertLoggedOutPage(await logout(agent, { id_token_hint: id_token, state: "s" }));
    await assertSignedOut(agent);
  });

  it("works by POST, and a second time it only leads back", async () => {
    const agent = server.newAgent();
    const { id_token = "" } = await logIn(agent);
    const form = { id_token_hint: id_token, post_logout_redirect_uri: afterLogout, client_id: "app" };
    for (let time = 0; time < 2; time++) {
      assert.equal((await agent.post("/logout", form)).headers.location, afterLogout);
      await assertSignedOut(agent);
    }
  });

  it("works with a token that has expired: it is used when things are over", async () => {
    const short = await startWithLogout({}, { expiry: { idTokens: "5m" } });
    try {
      const agent = short.newAgent();
      const { id_token } = await logIn(agent);
      await short.clock.advance(20 * 60_000);
      assertLoggedOutPage(await logout(agent, { id_token_hint: id_token }));
      await assertSignedOut(agent);
    } finally {
      await short.close();
    }
  });

  it("of the person's session before proves nothing about this one", async () => {
    const agent = server.newAgent();
    const { id_token } = await logIn(agent);
    await logout(agent, { id_token_hint: id_token });
    await logIn(agent);
    assertConfirmation(await logout(agent, { id_token_hint: id_token }));
    await assertSignedIn(agent);
  });
});

describe("a logout that proves nothing", () => {
  it("oidcc-rp-initiated-logout-no-params: asks the person, and ends when they say yes", async () => {
    const agent = server.newAgent();
    await logIn(agent);
    const page = await logout(agent);
    assertConfirmation(page);
    assert.match(page.body, /Kilgore Trout/);
    await assertSignedIn(agent);
    assertLoggedOutPage(await confirm(agent, page));
    await assertSignedOut(agent);
  });

  it("oidcc-rp-initiated-logout-only-state: asks too", async () => {
    const agent = server.newAgent();
    await logIn(agent);
    assertConfirmation(await logout(agent, { state: "s" }));
  });

  it("oidcc-rp-initiated-logout-no-id-token-hint: asks, and leads nowhere that nobody vouched for", async () => {
    const agent = server.newAgent();
    await logIn(agent);
    const page = await logout(agent, { post_logout_redirect_uri: afterLogout, state: "s" });
    assertConfirmation(page);
    assertLoggedOutPage(await confirm(agent, page));
  });

  it("with client_id alone asks, and leads back to that client afterwards", async () => {
    const agent = server.newAgent();
    await logIn(agent);
    const page = await logout(agent, { client_id: "app", post_logout_redirect_uri: afterLogout, state: "s" });
    assertConfirmation(page);
    assert.match(page.body, /The App/);
    const answer = await confirm(agent, page);
    assert.equal(answer.status, 303);
    assert.equal(answer.headers.location, `${afterLogout}&state=s`);
    await assertSignedOut(agent);
  });

  it("with a hint of another session or person asks", async () => {
    const [mine, theirs] = [server.newAgent(), server.newAgent()];
    await logIn(mine);
    const { id_token } = await logIn(theirs);
    assertConfirmation(await logout(mine, { id_token_hint: id_token }));
    await assertSignedIn(mine);
    await assertSignedIn(theirs);
  });

  it("by a bare POST asks as well: another site can make a browser send one", async () => {
    const agent = server.newAgent();
    await logIn(agent);
    assertConfirmation(await agent.post("/logout", {}));
    await assertSignedIn(agent);
  });

  it("by HEAD changes nothing", async () => {
    const agent = server.newAgent();
    const { id_token } = await logIn(agent);
    await agent.ask(`/logout?${queryOf({ id_token_hint: id_token })}`, { method: "HEAD" });
    await assertSignedIn(agent);
  });
});

describe("a logout that is wrong", () => {
  it("oidcc-rp-initiated-logout-bad-id-token-hint, -modified-id-token-hint: is refused and ends nothing", async () => {
    const agent = server.newAgent();
    const { id_token = "" } = await logIn(agent);
    const [head, , signature] = id_token.split(".");
    const forged = Buffer.from(JSON.stringify({ iss: server.issuer, sub: "x", aud: "app" })).toString("base64url");
    for (const hint of ["bad", "a.b.c", `${id_token}x`, `${head}.${forged}.${signature}`]) {
      assertPage(
        await logout(agent, { id_token_hint: hint, post_logout_redirect_uri: afterLogout }),
        400,
        "Invalid id_token_hint.",
      );
    }
    await assertSignedIn(agent);
  });

  it("oidcc-rp-initiated-logout-bad-post-logout-redirect-uri, -query-added-to-…: goes to no such address", async () => {
    const agent = server.newAgent();
    const { id_token } = await logIn(agent);
    for (const uri of [
      `${afterLogout}&x=1`,
      "https://evil.example/",
      "javascript:alert(1)",
      "//evil.example",
      afterLogout.toUpperCase(),
    ]) {
      assertPage(
        await logout(agent, { id_token_hint: id_token, post_logout_redirect_uri: uri }),
        400,
        "Unregistered post_logout_redirect_uri.",
      );
    }
    await assertSignedIn(agent);
  });

  it("names a client that the token is not for, or that does not exist", async () => {
    const agent = server.newAgent();
    const { id_token } = await logIn(agent);
    assertPage(
      await logout(agent, { id_token_hint: id_token, client_id: "second" }),
      400,
      "client_id is not the one of id_token_hint.",
    );
    assertPage(await logout(agent, { client_id: "nobody" }), 400, "Invalid client.");
    await assertSignedIn(agent);
  });

  it("by any method but GET and POST is refused", async () => {
    const agent = server.newAgent();
    assertPage(await agent.ask("/logout", { method: "PUT" }), 405, "Method not allowed.");
  });
});

describe("without a session", () => {
  it("says so, or leads back where that is proved", async () => {
    const agent = server.newAgent();
    const nothing = await logout(agent);
    assert.match(nothing.body, /You were not logged in/);
    const { id_token } = await logIn(server.newAgent());
    const hinted = { id_token_hint: id_token, post_logout_redirect_uri: afterLogout, state: "s" };
    assert.equal((await logout(agent, hinted)).headers.location, `${afterLogout}&state=s`);
    assertPage(
      await logout(agent, { post_logout_redirect_uri: afterLogout }),
      400,
      "post_logout_redirect_uri requires id_token_hint.",
    );
  });
});
