/** A claim by name comes where it was asked for, and nowhere else, without its scope. OIDC Core §5.5. */
import assert from "node:assert/strict";
import { redeem, refresh, tokensOf, userinfo, verify } from "../relying-party.ts";
import { ask, complete, everyPlan, hasCode, refusalOf, startConformance, told, underPlans } from "./conformance.ts";

const server = await startConformance();

underPlans("oidcc-claims-essential", everyPlan, async (variant) => {
  const agent = server.newAgent();
  const claims = { userinfo: { name: { essential: true } }, id_token: { email: null, birthdate: { essential: true } } };
  const { idToken, accessToken } = await complete(agent, variant, { claims: JSON.stringify(claims) });
  const { claims: inToken } = await verify(idToken, server, agent);
  assert.deepEqual(
    [inToken.name, inToken.email, inToken.email_verified],
    [undefined, "kilgore@kilgore.trout", undefined],
  );
  if (accessToken === undefined) return;
  const info = JSON.parse((await userinfo(agent, accessToken)).body);
  assert.deepEqual([info.name, info.email, info.birthdate], ["Kilgore Trout", undefined, undefined]);
});

underPlans(
  "oidcc-claims-essential, for as long as the login lives",
  everyPlan,
  async (variant) => {
    const agent = server.newAgent();
    const claims = JSON.stringify({ userinfo: { groups: null }, id_token: { name: null, acr: null } });
    const { code = "" } = told(await ask(agent, variant, { claims, scope: "openid offline_access" }), variant);
    let tokens = tokensOf(await redeem(agent, code));
    for (let use = 0; use < 2; use++) {
      const { claims: inToken } = await verify(tokens.id_token, server, agent);
      assert.deepEqual([inToken.name, inToken.groups, inToken.acr], ["Kilgore Trout", undefined, "1"]);
      const info = JSON.parse((await userinfo(agent, tokens.access_token)).body);
      assert.deepEqual([info.name, info.groups], [undefined, ["authors"]]);
      tokens = tokensOf(await refresh(agent, tokens.refresh_token ?? ""));
    }
  },
  hasCode,
);

underPlans("oidcc-claims-essential, malformed", everyPlan, async (variant) => {
  for (const claims of ["{", "[]", '{"userinfo":{"name":"x"}}']) {
    const answer = await ask(server.newAgent(), variant, { claims, state: "s" });
    assert.deepEqual(refusalOf(answer, variant), { error: "invalid_request", state: "s" });
  }
});
