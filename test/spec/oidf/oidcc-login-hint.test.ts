/** `login_hint` fills the form in, as text, and sends nobody anywhere. OIDC Core §3.1.2.1. */
import assert from "node:assert/strict";
import { authPath } from "../relying-party.ts";
import { complete, everyPlan, paramsOf, startConformance, underPlans } from "./conformance.ts";

const server = await startConformance();

underPlans("oidcc-login-hint", everyPlan, async (variant) => {
  const agent = server.newAgent();
  const login_hint = 'bob"><script>@example.com';
  const form = await agent.follow(await agent.get(authPath(paramsOf(variant, { login_hint, connector_id: "pw" }))));
  assert.ok(form.body.includes('value="bob&#34;&gt;&lt;script&gt;@example.com"'), form.body);
  await complete(agent, variant, { login_hint: "bob@example.com" });
});
