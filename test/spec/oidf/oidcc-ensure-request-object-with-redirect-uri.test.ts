/** A redirect URI inside a request object is never used, whatever stands beside it. OIDC Core §6.1. */
import assert from "node:assert/strict";
import { assertPage, authPath } from "../relying-party.ts";
import { ask, everyPlan, paramsOf, refusalOf, startConformance, underPlans } from "./conformance.ts";

const server = await startConformance();
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const requestFor = (redirect_uri: string): string =>
  `${part({ alg: "none" })}.${part({ client_id: "app", redirect_uri })}.`;

underPlans("oidcc-ensure-request-object-with-redirect-uri", everyPlan, async (variant) => {
  const agent = server.newAgent();
  const evil = await ask(agent, variant, { request: requestFor("https://evil.example/"), state: "s" });
  assert.deepEqual(refusalOf(evil, variant), { error: "request_not_supported", state: "s" });
  const inside = paramsOf(variant, {
    request: requestFor("https://app.example/callback"),
    redirect_uri: "https://x.example/",
  });
  assertPage(await agent.follow(await agent.get(authPath(inside))), 400, "Unregistered redirect_uri.");
});
