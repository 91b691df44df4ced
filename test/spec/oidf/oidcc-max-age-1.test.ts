/** A login older than `max_age` is made anew, and `auth_time` tells so. OIDC Core §3.1.2.1, §2. */
import assert from "node:assert/strict";
import { verify } from "../relying-party.ts";
import { everyPlan, idTokenFrom, signInByForm, startConformance, underPlans, withSessions } from "./conformance.ts";

const server = await startConformance({}, withSessions);

underPlans("oidcc-max-age-1", everyPlan, async (variant) => {
  const agent = server.newAgent();
  const first = await idTokenFrom(agent, await signInByForm(agent, variant), variant);
  await server.clock.advance(2_000);
  const second = await idTokenFrom(agent, await signInByForm(agent, variant, { max_age: "1" }), variant);
  const [before, after] = [await verify(first, server, agent), await verify(second, server, agent)];
  assert.equal(after.claims.sub, before.claims.sub);
  assert.ok(Number(after.claims.auth_time) >= Number(before.claims.auth_time) + 2);
});
