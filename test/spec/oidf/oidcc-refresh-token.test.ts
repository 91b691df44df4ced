/** A refreshed ID token is about the same person, client and login. OIDC Core §12.2. */
import assert from "node:assert/strict";
import { assertRefused, redeem, refresh, refreshTokenOf, tokensOf, userinfo, verify } from "../relying-party.ts";
import { ask, everyPlan, hasCode, secondClient, startConformance, told, underPlans } from "./conformance.ts";

const server = await startConformance();

underPlans(
  "oidcc-refresh-token",
  everyPlan,
  async (variant) => {
    const agent = server.newAgent();
    const { code = "" } = told(await ask(agent, variant, { scope: "openid offline_access" }), variant);
    const first = await redeem(agent, code);
    const before = (await verify(tokensOf(first).id_token, server, agent)).claims;
    assertRefused(await refresh(agent, refreshTokenOf(first), {}, secondClient), "invalid_grant");
    await server.clock.advance(5_000);
    const second = tokensOf(await refresh(agent, refreshTokenOf(first)));
    const after = (await verify(second.id_token, server, agent)).claims;
    for (const name of ["iss", "sub", "aud", "azp", "nonce"]) assert.equal(after[name], before[name], name);
    assert.ok((after.iat ?? 0) > (before.iat ?? 0));
    assert.notEqual(second.access_token, tokensOf(first).access_token);
    assert.equal((await userinfo(agent, second.access_token)).status, 200);
  },
  hasCode,
);
