/** `claims_locales` is a wish, never an error. OIDC Core §5.2. */
import { complete, everyPlan, startConformance, underPlans } from "./conformance.ts";

const server = await startConformance();

underPlans("oidcc-claims-locales", everyPlan, async (variant) => {
  await complete(server.newAgent(), variant, { claims_locales: "se" });
});
