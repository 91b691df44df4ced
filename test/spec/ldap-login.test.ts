/** A login with an LDAP password, from the form to the tokens and their refresh. OIDC Core §3.1.2.3, RFC 6749 §6. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { missing } from "../peer/peer.ts";
import { slapdPrograms, startSlapd } from "../peer/slapd.ts";
import { baseDn, dnOf, odd, service } from "../peer/slapd-seed.ts";
import { assertRefused, authPath, codeOf, redeem, refresh, tokensOf, verify } from "./relying-party.ts";
import { startServerUnderTest } from "./server-under-test.ts";
import type { Answer } from "./user-agent.ts";

const skip = missing(slapdPrograms);
const slapd = skip === false ? await startSlapd() : undefined;
const connector = {
  type: "ldap",
  id: "ldap",
  name: "Company",
  config: {
    host: `127.0.0.1:${slapd?.port}`,
    startTLS: true,
    rootCA: slapd?.caFile,
    bindDN: service.dn,
    bindPW: service.password,
    usernamePrompt: "Company name",
    userSearch: { baseDN: `ou=People,${baseDn}`, username: "uid", idAttr: "uid", nameAttr: "cn" },
    groupSearch: {
      baseDN: `ou=Groups,${baseDn}`,
      nameAttr: "cn",
      userMatchers: [{ userAttr: "DN", groupAttr: "member" }],
    },
  },
};
const server = slapd && (await startServerUnderTest({ connectors: [connector] }));
after(async () => {
  await server?.close();
  await slapd?.stop();
});

async function submit(login: string, password: string): Promise<Answer> {
  assert.ok(server);
  const agent = server.newAgent();
  const form = await agent.follow(await agent.get(authPath({ scope: "openid profile email groups offline_access" })));
  assert.equal(form.status, 200);
  assert.equal(form.headers["www-authenticate"], undefined);
  assert.match(form.body, />Company name</);
  return agent.post(form.url.href, { login, password });
}

describe("an LDAP login", { skip }, () => {
  it("ends in tokens about the person, which are refreshed until the person leaves", async () => {
    assert.ok(server && slapd);
    const agent = server.newAgent();
    const tokens = tokensOf(await redeem(agent, codeOf(await submit("leaver", "foo"))));
    const { claims } = await verify(tokens.id_token, server, agent);
    // {1: "leaver", 2: "ldap"}, as Dex writes it.
    assert.equal(claims.sub, "CgZsZWF2ZXISBGxkYXA");
    assert.deepEqual([claims.name, claims.email, claims.email_verified], ["leaver", "leaver@example.com", true]);
    const again = tokensOf(await refresh(agent, tokens.refresh_token ?? ""));
    await slapd.modify(`dn: ${dnOf("leaver")}\nchangetype: delete\n`);
    const refused = refresh(agent, again.refresh_token ?? "");
    while (!server.log.some((line) => line.includes("no such entry any more"))) await wait(20);
    // For a moment another request might have renewed what an upstream wants.
    await server.clock.advance(1_000, 1);
    assertRefused(await refused, "invalid_grant");
  });

  it("works with every reserved character in name and password", async () => {
    assert.ok(server);
    const agent = server.newAgent();
    const tokens = tokensOf(await redeem(agent, codeOf(await submit(odd.uid, odd.password))));
    const { claims } = await verify(tokens.id_token, server, agent);
    assert.deepEqual([claims.name, claims.groups], [odd.name, [odd.group]]);
  });

  it("says that a password has expired, to who knows it", async () => {
    const expired = await submit("old", "foo");
    assert.equal(expired.status, 401);
    assert.match(expired.body, /id="login-error".*Your password has expired/s);
    const wrong = await submit("old", "wrong");
    assert.equal(wrong.status, 401);
    assert.match(wrong.body, /Those details do not match/);
  });

  it("writes no filter for a name of a megabyte", async () => {
    const began = process.cpuUsage();
    assert.equal((await submit("*".repeat(340_000), "wrong")).status, 401);
    const { user } = process.cpuUsage(began);
    assert.ok(user < 300_000, `${user} microseconds`);
  });

  it("is refused for a wrong password and an unknown name by the same page", async () => {
    const shown = async (login: string): Promise<string> => {
      const { status, body } = await submit(login, "wrong");
      assert.equal(status, 401);
      return body.replaceAll(login, "").replaceAll(/state=[^"]*/g, "");
    };
    assert.equal(await shown("jane"), await shown("nobody"));
  });

  it("writes no password to the log", async () => {
    await submit("jane", "a-typed-secret");
    for (const line of server?.log ?? []) assert.ok(!line.includes("a-typed-secret"), line);
  });
});

describe("an LDAP server that is away", { skip }, () => {
  it("is a page with 503 that may be tried again, and ends no refresh token", async () => {
    const own = await startSlapd();
    const config = { ...connector.config, host: `127.0.0.1:${own.port}`, rootCA: own.caFile };
    const other = await startServerUnderTest({ connectors: [{ ...connector, config }] });
    try {
      const agent = other.newAgent();
      const open = async () => agent.follow(await agent.get(authPath({ scope: "openid offline_access" })));
      const answer = await agent.post((await open()).url.href, { login: "jane", password: "foo" });
      const tokens = tokensOf(await redeem(agent, codeOf(answer)));
      await own.stop();
      const away = await agent.post((await open()).url.href, { login: "jane", password: "foo" });
      assert.deepEqual([away.status, away.headers["retry-after"]], [503, "5"]);
      const refused = await refresh(agent, tokens.refresh_token ?? "");
      assertRefused(refused, "temporarily_unavailable", undefined, 503);
    } finally {
      await other.close();
    }
  });
});
