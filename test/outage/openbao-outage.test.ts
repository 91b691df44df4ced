/** A server whose keys lie in a real OpenBao that is sealed, frozen or gone, or that rotates under load: what clients see. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import { handClock } from "../fake/hand-clock.ts";
import { type BaoPeer, startOpenbao, withoutOpenbao } from "../peer/openbao.ts";
import { askToken, signIn, userinfo, verify } from "../spec/relying-party.ts";
import { appClient, type ServerUnderTest, startServerUnderTest } from "../spec/server-under-test.ts";
import type { Answer, UserAgent } from "../spec/user-agent.ts";

describe("a real OpenBao", { skip: withoutOpenbao, timeout: 120_000 }, () => {
  let bao: BaoPeer;
  let server: ServerUnderTest;
  let agent: UserAgent;
  before(async () => {
    bao = await startOpenbao();
    await bao.must("POST", "transit/keys/dex", { body: { type: "ecdsa-p256" } });
    const config = { addr: bao.url, token: await bao.issue("dex"), keyName: "dex", timeout: "400ms" };
    server = await startServerUnderTest(
      {
        signer: { type: "vault", config },
        staticClients: [{ ...appClient, clientCredentialsClaims: { groups: ["robots"] } }],
        oauth2: {
          skipApprovalScreen: true,
          grantTypes: ["authorization_code", "refresh_token", "client_credentials"],
        },
      },
      // OpenBao says when a version was made by its own clock, which cannot be wound.
      { env: { DEX_CLIENT_CREDENTIAL_GRANT_ENABLED_BY_DEFAULT: "true" }, clock: handClock(Date.now()) },
    );
    agent = server.newAgent(50);
  });
  after(async () => {
    await server.close();
    await bao.stop();
  });

  const askOne = (): Promise<Answer> => askToken(agent, { grant_type: "client_credentials", scope: "openid" });
  const manyTokens = (): Promise<readonly Answer[]> => Promise.all(Array.from({ length: 50 }, askOne));
  const tokenOf = ({ status, body }: Answer): string => {
    assert.equal(status, 200, body);
    return z.object({ access_token: z.string() }).parse(JSON.parse(body)).access_token;
  };

  for (const [how, begin, end] of [
    ["is sealed", () => bao.seal(), () => bao.unseal()],
    ["hangs", () => bao.pause(), () => bao.resume()],
    ["is gone", () => bao.kill(), () => bao.start()],
  ] as const) {
    it(`${how}: fifty at a time are told 503, tokens there are count on, and it heals`, async () => {
      const { access_token } = await signIn(agent);
      await begin();
      const begun = performance.now();
      for (const { status, headers, body } of await manyTokens()) {
        assert.equal(status, 503, body);
        assert.match(String(headers["retry-after"]), /^\d+$/);
        assert.equal(JSON.parse(body).error, "temporarily_unavailable");
        assert.doesNotMatch(body, /vault|sealed|transit|bao/i);
      }
      assert.ok(performance.now() - begun < 5_000, `${performance.now() - begun} ms`);
      assert.equal((await userinfo(agent, access_token)).status, 200);
      assert.equal((await agent.get("/keys")).status, 200);
      await end();
      for (const answer of await manyTokens()) await verify(tokenOf(answer), server, agent);
    });
  }

  it("rotates under fifty at a time: each new version is public within a second, and every token verifies", async () => {
    const kids = new Set<string>();
    const shown = async (): Promise<string> => (await agent.get("/keys")).body;
    for (let round = 0; round < 3; round++) {
      const before = await shown();
      const answers = manyTokens();
      await bao.must("POST", "transit/keys/dex/rotate");
      for (const answer of await answers) {
        const { header } = await verify(tokenOf(answer), server, agent);
        kids.add(String(header.kid));
        assert.ok(before.includes(String(header.kid)), "signed by a key that nobody could know");
      }
      // The clock stands until it is wound: one second of it brings one look.
      await server.clock.advance(1_000);
      for (const limit = performance.now() + 5_000; (await shown()) === before; await wait(5))
        assert.ok(performance.now() < limit, "the rotation was not seen");
      await server.clock.advance(630_000);
    }
    assert.ok(kids.size === 3, `${kids.size} versions signed`);
  });
});
