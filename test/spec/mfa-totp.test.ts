/** One-time codes of an app as a second factor. RFC 6238, RFC 4226; Dex's mfaChain. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import {
  assertAskedForCode,
  codeAt,
  enrol,
  free,
  isSettingUp,
  logIn,
  recoveryCodesOn,
  seedOn,
  sendCode,
  startWithFactors,
  totp,
} from "./mfa.ts";
import {
  app,
  askToken,
  assertPage,
  assertRefused,
  assertTold,
  authorize,
  codeOf,
  redeem,
  refresh,
  refreshTokenOf,
  tokensOf,
  verify,
} from "./relying-party.ts";
import { appClient, issuer, mockConnector, passwordConnector } from "./server-under-test.ts";
import type { Answer, UserAgent } from "./user-agent.ts";

/** A server of one's own where the one person has set up their app. */
async function withApp(t: { after(run: () => unknown): void }, file = {}) {
  const server = await startWithFactors(file);
  t.after(() => server.close());
  const agent = server.newAgent();
  const enrolled = await enrol(agent, await logIn(agent), server);
  await server.clock.advance(60_000);
  return { server, agent, ...enrolled };
}

const idTokenOf = async (agent: UserAgent, answer: Answer, client = app) =>
  tokensOf(await redeem(agent, codeOf(answer), {}, client)).id_token;

describe("setting up an app", () => {
  it("shows the key as a picture and as text, in Dex's words, and ends in an answer", async (t) => {
    const server = await startWithFactors();
    t.after(() => server.close());
    const agent = server.newAgent();
    const page = await logIn(agent);
    assert.equal(page.status, 200);
    assert.equal(page.headers["cache-control"], "no-store");
    assert.match(page.url.href, /\/mfa\/totp\?authenticator=totp&hmac=[^&]+&req=[a-z2-7]{25}$/);
    assert.match(page.body, /<img src="data:image\/svg\+xml;base64,/);
    const { codes, answer } = await enrol(agent, page, server);
    assert.equal(codes.length, 10);
    assert.equal(new Set(codes).size, 10);
    const { claims } = await verify(await idTokenOf(agent, answer), server, agent);
    assert.deepEqual(claims.amr, ["pwd", "otp", "mfa"]);
  });

  it("takes a code of this very key, and never shows a key again that somebody has seen", async (t) => {
    const server = await startWithFactors();
    t.after(() => server.close());
    const agent = server.newAgent();
    const first = await logIn(agent);
    const wrong = await sendCode(agent, first, codeAt("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", server.clock.now()));
    assert.equal(wrong.status, 401);
    assert.equal(seedOn(wrong), seedOn(first), "a mistyped code must not cost the person their scan");
    assert.notEqual(seedOn(await agent.get(first.url.href)), seedOn(first));
    assert.notEqual(seedOn(await logIn(server.newAgent())), seedOn(first));
  });

  it("takes no key of another login, person or browser", async (t) => {
    const server = await startWithFactors();
    t.after(() => server.close());
    const [thief, owner] = [server.newAgent(), server.newAgent()];
    const theirs = await logIn(thief);
    const own = await logIn(owner);
    // The thief's sealed key in the owner's form: a code of it proves nothing there.
    const planted = await sendCode(owner, { ...theirs, url: own.url }, codeAt(seedOn(theirs), server.clock.now()));
    assert.equal(planted.status, 401);
    // The owner's address in the thief's browser.
    assertPage(await thief.get(own.url.href), 401, "Unauthorized request");
  });

  it("is once: of two tabs that set up at the same time one app counts", async (t) => {
    const server = await startWithFactors();
    t.after(() => server.close());
    const agents = [server.newAgent(), server.newAgent()] as const;
    const pages = await Promise.all(agents.map((agent) => logIn(agent)));
    const now = server.clock.now();
    const answers = await Promise.all(
      agents.map((agent, i) => sendCode(agent, pages[i] as Answer, codeAt(seedOn(pages[i] as Answer), now))),
    );
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 401]);
  });

  it("is not open to whoever knows the password, once the person has an app", async (t) => {
    const second = { ...totp, id: "second" };
    const staticClients = [
      { ...appClient, mfaChain: ["totp"] },
      { id: "free", secret: free.secret, name: "free", redirectURIs: [free.redirectUri], mfaChain: ["second"] },
    ];
    const { server, seed } = await withApp(t, { staticClients, mfa: { authenticators: [totp, second] } });
    const thief = server.newAgent();
    const page = await logIn(thief, {}, free);
    assert.match(page.url.href, /authenticator=totp&/);
    assertAskedForCode(page);
    // With the code of the first app the second may be set up.
    const next = await thief.follow(await sendCode(thief, page, codeAt(seed, server.clock.now())));
    assert.match(next.url.href, /authenticator=second&/);
    assert.ok(isSettingUp(next));
  });
});

