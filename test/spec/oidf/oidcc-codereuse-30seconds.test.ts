/** A code that comes back after half a minute is invalid_grant, and what it issued ends. RFC 6749 §4.1.2. */
import assert from "node:assert/strict";
import { assertRefused, redeem, tokensOf, userinfo } from "../relying-party.ts";
import { ask, everyPlan, hasCode, startConformance, told, underPlans } from "./conformance.ts";

const server = await startConformance();

underPlans(
  "oidcc-codereuse-30seconds",
  everyPlan,
  async (variant) => {
    const agent = server.newAgent();
    const { code = "" } = told(await ask(agent, variant), variant);
    const { access_token: accessToken } = tokensOf(await redeem(agent, code));
    assert.equal((await userinfo(agent, accessToken)).status, 200);
    await server.clock.advance(30_000);
    assertRefused(await redeem(agent, code), "invalid_grant");
    assert.equal((await userinfo(agent, accessToken)).status, 401);
  },
  hasCode,
);
