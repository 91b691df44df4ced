/** A demanded second factor is passed by no grant: not with what was issued before the demand, nor by a weaker proof. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { z } from "zod";
import { codeAt, enrol, logIn, sendCode, startWithFactors, totp } from "./mfa.ts";
import {
  app,
  askToken,
  assertRefused,
  authorize,
  codeOf,
  redeem,
  refresh,
  refreshTokenOf,
  tokensOf,
  unescapeHtml,
} from "./relying-party.ts";
import { appClient, type ConfigFile, passwordConnector, type ServerUnderTest } from "./server-under-test.ts";
import type { Answer, UserAgent } from "./user-agent.ts";

const deviceCode = "urn:ietf:params:oauth:grant-type:device_code";
const tokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange";
const mock = { type: "mockCallback", id: "mock", name: "Mock" };
const second = { ...totp, id: "second" };
const why = "A second factor is required. Sign in with a browser.";

/** Everything that a change of the client's chain leaves as it is. */
const around: ConfigFile = {
  connectors: [passwordConnector, mock],
  oauth2: {
    skipApprovalScreen: true,
    passwordConnector: "pw",
    grantTypes: ["authorization_code", "refresh_token", "password", tokenExchange, deviceCode, "implicit"],
    responseTypes: ["code", "token", "id_token"],
  },
  mfa: { authenticators: [totp, second] },
  lockout: { disabled: true },
};
const client = { ...appClient, redirectURIs: [...appClient.redirectURIs, "/dex/device/callback"] };
const withChain = (...mfaChain: readonly string[]): ConfigFile => ({
  ...around,
  staticClients: [{ ...client, mfaChain, ssoSharedWith: ["*"] }],
});

async function start(t: { after(run: () => unknown): void }, ...chain: readonly string[]): Promise<ServerUnderTest> {
  const server = await startWithFactors(withChain(...chain));
  t.after(() => server.close());
  return server;
}

const scope = "openid offline_access";
const pw = { connector_id: "pw", scope };

async function approveDevice(agent: UserAgent): Promise<{ deviceCode: string; last: Answer }> {
  const form = { client_id: app.id, client_secret: "app-secret", scope };
  const { device_code, user_code } = z
    .looseObject({ device_code: z.string(), user_code: z.string() })
    .parse(JSON.parse((await agent.post("/device/code", form)).body));
  const question = await agent.post("/device/auth/verify_code", { user_code });
  const confirm = unescapeHtml(/name="confirm" value="([^"]*)"/.exec(question.body)?.[1] ?? assert.fail(question.body));
  const agreed = await agent.post("/device/auth/verify_code", { user_code, confirm, approval: "approve" });
  const login = await agent.follow(await agent.get(`${agreed.location?.href}&connector_id=pw`));
  const isForm = login.body.includes('name="password"');
  const last = isForm
    ? await agent.follow(await agent.post(login.url.href, { login: "kilgore", password: "trout" }))
    : login;
  return { deviceCode: device_code, last };
}

const poll = (agent: UserAgent, device_code: string): Promise<Answer> =>
  askToken(agent, { grant_type: deviceCode, device_code });

describe("once a client demands a factor", () => {
  it("a code, a refresh token and an approved device of before are worth nothing", async (t) => {
    const server = await start(t);
    const agent = server.newAgent();
    const [spent, held] = [await logIn(agent, pw), await logIn(server.newAgent(), pw)];
    const token = refreshTokenOf(await redeem(agent, codeOf(spent)));
    const device = await approveDevice(agent);
    assert.match(device.last.body, /Your device is connected/);
    await server.change(withChain("totp"));
    assertRefused(await redeem(agent, codeOf(held)), "invalid_grant", why);
    assertRefused(await refresh(agent, token), "invalid_grant", why);
    assertRefused(await poll(agent, device.deviceCode), "invalid_grant", why);
    await server.change(withChain());
    tokensOf(await redeem(agent, codeOf(held)));
    tokensOf(await refresh(agent, token));
    tokensOf(await poll(agent, device.deviceCode));
  });

  it("so are those of an upstream that says nothing of its methods, and of a password grant", async (t) => {
    const server = await start(t);
    const agent = server.newAgent();
    const byRedirect = await redeem(agent, codeOf(await authorize(agent, { connector_id: "mock", scope })));
    const byPassword = await askToken(agent, { grant_type: "password", username: "kilgore", password: "trout", scope });
    await server.change(withChain("totp"));
    for (const answer of [byRedirect, byPassword]) {
      assertRefused(await refresh(agent, refreshTokenOf(answer)), "invalid_grant", why);
    }
  });

  it("another factor than the one that was proved does not do", async (t) => {
    const server = await start(t, "totp");
    const agent = server.newAgent();
    const { answer } = await enrol(agent, await logIn(agent, pw), server);
    const token = refreshTokenOf(await redeem(agent, codeOf(answer)));
    const next = refreshTokenOf(await refresh(agent, token));
    await server.change(withChain("totp", "second"));
    assertRefused(await refresh(agent, next), "invalid_grant", why);
    await server.change(withChain("totp"));
    tokensOf(await refresh(agent, next));
  });

  it("implicit answers, device logins and single sign-on ask for it", async (t) => {
    const server = await start(t, "totp");
    const agent = server.newAgent();
    const { seed } = await enrol(agent, await logIn(agent, pw), server);
    await server.clock.advance(60_000);
    const implicit = { ...pw, response_type: "id_token token", nonce: "n", scope: "openid" };
    const other = server.newAgent();
    const asked = await logIn(other, implicit);
    assert.match(asked.url.pathname, /\/mfa\/totp$/);
    const phone = server.newAgent();
    const device = await approveDevice(phone);
    assert.match(device.last.url.pathname, /\/mfa\/totp$/);
    assertRefused(await poll(phone, device.deviceCode), "authorization_pending");
    const done = await phone.follow(await sendCode(phone, device.last, codeAt(seed, server.clock.now())));
    assert.match(done.body, /Your device is connected/);
    await server.clock.advance(6_000);
    tokensOf(await poll(phone, device.deviceCode));
  });

  it("the password grant and token exchange have no page to ask on", async (t) => {
    const server = await start(t, "totp");
    const agent = server.newAgent();
    await enrol(agent, await logIn(agent, pw), server);
    const password = { grant_type: "password", username: "kilgore", password: "trout", scope: "openid" };
    assertRefused(await askToken(agent, password), "invalid_grant", why);
    const exchange = {
      grant_type: tokenExchange,
      connector_id: "mock",
      subject_token: "x",
      subject_token_type: "urn:ietf:params:oauth:token-type:id_token",
    };
    assertRefused(await askToken(agent, exchange), "invalid_grant", why);
    await server.change(withChain());
    tokensOf(await askToken(agent, password));
  });

  it("an upstream's word counts for as long as it is trusted, and only for what it has said", async (t) => {
    const server = await start(t, "totp");
    await server.change({
      ...withChain("totp", "second"),
      mfa: { authenticators: [totp, second], trustedConnectors: ["pw"] },
    });
    const agent = server.newAgent();
    // One factor of two, proved to us, puts "mfa" into amr: it is not the upstream's.
    const { answer } = await enrol(agent, await logIn(agent, pw), server);
    assert.equal(answer.status, 200, String(answer.location));
    assert.match(answer.url.search, /authenticator=second/);
  });
});
