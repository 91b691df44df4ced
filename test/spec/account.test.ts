/** `/account`: a person ends their own sessions and takes back what they allowed, and nobody else can. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { logoutListener } from "../fake/logout-listener.ts";
import { assertSignedIn, assertSignedOut, logIn } from "./oidf-logout/a-session.ts";
import { assertPage, assertRefused, authorize, refresh, unescapeHtml } from "./relying-party.ts";
import { appClient, passwordConnector, startServerUnderTest } from "./server-under-test.ts";
import type { Answer, UserAgent } from "./user-agent.ts";

const listener = await logoutListener();
const server = await startServerUnderTest(
  {
    oauth2: { skipApprovalScreen: true },
    connectors: [passwordConnector, { ...passwordConnector, id: "pw2", name: "Another" }],
    staticClients: [{ ...appClient, backchannelLogoutURI: `${listener.url}/bcl` }],
  },
  { sessions: true },
);
const asking = await startServerUnderTest({ connectors: [passwordConnector], oauth2: {} }, { sessions: true });
after(() => Promise.all([server.close(), asking.close(), listener.close()]));

const pw = { connector_id: "pw" };

/** A signed-in browser that calls itself `userAgent`. */
async function browser(userAgent = "test", more = pw): Promise<UserAgent> {
  const agent = server.newAgent();
  const page = await authorize(agent, { ...more });
  await agent.ask(page.url.href, {
    method: "POST",
    form: { login: "kilgore", password: "trout" },
    headers: { "user-agent": userAgent },
  });
  return agent;
}

const csrfOf = ({ body }: Answer): string => unescapeHtml(/name="csrf" value="([^"]*)"/.exec(body)?.[1] ?? "");
const subjectsOf = ({ body }: Answer): readonly string[] =>
  [...body.matchAll(/name="subject" value="([^"]*)"/g)].map(([, value]) => unescapeHtml(value ?? ""));

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const phone =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1";

describe("the account page", () => {
  it("is for who is signed in; others are shown the way home", async () => {
    const { status, headers } = await server.newAgent().get("/account");
    assert.deepEqual([status, headers.location], [303, "/dex"]);
  });

  it("names each session by its device, this one first, and ends one of them", async () => {
    const [here, there] = [await browser(firefox), await browser(phone)];
    const page = await here.get("/account");
    assert.match(page.body, /Firefox · Linux[\s\S]*This browser[\s\S]*Safari · iPhone/);
    assert.match(page.body, /The App/);
    const before = listener.heard.length;
    const [first = ""] = subjectsOf(page);
    const answer = await here.post("/account", { csrf: csrfOf(page), action: "end", subject: first });
    assert.deepEqual([answer.status, answer.headers.location], [303, "/dex/account?done=ended"]);
    await listener.until(before + 1);
    assert.match((await here.get("/account?done=ended")).body, /That session has ended/);
    await assertSignedOut(there);
    await assertSignedIn(here);
  });

  it("ends all others and not this one", async () => {
    const [here, ...others] = [await browser(), await browser(), await browser()];
    const page = await here.get("/account");
    await here.post("/account", { csrf: csrfOf(page), action: "end-others" });
    for (const other of others) await assertSignedOut(other);
    await assertSignedIn(here);
    assert.doesNotMatch((await here.get("/account")).body, /end-others/);
  });

  it("shows and ends nobody else's sessions", async () => {
    const [mine, theirs] = [await browser(), await browser("test", { connector_id: "pw2" })];
    const page = await mine.get("/account");
    const sid = await sidOf(theirs);
    assert.ok(!subjectsOf(page).includes(sid));
    await mine.post("/account", { csrf: csrfOf(page), action: "end", subject: sid });
    assert.equal((await theirs.get("/account")).status, 200);
  });

  it("shows consents, and takes one back with its refresh tokens", async () => {
    const agent = asking.newAgent();
    const form = await authorize(agent, { scope: "openid email offline_access" });
    const consent = await agent.follow(await agent.post(form.url.href, { login: "kilgore", password: "trout" }));
    const req = unescapeHtml(/name="req" value="([^"]*)"/.exec(consent.body)?.[1] ?? "");
    await agent.post(consent.url.href, { req, approval: "approve" });
    const tokens = await logIn(agent, { scope: "openid email offline_access" });
    const page = await agent.get("/account");
    assert.match(page.body, /Access you have allowed[\s\S]*The App[\s\S]*email address/);
    await agent.post("/account", { csrf: csrfOf(page), action: "withdraw", subject: "app" });
    assert.match((await agent.get("/account")).body, /No application has asked/);
    assertRefused(await refresh(agent, tokens.refresh_token ?? ""), "invalid_grant");
    const again = await authorize(agent, { scope: "openid email" });
    assert.match(again.url.pathname, /approval$/);
  });
});

