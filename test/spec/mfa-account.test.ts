/** The account page and second factors: seen and changed by whoever has proved one. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { codeAt, enrol, free, freeClient, logIn, recoveryCodesOn, sendCode, startWithFactors, totp } from "./mfa.ts";
import { assertPage, codeOf } from "./relying-party.ts";
import { appClient } from "./server-under-test.ts";

const csrfOn = (body: string): string => /name="csrf" value="([^"]*)"/.exec(body)?.[1] ?? assert.fail(body);

describe("the account page", () => {
  it("asks a session that has proved nothing, and shows and changes nothing before", async (t) => {
    const server = await startWithFactors();
    t.after(() => server.close());
    const owner = server.newAgent();
    const { seed, codes } = await enrol(owner, await logIn(owner), server);
    await server.clock.advance(60_000);
    const thief = server.newAgent();
    codeOf(await logIn(thief, {}, free));
    const page = await thief.get("/account");
    assert.equal(page.status, 200);
    assert.match(page.body, /name="totp"/);
    assert.doesNotMatch(page.body, /name="csrf"/);
    for (const action of ["end-others", "renew-codes", "remove-factor"]) {
      const refused = await thief.post("/account", {
        action,
        subject: "totp",
        csrf: csrfOn((await owner.get("/account")).body),
      });
      assert.match(refused.body, /name="totp"/, action);
    }
    assert.equal((await thief.post("/account", { totp: "000000" })).status, 401);
    assert.equal((await thief.post("/account?recovery=1", { recovery_code: "x" })).status, 401);
    const proved = await thief.follow(await thief.post("/account", { totp: codeAt(seed, server.clock.now()) }));
    assert.match(proved.body, /factors-title/);
    const other = server.newAgent();
    codeOf(await logIn(other, {}, free));
    const recovered = await other.post("/account?recovery=1", { recovery_code: codes[0] ?? "" });
    assert.match((await other.follow(recovered)).body, /: 9</);
  });

  it("makes new recovery codes, and the old ones are worth nothing", async (t) => {
    const server = await startWithFactors();
    t.after(() => server.close());
    const agent = server.newAgent();
    const { codes } = await enrol(agent, await logIn(agent), server);
    const { body } = await agent.get("/account");
    assertPage(await agent.post("/account", { action: "renew-codes", csrf: "1.AAAA" }), 403);
    const fresh = recoveryCodesOn(await agent.post("/account", { action: "renew-codes", csrf: csrfOn(body) }));
    assert.equal(fresh.length, 10);
    const next = server.newAgent();
    const { search } = (await logIn(next)).url;
    assert.equal((await next.post(`/mfa/recovery${search}`, { recovery_code: codes[1] ?? "" })).status, 401);
    codeOf(await next.post(`/mfa/recovery${search}`, { recovery_code: fresh[1] ?? "" }));
  });

  it("removes a factor, and never the last one", async (t) => {
    const second = { ...totp, id: "second" };
    const server = await startWithFactors({
      staticClients: [{ ...appClient, mfaChain: ["totp", "second"] }, freeClient],
      mfa: { authenticators: [totp, second] },
    });
    t.after(() => server.close());
    const agent = server.newAgent();
    const { answer } = await enrol(agent, await logIn(agent), server);
    const seed = /id="totp-secret"[^>]*>([A-Z2-7 ]+)</.exec(answer.body)?.[1]?.replaceAll(" ", "") ?? assert.fail();
    codeOf(await sendCode(agent, answer, codeAt(seed, server.clock.now())));
    const remove = async (subject: string) => {
      const { body } = await agent.get("/account");
      return agent.post("/account", { action: "remove-factor", subject, csrf: csrfOn(body) });
    };
    assertPage(await remove("nothing"), 400);
    assert.match((await remove("second")).location?.href ?? "", /done=factorRemoved/);
    assertPage(await remove("totp"), 400, "The last factor stays.");
  });
});
