/** An address that is not the client's gets nothing, not even an error. OIDC Core §3.1.2.1, RFC 9700 §4.1.3. */
import assert from "node:assert/strict";
import { app, assertPage, authPath } from "../relying-party.ts";
import { everyPlan, paramsOf, startConformance, underPlans } from "./conformance.ts";

const server = await startConformance();

underPlans("oidcc-ensure-registered-redirect-uri", everyPlan, async (variant) => {
  const agent = server.newAgent();
  for (const redirect_uri of [
    "https://evil.example/callback",
    `${app.redirectUri}/`,
    `${app.redirectUri}?dummy1=lorem`,
    app.redirectUri.toUpperCase(),
  ]) {
    const answer = await agent.follow(await agent.get(authPath(paramsOf(variant, { redirect_uri }))));
    assertPage(answer, 400, "Unregistered redirect_uri.");
    assert.ok(!answer.body.includes(redirect_uri));
  }
});