describe("a form of the account page", () => {
  it("does nothing without the token of this very session (CSRF)", async () => {
    const [mine, theirs] = [await browser(), await browser()];
    const stolen = csrfOf(await theirs.get("/account"));
    for (const csrf of ["", "x", stolen]) {
      assertPage(await mine.post("/account", { csrf, action: "end-others" }), 403);
    }
    await assertSignedIn(theirs);
  });

  it("of before a new login does nothing either", async () => {
    const agent = await browser();
    const old = csrfOf(await agent.get("/account"));
    const page = await authorize(agent, { ...pw, prompt: "login" });
    await agent.post(page.url.href, { login: "kilgore", password: "trout" });
    assertPage(await agent.post("/account", { csrf: old, action: "end-others" }), 403);
  });

  it("asks for something that there is", async () => {
    const agent = await browser();
    const csrf = csrfOf(await agent.get("/account"));
    assertPage(await agent.post("/account", { csrf, action: "explode" }), 400);
    assertPage(await agent.ask("/account", { method: "DELETE" }), 405);
  });
});

describe("the pages of a session", () => {
  it("can be framed by nobody and are kept by no cache", async () => {
    const agent = await browser();
    for (const path of ["/account", "/logout", ""]) {
      const { headers } = await agent.get(path);
      assert.match(String(headers["content-security-policy"]), /frame-ancestors 'none'/);
      assert.equal(headers["x-frame-options"], "DENY");
      assert.equal(headers["cache-control"], "no-store");
    }
  });

  it("start at the home page: who is signed in, since when, until when", async () => {
    const agent = await browser(firefox);
    const { body } = await agent.get("");
    assert.match(body, /Kilgore Trout[\s\S]*Logged in with[\s\S]*Password/);
    assert.match(body, /<time datetime="2026-01-01T00:00:00Z">01 Jan 2026, 00:00 UTC<\/time>/);
    assert.match(body, /Ends if unused[\s\S]*01 Jan 2026, 01:00 UTC/);
    assert.match(body, /href="http:\/\/127.0.0.1:5556\/dex\/account"/);
  });

  it("forget a cookie that is none, and show who is signed out", async () => {
    const { headers, body } = await server.newAgent().ask("", { headers: { cookie: "dex_session=nothing" } });
    assert.match(String(headers["set-cookie"]), /dex_session=; Path=\/dex; Max-Age=0/);
    assert.match(body, /You are not logged in/);
  });
});

describe("a stolen cookie", () => {
  it("is worth nothing after the logout", async () => {
    const agent = await browser();
    const cookie = `dex_session=${agent.cookies.get("dex_session")}`;
    const page = await agent.get("/logout");
    const confirm = unescapeHtml(/name="confirm" value="([^"]*)"/.exec(page.body)?.[1] ?? "");
    assert.match((await agent.post("/logout", { confirm })).body, /You are logged out/);
    for (const path of ["/account", "/logout", ""]) {
      const { status, body } = await server.newAgent().ask(path, { headers: { cookie } });
      assert.ok(status === 303 || /not logged in|were not logged in/.test(body), path);
    }
  });

  it("of another browser brings no code there: the form is bound to the browser that opened it", async () => {
    const [victim, thief] = [server.newAgent(), server.newAgent()];
    const page = await authorize(victim, pw);
    await authorize(thief, pw);
    const answer = await thief.post(page.url.href, { login: "kilgore", password: "trout" });
    assertPage(answer, 400);
  });
});

describe("a confirmation of a logout", () => {
  it("is good for its own session only (CSRF)", async () => {
    const [mine, theirs] = [await browser(), await browser()];
    const page = await theirs.get("/logout");
    const confirm = unescapeHtml(/name="confirm" value="([^"]*)"/.exec(page.body)?.[1] ?? "");
    const answer = await mine.post("/logout", { confirm });
    assert.match(answer.body, /<form method="post" action="\/dex\/logout"/);
    await assertSignedIn(mine);
    await assertSignedIn(theirs);
  });
});

async function sidOf(agent: UserAgent): Promise<string> {
  const { id_token: token } = await logIn(agent, { connector_id: "pw2" });
  const payload = Buffer.from(token?.split(".")[1] ?? "", "base64url").toString();
  return String((JSON.parse(payload) as { sid: unknown }).sid);
}
