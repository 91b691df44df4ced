/** `email` brings the address and whether it was verified, in the ID token and at userinfo. OIDC Core §5.4. */
import assert from "node:assert/strict";
import { userinfo, verify } from "../relying-party.ts";
import { complete, everyPlan, startConformance, underPlans } from "./conformance.ts";

const server = await startConformance();
const expected = { email: "kilgore@kilgore.trout", email_verified: true };

underPlans("oidcc-scope-email", everyPlan, async (variant) => {
  const agent = server.newAgent();
  const { idToken, accessToken } = await complete(agent, variant, { scope: "openid email" });
  assert.partialDeepStrictEqual((await verify(idToken, server, agent)).claims, expected);
  if (accessToken === undefined) return;
  assert.partialDeepStrictEqual(JSON.parse((await userinfo(agent, accessToken)).body), expected);
});
