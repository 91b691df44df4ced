/** Claims by POST with the token in the header. OIDC Core §5.3.1. */
import assert from "node:assert/strict";
import { verify } from "../relying-party.ts";
import { complete, everyPlan, hasAccessToken, startConformance, underPlans } from "./conformance.ts";

const server = await startConformance();

underPlans(
  "oidcc-userinfo-post-header",
  everyPlan,
  async (variant) => {
    const agent = server.newAgent();
    const { idToken, accessToken } = await complete(agent, variant);
    const headers = { authorization: `Bearer ${accessToken}` };
    const { status, body } = await agent.ask("/userinfo", { method: "POST", headers });
    assert.equal(status, 200);
    assert.equal(JSON.parse(body).sub, (await verify(idToken, server, agent)).claims.sub);
  },
  hasAccessToken,
);
