/** Every scope that discovery lists, at once. OIDC Core §5.4, §11. */
import assert from "node:assert/strict";
import { userinfo, verify } from "../relying-party.ts";
import { complete, everyPlan, startConformance, underPlans } from "./conformance.ts";

const server = await startConformance();
const expected = {
  name: "Kilgore Trout",
  email: "kilgore@kilgore.trout",
  email_verified: true,
  groups: ["authors"],
  federated_claims: { connector_id: "mock", user_id: "0-385-28089-0" },
};

underPlans("oidcc-scope-all", everyPlan, async (variant) => {
  const agent = server.newAgent();
  const { scopes_supported: listed } = JSON.parse((await agent.get("/.well-known/openid-configuration")).body);
  const { idToken, accessToken } = await complete(agent, variant, { scope: listed.join(" ") });
  assert.partialDeepStrictEqual((await verify(idToken, server, agent)).claims, expected);
  if (accessToken === undefined) return;
  assert.partialDeepStrictEqual(JSON.parse((await userinfo(agent, accessToken)).body), expected);
});
