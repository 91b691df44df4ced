/** Metadata that a client can rely on, and keys that it can verify with. OIDC Discovery §3, §4, RFC 7517 §4. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { z } from "zod";
import { issuer } from "../server-under-test.ts";
import { startConformance } from "./conformance.ts";

const server = await startConformance();
const agent = server.newAgent();
const texts = z.array(z.string()).min(1);
const metadata = z.looseObject({
  issuer: z.literal(issuer),
  authorization_endpoint: z.url(),
  token_endpoint: z.url(),
  userinfo_endpoint: z.url(),
  jwks_uri: z.url(),
  scopes_supported: texts,
  response_types_supported: texts,
  response_modes_supported: texts,
  grant_types_supported: texts,
  subject_types_supported: texts,
  id_token_signing_alg_values_supported: texts,
  claims_supported: texts,
  request_uri_parameter_supported: z.literal(false),
});

const read = async () => metadata.parse(JSON.parse((await agent.get("/.well-known/openid-configuration")).body));

describe("oidcc-discovery-endpoint-verification", () => {
  it("has every member that OIDC Discovery §3 demands, and the issuer letter by letter", async () => {
    const document = await read();
    assert.ok(document.scopes_supported.includes("openid"));
    assert.ok(document.id_token_signing_alg_values_supported.includes("RS256"));
    assert.deepEqual(document.subject_types_supported, ["public"]);
    assert.ok(document.grant_types_supported.includes("authorization_code"));
    assert.ok(document.grant_types_supported.includes("implicit"));
  });

  it("lists no empty member and no null: such have no meaning", async () => {
    for (const [name, value] of Object.entries(await read())) {
      assert.ok(value !== null && value !== "" && !(Array.isArray(value) && value.length === 0), name);
    }
  });

  it("lists the response types of every plan", async () => {
    const { response_types_supported: types } = await read();
    const asked = ["code", "id_token", "id_token token", "code id_token", "code token", "code id_token token"];
    assert.deepEqual([...types].sort(), [...asked].sort());
  });

  it("publishes public keys alone, each with its own kid, for what discovery lists", async () => {
    const { jwks_uri: uri, id_token_signing_alg_values_supported: algorithms } = await read();
    const key = z.looseObject({ kty: z.string(), kid: z.string().min(1), use: z.literal("sig"), alg: z.string() });
    const { keys } = z.object({ keys: z.array(key).min(1) }).parse(JSON.parse((await agent.get(uri)).body));
    assert.equal(new Set(keys.map(({ kid }) => kid)).size, keys.length);
    for (const found of keys) {
      assert.ok(algorithms.includes(found.alg));
      for (const secret of ["d", "p", "q", "dp", "dq", "qi", "k"]) assert.ok(!Object.hasOwn(found, secret), secret);
    }
  });
});