describe("a code", () => {
  it("is asked for at the next login, and spared while the session lasts", async (t) => {
    const { server, agent, seed } = await withApp(t);
    codeOf(await authorize(agent));
    codeOf(await authorize(agent, { prompt: "none" }));
    const later = server.newAgent();
    const page = await logIn(later);
    assertAskedForCode(page);
    assert.doesNotMatch(page.body, new RegExp(seed));
    const { claims } = await verify(
      await idTokenOf(later, await sendCode(later, page, codeAt(seed, server.clock.now()))),
      server,
      later,
    );
    assert.deepEqual(claims.amr, ["pwd", "otp", "mfa"]);
    // A fresh login is asked afresh.
    assertAskedForCode(await logIn(later, { prompt: "login" }));
  });

  it("is asked for at every request where the operator wants Dex's way", async (t) => {
    const { agent } = await withApp(t, { mfa: { authenticators: [totp], askEveryTime: true } });
    assertAskedForCode(await authorize(agent));
    assertTold(await authorize(agent, { prompt: "none" }), { error: "interaction_required", state: "a state" });
  });

  it("of an earlier request is not the word of an upstream that is trusted", async (t) => {
    const mfa = { authenticators: [totp], askEveryTime: true, trustedConnectors: ["pw"] };
    const { agent } = await withApp(t, { mfa });
    assertAskedForCode(await authorize(agent));
  });

  it("may be a step early or late, and no more", async (t) => {
    const { server, seed } = await withApp(t);
    for (const [drift, status] of [
      [-60_000, 401],
      [60_000, 401],
      [-30_000, 303],
      [30_000, 303],
    ] as const) {
      const agent = server.newAgent();
      await server.clock.advance(120_000);
      const answer = await sendCode(agent, await logIn(agent), codeAt(seed, server.clock.now() + drift));
      assert.equal(answer.status, status, `${drift} ms`);
    }
  });

  it("counts once, whoever sends it again", async (t) => {
    const { server, seed } = await withApp(t);
    const [agent, thief] = [server.newAgent(), server.newAgent()];
    const [page, theirs] = [await logIn(agent), await logIn(thief)];
    const code = codeAt(seed, server.clock.now());
    codeOf(await sendCode(agent, page, code));
    assert.equal((await sendCode(thief, theirs, code)).status, 401);
    assertPage(await sendCode(agent, page, code), 400, "User session error.");
    // An older step is as spent as the one that was used.
    assert.equal((await sendCode(thief, theirs, codeAt(seed, server.clock.now() - 30_000))).status, 401);
  });

  it("counts once among fifty requests at the same time", async (t) => {
    const { server, seed } = await withApp(t);
    const code = codeAt(seed, server.clock.now());
    const tabs = Array.from({ length: 50 }, () => server.newAgent());
    const pages = await Promise.all(tabs.map((tab) => logIn(tab)));
    const answers = await Promise.all(tabs.map((tab, i) => sendCode(tab, pages[i] as Answer, code)));
    assert.equal(answers.filter(({ status }) => status === 303).length, 1);
    assert.equal(answers.filter(({ status }) => status === 401).length, 49);
  });

  it("is read with spaces, and nothing else is a code", async (t) => {
    const { server, seed } = await withApp(t);
    const agent = server.newAgent();
    const page = await logIn(agent);
    const code = codeAt(seed, server.clock.now());
    for (const wrong of ["", "0", `${code}0`, "١٢٣٤٥٦", "-12345", "0x1234", "1e5000"]) {
      assert.equal((await sendCode(agent, page, wrong)).status, 401, wrong);
    }
    codeOf(await sendCode(agent, page, `${code.slice(0, 3)} ${code.slice(3)}`));
  });
});

