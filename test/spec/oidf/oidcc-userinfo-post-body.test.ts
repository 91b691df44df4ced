/** Claims by POST with the token in the form. OIDC Core §5.3.1, RFC 6750 §2.2. */
import assert from "node:assert/strict";
import { verify } from "../relying-party.ts";
import { complete, everyPlan, hasAccessToken, startConformance, underPlans } from "./conformance.ts";

const server = await startConformance();

underPlans(
  "oidcc-userinfo-post-body",
  everyPlan,
  async (variant) => {
    const agent = server.newAgent();
    const { idToken, accessToken = "" } = await complete(agent, variant);
    const { status, body } = await agent.post("/userinfo", { access_token: accessToken });
    assert.equal(status, 200);
    assert.equal(JSON.parse(body).sub, (await verify(idToken, server, agent)).claims.sub);
  },
  hasAccessToken,
);
