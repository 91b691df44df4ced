/** Claims by GET with the token in the header. OIDC Core §5.3.1, §5.3.2. */
import assert from "node:assert/strict";
import { userinfo, verify } from "../relying-party.ts";
import { complete, everyPlan, hasAccessToken, startConformance, underPlans } from "./conformance.ts";

const server = await startConformance();

underPlans(
  "oidcc-userinfo-get",
  everyPlan,
  async (variant) => {
    const agent = server.newAgent();
    const { idToken, accessToken = "" } = await complete(agent, variant, { scope: "openid email" });
    const { status, headers, body } = await userinfo(agent, accessToken);
    assert.deepEqual([status, headers["content-type"]], [200, "application/json"]);
    const { claims } = await verify(idToken, server, agent);
    const { sub, email, email_verified: isVerified } = JSON.parse(body);
    assert.deepEqual([sub, email, isVerified], [claims.sub, "kilgore@kilgore.trout", true]);
  },
  hasAccessToken,
);