describe("nobody gets round a factor", () => {
  it("by skipping its page: consent, /mfa and the stored login's other addresses", async (t) => {
    const { server } = await withApp(t, { oauth2: { skipApprovalScreen: false } });
    const thief = server.newAgent();
    const page = await logIn(thief);
    assertAskedForCode(page);
    const { searchParams } = page.url;
    const [req, hmac] = [searchParams.get("req") ?? "", searchParams.get("hmac") ?? ""];
    for (const path of ["/approval", "/mfa", "/auth"]) {
      assertPage(await thief.get(`${path}?${new URLSearchParams({ req, hmac })}`), 401);
    }
    assertPage(await thief.post("/approval", { req, hmac, approval: "approve" }), 401);
    const other = new URLSearchParams({ req, hmac, authenticator: "other" });
    assertPage(await thief.get(`/mfa/totp?${other}`), 401);
    assertPage(await thief.get("/mfa/totp"), 401);
  });

  it("with prompt=none: interaction_required", async (t) => {
    const { server } = await withApp(t);
    const agent = server.newAgent();
    codeOf(await logIn(agent, {}, free));
    assertTold(await authorize(agent, { prompt: "none" }), {
      error: "interaction_required",
      description: "A second factor is required.",
      state: "a state",
    });
    // The session of a client without a chain is worth its first factor alone.
    assertAskedForCode(await authorize(agent));
  });

  it("by the password grant, which has no page to ask on", async (t) => {
    const oauth2 = {
      skipApprovalScreen: true,
      passwordConnector: "pw",
      grantTypes: ["password", "authorization_code"],
    };
    const { agent } = await withApp(t, { oauth2 });
    const form = { grant_type: "password", username: "kilgore", password: "trout", scope: "openid" };
    assertRefused(await askToken(agent, form), "invalid_grant", "A second factor is required. Sign in with a browser.");
    // A wrong password hears the same: the grant tells nothing of it.
    assertRefused(
      await askToken(agent, { ...form, password: "x" }),
      "invalid_grant",
      "A second factor is required. Sign in with a browser.",
    );
    tokensOf(await askToken(agent, form, free));
  });

  it("with a refresh token from before the client demanded one", async (t) => {
    const { mkdtempSync, rmSync } = await import("node:fs");
    const { tmpdir } = await import("node:os");
    const { join } = await import("node:path");
    const folder = mkdtempSync(join(tmpdir(), "dex-mfa-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const storage = { type: "sqlite3", config: { file: join(folder, "dex.db") } };
    const connectors = [mockConnector, passwordConnector];
    const before = await startWithFactors({ storage, connectors, staticClients: [appClient] });
    const agent = before.newAgent();
    const page = await authorize(agent, { connector_id: "pw", scope: "openid offline_access" });
    const answer = await agent.follow(await agent.post(page.url.href, { login: "kilgore", password: "trout" }));
    const token = refreshTokenOf(await redeem(agent, codeOf(answer)));
    const next = refreshTokenOf(await refresh(agent, token));
    await before.close();
    const now = await startWithFactors({ storage, connectors });
    t.after(() => now.close());
    assertRefused(await refresh(now.newAgent(), next), "invalid_grant");
  });

  it("with a session that was left open: the first factor is set up after a login of a moment ago", async (t) => {
    const server = await startWithFactors();
    t.after(() => server.close());
    const agent = server.newAgent();
    codeOf(await logIn(agent, {}, free));
    await server.clock.advance(300_001);
    const page = await authorize(agent);
    assert.match(page.url.pathname, /\/auth\/pw\/login$/);
    assertTold(await authorize(agent, { prompt: "none" }), { error: "interaction_required", state: "a state" });
    assert.ok(isSettingUp(await logIn(agent)));
    // A moment ago is soon enough.
    const other = server.newAgent();
    codeOf(await logIn(other, {}, free));
    assert.ok(isSettingUp(await authorize(other)));
  });

  it("through a chain that names a factor which is not there", async () => {
    await assert.rejects(
      startWithFactors({ staticClients: [{ ...appClient, mfaChain: ["typo"] }] }),
      /references unknown MFA authenticator "typo"/,
    );
    await assert.rejects(
      startWithFactors({ mfa: {}, staticClients: [{ ...appClient, mfaChain: ["totp"] }] }),
      /references unknown MFA authenticator "totp"/,
    );
  });

  it("but people of other kinds of connector, where the operator says so", async (t) => {
    const server = await startWithFactors({
      connectors: [mockConnector],
      mfa: { authenticators: [{ ...totp, connectorTypes: ["mockPassword"] }] },
    });
    t.after(() => server.close());
    codeOf(await authorize(server.newAgent()));
  });
});

describe("a recovery code", () => {
  it("stands for the app once, and tells so", async (t) => {
    const { server, codes } = await withApp(t);
    const [code = ""] = codes;
    const agent = server.newAgent();
    const page = await logIn(agent);
    const recovery = /id="use-recovery" href="([^"]*)"/.exec(page.body)?.[1]?.replaceAll("&amp;", "&") ?? assert.fail();
    const address = new URL(recovery, new URL(issuer)).href;
    assert.equal((await agent.get(address)).status, 200);
    assert.equal((await agent.post(address, { recovery_code: "aaaaa-aaaaa" })).status, 401);
    const { claims } = await verify(
      await idTokenOf(agent, await agent.post(address, { recovery_code: ` ${code.toUpperCase()} ` })),
      server,
      agent,
    );
    assert.deepEqual(claims.amr, ["pwd", "otp", "mfa"]);
    const again = server.newAgent();
    const { search } = (await logIn(again)).url;
    assert.equal((await again.post(`/mfa/recovery${search}`, { recovery_code: code })).status, 401);
    // Fifty at once: one.
    const [, other = ""] = codes;
    const tabs = Array.from({ length: 20 }, () => server.newAgent());
    const pages = await Promise.all(tabs.map((tab) => logIn(tab)));
    const answers = await Promise.all(
      tabs.map((tab, i) => tab.post(`/mfa/recovery${pages[i]?.url.search}`, { recovery_code: other })),
    );
    assert.equal(answers.filter(({ status }) => status === 303).length, 1);
  });

  it("is nothing for somebody who has set nothing up", async (t) => {
    const server = await startWithFactors();
    t.after(() => server.close());
    const agent = server.newAgent();
    const page = await logIn(agent);
    const answer = await agent.follow(await agent.post(`/mfa/recovery${page.url.search}`, { recovery_code: "x" }));
    assert.ok(isSettingUp(answer));
  });

  it("is shown once", async (t) => {
    const { agent } = await withApp(t);
    assert.deepEqual(recoveryCodesOn(await agent.get("/account")), []);
  });
});

