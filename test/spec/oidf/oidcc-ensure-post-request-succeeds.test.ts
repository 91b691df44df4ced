/** The request may be posted as a form. OIDC Core §3.1.2.1. */
import assert from "node:assert/strict";
import { authPath } from "../relying-party.ts";
import { ask, everyPlan, paramsOf, startConformance, told, underPlans } from "./conformance.ts";

const server = await startConformance();

underPlans("oidcc-ensure-post-request-succeeds", everyPlan, async (variant) => {
  const agent = server.newAgent();
  const form = Object.fromEntries(new URLSearchParams(authPath(paramsOf(variant)).split("?")[1]));
  const posted = told(await agent.follow(await agent.post("/auth", form)), variant);
  const asked = told(await ask(agent, variant), variant);
  assert.deepEqual(Object.keys(posted).sort(), Object.keys(asked).sort());
  const { connector_id: _, ...unchosen } = form;
  assert.match((await server.newAgent().post("/auth", unchosen)).body, /data-connector="mock"/);
});
