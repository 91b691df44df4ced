/** The same flow otherwise spelt: another client, a redirect URI with a query, no state, the parameters in other orders. */
import assert from "node:assert/strict";
import { redeem, tokensOf, verify } from "../relying-party.ts";
import { ask, everyPlan, secondClient, startConformance, told, underPlans } from "./conformance.ts";

const server = await startConformance();

underPlans("oidcc-alternate-happy-flow", everyPlan, async (variant) => {
  const agent = server.newAgent();
  const response_type = variant.responseType.split(" ").reverse().join(" ");
  const more = { response_type, state: undefined, scope: "email openid" };
  const answer = told(await ask(agent, variant, more, secondClient), variant, secondClient);
  assert.equal(answer.state, undefined);
  const code = answer.code ?? "";
  const later = code === "" ? undefined : tokensOf(await redeem(agent, code, {}, secondClient));
  const { claims } = await verify(answer.id_token ?? later?.id_token, server, agent);
  assert.deepEqual([claims.aud, claims.email], [secondClient.id, "kilgore@kilgore.trout"]);
});
