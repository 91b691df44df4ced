/** An answer is about the hinted person, or there is none; an old hint is as good as a new one. OIDC Core §3.1.2.1, §3.1.2.2. */
import assert from "node:assert/strict";
import { verify } from "../relying-party.ts";
import {
  ask,
  complete,
  everyPlan,
  idTokenFrom,
  plans,
  refusalOf,
  signInByForm,
  startConformance,
  underPlans,
  withSessions,
} from "./conformance.ts";

const server = await startConformance({}, withSessions);
const plain = await startConformance({ expiry: { idTokens: "1m" } });

underPlans("oidcc-id-token-hint", everyPlan, async (variant) => {
  const agent = server.newAgent();
  const hint = await idTokenFrom(agent, await signInByForm(agent, variant), variant);
  const request = { connector_id: "pw", prompt: "none", id_token_hint: hint, state: "s" };
  const silent = await idTokenFrom(agent, await ask(agent, variant, request), variant);
  assert.equal((await verify(silent, server, agent)).claims.sub, (await verify(hint, server, agent)).claims.sub);
});

underPlans("oidcc-id-token-hint, of somebody else", everyPlan, async (variant) => {
  const agent = server.newAgent();
  const [code] = plans.basic;
  assert.ok(code !== undefined);
  // The same name at another connector is another subject.
  const { idToken: another } = await complete(server.newAgent(), code, { connector_id: "mock" });
  await signInByForm(agent, variant);
  const request = { connector_id: "pw", id_token_hint: another, state: "s" };
  const refused = { error: "login_required", state: "s" };
  assert.deepEqual(refusalOf(await ask(agent, variant, { ...request, prompt: "none" }), variant), refused);
  // Asked anew, the person is still not the one that is hinted at.
  assert.deepEqual(refusalOf(await signInByForm(agent, variant, request), variant), refused);
  const { claims } = await verify(another, server, agent);
  const bySubject = JSON.stringify({ id_token: { sub: { value: claims.sub } } });
  const asClaim = { connector_id: "pw", claims: bySubject, state: "s" };
  assert.deepEqual(refusalOf(await ask(agent, variant, { ...asClaim, prompt: "none" }), variant), refused);
  assert.deepEqual(refusalOf(await signInByForm(agent, variant, asClaim), variant), refused);
});

underPlans("oidcc-id-token-hint, without sessions", everyPlan, async (variant) => {
  const agent = plain.newAgent();
  const { idToken: hint } = await complete(agent, variant);
  await complete(agent, variant, { id_token_hint: hint });
  await plain.clock.advance(120_000);
  await complete(agent, variant, { id_token_hint: hint });
  const wrong = await ask(agent, variant, { id_token_hint: `${hint.slice(0, -8)}AAAAAAAA`, state: "s" });
  assert.deepEqual(refusalOf(wrong, variant), { error: "invalid_request", state: "s" });
  const { idToken: other } = await complete(agent, variant, { connector_id: "mock" });
  const { claims } = await verify(other, plain, agent);
  const contradiction = JSON.stringify({ id_token: { sub: { value: `${claims.sub}x` } } });
  const both = await ask(agent, variant, { id_token_hint: hint, claims: contradiction, state: "s" });
  assert.deepEqual(refusalOf(both, variant), { error: "invalid_request", state: "s" });
});
