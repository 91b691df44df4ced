/** Nobody is signed in and nothing may be shown. OIDC Core §3.1.2.1, §3.1.2.6. */
import assert from "node:assert/strict";
import { ask, everyPlan, refusalOf, startConformance, underPlans, withSessions } from "./conformance.ts";

const server = await startConformance();
const remembering = await startConformance({}, withSessions);

underPlans("oidcc-prompt-none-not-logged-in", everyPlan, async (variant) => {
  for (const { newAgent } of [server, remembering]) {
    const answer = await ask(newAgent(), variant, { prompt: "none", state: "s" });
    assert.deepEqual(refusalOf(answer, variant), { error: "login_required", state: "s" });
  }
});
