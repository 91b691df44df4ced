/** Without `redirect_uri` there is nobody to answer to, though the client registered one only. OIDC Core §3.1.2.1. */
import { assertPage, authPath } from "../relying-party.ts";
import { everyPlan, paramsOf, startConformance, underPlans } from "./conformance.ts";

const server = await startConformance();

underPlans("oidcc-ensure-redirect-uri-in-authorization-request", everyPlan, async (variant) => {
  const agent = server.newAgent();
  for (const redirect_uri of [undefined, ""]) {
    const answer = await agent.follow(await agent.get(authPath(paramsOf(variant, { redirect_uri }))));
    assertPage(answer, 400, "Unregistered redirect_uri.");
  }
});
