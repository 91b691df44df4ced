/** `prompt=login` asks again although the person is signed in, and the login is a new one. OIDC Core §3.1.2.1. */
import assert from "node:assert/strict";
import { verify } from "../relying-party.ts";
import { everyPlan, idTokenFrom, signInByForm, startConformance, underPlans, withSessions } from "./conformance.ts";

const server = await startConformance({}, withSessions);

underPlans("oidcc-prompt-login", everyPlan, async (variant) => {
  const agent = server.newAgent();
  const first = await idTokenFrom(agent, await signInByForm(agent, variant), variant);
  await server.clock.advance(2_000);
  const second = await idTokenFrom(agent, await signInByForm(agent, variant, { prompt: "login" }), variant);
  const [before, after] = [await verify(first, server, agent), await verify(second, server, agent)];
  assert.equal(after.claims.sub, before.claims.sub);
  assert.ok(Number(after.claims.auth_time) > Number(before.claims.auth_time));
});
