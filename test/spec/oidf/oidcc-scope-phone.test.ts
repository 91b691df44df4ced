/** A scope that discovery does not list is refused, as Dex refuses it, and not passed over. RFC 6749 §3.3. */
import assert from "node:assert/strict";
import { ask, everyPlan, refusalOf, startConformance, underPlans } from "./conformance.ts";

const server = await startConformance();

underPlans("oidcc-scope-phone", everyPlan, async (variant) => {
  const agent = server.newAgent();
  const { scopes_supported: listed } = JSON.parse((await agent.get("/.well-known/openid-configuration")).body);
  assert.ok(!listed.includes("phone"));
  const answer = await ask(agent, variant, { scope: "openid phone", state: "s" });
  assert.deepEqual(refusalOf(answer, variant), { error: "invalid_scope", state: "s" });
});
