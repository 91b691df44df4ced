/** `display=page` is listed, shows the form that fits, and changes nothing else. OIDC Core §3.1.2.1. */
import assert from "node:assert/strict";
import { authPath } from "../relying-party.ts";
import { complete, everyPlan, paramsOf, startConformance, underPlans } from "./conformance.ts";

const server = await startConformance();

underPlans("oidcc-display-page", everyPlan, async (variant) => {
  const agent = server.newAgent();
  const document = JSON.parse((await agent.get("/.well-known/openid-configuration")).body);
  assert.ok(document.display_values_supported.includes("page"));
  const form = await agent.follow(
    await agent.get(authPath(paramsOf(variant, { display: "page", connector_id: "pw" }))),
  );
  assert.equal(form.status, 200);
  assert.match(form.body, /<meta name="viewport" content="width=device-width, initial-scale=1">/);
  await complete(agent, variant, { display: "page" });
});
