/** `profile` brings the names we hold, in the ID token and at userinfo. OIDC Core §5.4. */
import assert from "node:assert/strict";
import { userinfo, verify } from "../relying-party.ts";
import { complete, everyPlan, startConformance, underPlans } from "./conformance.ts";

const server = await startConformance();
const expected = { name: "Kilgore Trout" };

underPlans("oidcc-scope-profile", everyPlan, async (variant) => {
  const agent = server.newAgent();
  const { idToken, accessToken } = await complete(agent, variant, { scope: "openid profile" });
  assert.partialDeepStrictEqual((await verify(idToken, server, agent)).claims, expected);
  if (accessToken === undefined) return;
  assert.partialDeepStrictEqual(JSON.parse((await userinfo(agent, accessToken)).body), expected);
});