describe("strength", () => {
  const acr = "http://schemas.openid.net/pape/policies/2007/06/multi-factor";
  const claims = JSON.stringify({ id_token: { acr: { essential: true, value: acr } } });

  const server = startWithFactors({ staticClients: [{ ...appClient, ssoSharedWith: ["*"] }] });
  after(async () => (await server).close());

  it("is stepped up where a client of no chain asks for it, and told", async () => {
    const { newAgent, clock } = await server;
    const agent = newAgent();
    codeOf(await logIn(agent));
    const page = await authorize(agent, { claims });
    assert.ok(isSettingUp(page));
    const { seed, answer } = await enrol(agent, page, await server);
    const { claims: told } = await verify(await idTokenOf(agent, answer), await server, agent);
    assert.equal(told.acr, acr);
    assert.deepEqual(told.amr, ["pwd", "otp", "mfa"]);
    // The session has it now.
    codeOf(await authorize(agent, { claims, prompt: "none" }));
    // Another browser: not for a silent request, and not for nothing.
    await clock.advance(60_000);
    const other = newAgent();
    codeOf(await logIn(other));
    assertTold(await authorize(other, { claims, prompt: "none" }), { error: "interaction_required", state: "a state" });
    codeOf(await authorize(other, { acr_values: acr, prompt: "none" }));
    codeOf(await authorize(other, { acr_values: "1" }));
    const asked = await authorize(other, { acr_values: acr });
    assertAskedForCode(asked);
    codeOf(await sendCode(other, asked, codeAt(seed, clock.now())));
  });

  it("is in discovery, as far as the factors go", async () => {
    const document = JSON.parse((await (await server).newAgent().get("/.well-known/openid-configuration")).body);
    assert.deepEqual(document.acr_values_supported, ["1", acr]);
  });
});
