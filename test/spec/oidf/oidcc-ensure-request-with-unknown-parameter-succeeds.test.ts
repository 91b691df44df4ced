/** Parameters that we do not know are ignored. RFC 6749 §3.1. */
import { complete, everyPlan, startConformance, underPlans } from "./conformance.ts";

const server = await startConformance();

underPlans("oidcc-ensure-request-with-unknown-parameter-succeeds", everyPlan, async (variant) => {
  await complete(server.newAgent(), variant, { extra: "foobar", domain_hint: "x", "": "nameless" });
});
