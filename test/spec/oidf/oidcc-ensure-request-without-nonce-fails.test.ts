/** An ID token from the front channel must be tied to its request. OIDC Core §3.2.2.1, §3.3.2.11. */
import assert from "node:assert/strict";
import { ask, hasIdToken, refusalOf, startConformance, underPlans } from "./conformance.ts";

const server = await startConformance();

underPlans(
  "oidcc-ensure-request-without-nonce-fails",
  ["implicit", "hybrid", "formPostImplicit", "formPostHybrid"],
  async (variant) => {
    const answer = await ask(server.newAgent(), variant, { nonce: undefined, state: "s" });
    assert.deepEqual(refusalOf(answer, variant), { error: "invalid_request", state: "s" });
  },
  hasIdToken,
);
