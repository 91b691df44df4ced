/** The plain flow, every answer looked at closely. OIDC Core §2, §3.1, §3.2, §3.3. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { app, userinfo, verify } from "../relying-party.ts";
import { complete, everyPlan, hasAccessToken, hasCode, startConformance, underPlans } from "./conformance.ts";

const server = await startConformance();
const halfHash = (text: string): string =>
  createHash("sha256").update(text).digest().subarray(0, 16).toString("base64url");

underPlans("oidcc-server", everyPlan, async (variant) => {
  const agent = server.newAgent();
  const { answer, idToken, accessToken } = await complete(agent, variant, { state: "af0ifjsldkj" });
  assert.equal(answer.state, "af0ifjsldkj");
  assert.equal(answer.code !== undefined, hasCode(variant));
  const { claims, header } = await verify(idToken, server, agent);
  assert.deepEqual(Object.keys(header).sort(), ["alg", "kid"]);
  assert.equal(header.alg, "RS256");
  assert.equal(claims.aud, app.id);
  assert.equal(claims.nonce, "n-0S6_WzA2Mj");
  const now = Math.floor(server.clock.now() / 1000);
  assert.ok(claims.iat !== undefined && Math.abs(claims.iat - now) <= 1 && (claims.exp ?? 0) > now);
  assert.ok(typeof claims.auth_time === "number" && claims.auth_time <= now);
  assert.ok(/^[\x21-\x7e]{1,255}$/.test(claims.sub ?? ""));
  if (answer.id_token !== undefined) {
    assert.equal(claims.c_hash, answer.code === undefined ? undefined : halfHash(answer.code));
    assert.equal(claims.at_hash, answer.access_token === undefined ? undefined : halfHash(answer.access_token));
  }
  assert.equal(accessToken !== undefined, hasAccessToken(variant));
  if (answer.access_token !== undefined) {
    assert.equal(answer.token_type?.toLowerCase(), "bearer");
    assert.ok(Number(answer.expires_in) > 0);
  }
  if (accessToken === undefined) return;
  const info = JSON.parse((await userinfo(agent, accessToken)).body);
  assert.equal(info.sub, claims.sub);
});
