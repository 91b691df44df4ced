/** A server whose keys lie in a Vault that is sealed, slow or gone, or that rotates under load: what clients see. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import { handClock } from "../fake/hand-clock.ts";
import { type FakeVault, startFakeVault } from "../fake/vault.ts";
import { signIn, userinfo, verify } from "../spec/relying-party.ts";
import { appClient, type ServerUnderTest, startServerUnderTest } from "../spec/server-under-test.ts";
import type { Answer, UserAgent } from "../spec/user-agent.ts";

const second = 1_000;
let vault: FakeVault;
let server: ServerUnderTest;
let agent: UserAgent;
before(async () => {
  const clock = handClock();
  vault = await startFakeVault({ now: clock.now });
  server = await startServerUnderTest(
    {
      signer: { type: "vault", config: { addr: vault.url, token: vault.issue(), keyName: "dex", timeout: "400ms" } },
      staticClients: [{ ...appClient, clientCredentialsClaims: { groups: ["robots"] } }],
      oauth2: {
        skipApprovalScreen: true,
        grantTypes: ["authorization_code", "refresh_token", "client_credentials"],
      },
    },
    { env: { DEX_CLIENT_CREDENTIAL_GRANT_ENABLED_BY_DEFAULT: "true" }, clock },
  );
  agent = server.newAgent(50);
});
after(async () => {
  await server.close();
  await vault.close();
});

const askToken = (): Promise<Answer> =>
  agent.ask("/token", {
    method: "POST",
    form: Object.entries({
      grant_type: "client_credentials",
      client_id: "app",
      client_secret: "app-secret",
      scope: "openid",
    }),
  });
const tokenOf = ({ status, body }: Answer): string => {
  assert.equal(status, 200, body);
  return z.object({ access_token: z.string() }).parse(JSON.parse(body)).access_token;
};
const manyTokens = (): Promise<readonly Answer[]> => Promise.all(Array.from({ length: 50 }, askToken));

/** Every answer is a 503 that says when to come again, and nothing about Vault. */
function assertAway(answers: readonly Answer[]): void {
  for (const { status, headers, body } of answers) {
    assert.equal(status, 503, body);
    assert.match(String(headers["retry-after"]), /^\d+$/);
    assert.equal(JSON.parse(body).error, "temporarily_unavailable");
    assert.doesNotMatch(body, /vault|sealed|transit/i);
  }
}

describe("while Vault", () => {
  for (const [how, begin, end] of [
    [
      "is sealed",
      () => void Object.assign(vault, { isSealed: true }),
      () => void Object.assign(vault, { isSealed: false }),
    ],
    ["hangs", () => void Object.assign(vault, { latency: 5_000 }), () => void Object.assign(vault, { latency: 0 })],
    ["is gone", () => vault.die(), () => vault.rise()],
    [
      "answers 500",
      () => void Object.assign(vault, { signStatus: 500 }),
      () => void Object.assign(vault, { signStatus: undefined }),
    ],
    ["refuses", () => void vault.forbidden.add("transit/sign/dex"), () => void vault.forbidden.clear()],
  ] as const) {
    it(`${how}, fifty at a time are told 503, tokens there are count on, and it heals`, async () => {
      const { access_token } = await signIn(agent);
      await begin();
      const begun = performance.now();
      assertAway(await manyTokens());
      assert.ok(performance.now() - begun < 3_000, `${performance.now() - begun} ms`);
      assert.equal((await userinfo(agent, access_token)).status, 200);
      assert.equal((await agent.get("/keys")).status, 200);
      assert.equal((await agent.get("/.well-known/openid-configuration")).status, 200);
      await end();
      for (const answer of await manyTokens()) await verify(tokenOf(answer), server, agent);
    });
  }
});

describe("while Vault rotates", () => {
  it("no token of fifty at a time fails to verify, here and with a key set that is ten minutes old", async () => {
    const kids = new Set<string>();
    for (let round = 0; round < 4; round++) {
      const oldSet = (await agent.get("/keys")).body;
      const answers = manyTokens();
      if (round < 3) vault.keys.get("dex")?.rotate();
      for (const answer of await answers) {
        const token = tokenOf(answer);
        const { header } = await verify(token, server, agent);
        kids.add(String(header.kid));
        assert.ok(oldSet.includes(String(header.kid)), "signed by a key that nobody could know");
        assert.equal((await userinfo(agent, token)).status, 200);
      }
      await seen();
      await server.clock.advance(620 * second, 0);
      await seen();
    }
    assert.ok(kids.size === 4, `${kids.size} versions signed`);
  });

  /** Vault's newest version is in `/keys`: the loop looks by itself, once the clock has let it. */
  async function seen(): Promise<void> {
    const count = async (): Promise<number> => JSON.parse((await agent.get("/keys")).body).keys.length;
    for (const end = performance.now() + 5_000; performance.now() < end; ) {
      if ((await count()) >= Math.min(2, vault.keys.get("dex")?.latestVersion ?? 0)) return;
      await server.clock.advance(second, 0);
      await wait(5);
    }
    throw new Error("the rotation was not seen");
  }
});
