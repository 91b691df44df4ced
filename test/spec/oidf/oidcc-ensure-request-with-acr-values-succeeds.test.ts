/** `acr_values` are a wish: the ID token says what was met, whatever was wished for. OIDC Core §3.1.2.1, §15.1. */
import assert from "node:assert/strict";
import { verify } from "../relying-party.ts";
import { ask, complete, everyPlan, refusalOf, startConformance, underPlans } from "./conformance.ts";

const server = await startConformance();
const claimsFor = (acr: object): string => JSON.stringify({ id_token: { acr } });

underPlans("oidcc-ensure-request-with-acr-values-succeeds", everyPlan, async (variant) => {
  const agent = server.newAgent();
  const document = JSON.parse((await agent.get("/.well-known/openid-configuration")).body);
  const listed: readonly string[] = document.acr_values_supported;
  for (const more of [
    { acr_values: listed.join(" ") },
    { acr_values: "urn:nobody:knows" },
    { claims: claimsFor({ values: ["urn:nobody:knows"] }) },
    { claims: claimsFor({ essential: true, values: ["urn:nobody:knows", listed[0]] }) },
  ]) {
    const { idToken } = await complete(agent, variant, more);
    assert.ok(listed.includes(String((await verify(idToken, server, agent)).claims.acr)));
  }
  const plain = await complete(agent, variant);
  assert.equal((await verify(plain.idToken, server, agent)).claims.acr, undefined);
  const unmet = { claims: claimsFor({ essential: true, value: "urn:nobody:knows" }), state: "s" };
  assert.deepEqual(refusalOf(await ask(agent, variant, unmet), variant), {
    error: "unmet_authentication_requirements",
    state: "s",
  });
});
