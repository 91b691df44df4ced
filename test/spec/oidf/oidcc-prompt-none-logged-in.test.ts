/** Signed in, a request may be answered without a page: the same person, the same moment. OIDC Core §3.1.2.1. */
import assert from "node:assert/strict";
import { verify } from "../relying-party.ts";
import {
  ask,
  everyPlan,
  idTokenFrom,
  signInByForm,
  startConformance,
  underPlans,
  withSessions,
} from "./conformance.ts";

const server = await startConformance({}, withSessions);

underPlans("oidcc-prompt-none-logged-in", everyPlan, async (variant) => {
  const agent = server.newAgent();
  const first = await idTokenFrom(agent, await signInByForm(agent, variant), variant);
  await server.clock.advance(2_000);
  const silent = await ask(agent, variant, { connector_id: "pw", prompt: "none", nonce: "another" });
  const second = await idTokenFrom(agent, silent, variant);
  const [before, after] = [await verify(first, server, agent), await verify(second, server, agent)];
  assert.deepEqual([after.claims.sub, after.claims.auth_time], [before.claims.sub, before.claims.auth_time]);
  assert.equal(after.claims.nonce, "another");
});
