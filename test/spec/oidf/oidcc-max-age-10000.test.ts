/** A login young enough stands, and `auth_time` stays. OIDC Core §3.1.2.1. */
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

underPlans("oidcc-max-age-10000", everyPlan, async (variant) => {
  const agent = server.newAgent();
  const first = await idTokenFrom(agent, await signInByForm(agent, variant, { max_age: "10000" }), variant);
  await server.clock.advance(2_000);
  const again = await ask(agent, variant, { connector_id: "pw", max_age: "10000" });
  const second = await idTokenFrom(agent, again, variant);
  const [before, after] = [await verify(first, server, agent), await verify(second, server, agent)];
  assert.deepEqual([after.claims.sub, after.claims.auth_time], [before.claims.sub, before.claims.auth_time]);
});
