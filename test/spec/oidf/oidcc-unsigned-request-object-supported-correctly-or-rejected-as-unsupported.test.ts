/** Request objects are not supported, which is said in discovery and told to the client. OIDC Core §6.1, §3.1.2.6. */
import assert from "node:assert/strict";
import { ask, everyPlan, refusalOf, startConformance, underPlans } from "./conformance.ts";

const server = await startConformance();
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const unsigned = `${part({ alg: "none" })}.${part({ client_id: "app", state: "other", scope: "openid" })}.`;

underPlans(
  "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported",
  everyPlan,
  async (variant) => {
    const agent = server.newAgent();
    const document = JSON.parse((await agent.get("/.well-known/openid-configuration")).body);
    assert.deepEqual([document.request_parameter_supported, document.request_uri_parameter_supported], [false, false]);
    for (const [more, error] of [
      [{ request: unsigned }, "request_not_supported"],
      [{ request_uri: "https://app.example/request" }, "request_uri_not_supported"],
      [{ registration: "{}" }, "registration_not_supported"],
    ] as const) {
      assert.deepEqual(refusalOf(await ask(agent, variant, { ...more, state: "s" }), variant), { error, state: "s" });
    }
  },
);
