/** A request without `response_type` is refused, to the client and with its state. OIDC Core §3.1.2.6. */
import assert from "node:assert/strict";
import { ask, everyPlan, refusalOf, startConformance, underPlans } from "./conformance.ts";

const server = await startConformance();

underPlans("oidcc-response-type-missing", everyPlan, async (variant) => {
  const answer = await ask(server.newAgent(), variant, { response_type: undefined, state: "s" });
  // Nothing says that a fragment is meant, so the answer is where a code's would be.
  const where = variant.responseMode === "fragment" ? ({ ...variant, responseMode: "query" } as const) : variant;
  assert.deepEqual(refusalOf(answer, where), { error: "invalid_request", state: "s" });
});
