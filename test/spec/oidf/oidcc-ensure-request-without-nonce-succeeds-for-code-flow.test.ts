/** A code needs no nonce, and no token invents one. OIDC Core §3.1.2.1. */
import assert from "node:assert/strict";
import { verify } from "../relying-party.ts";
import { complete, startConformance, underPlans } from "./conformance.ts";

const server = await startConformance();

underPlans("oidcc-ensure-request-without-nonce-succeeds-for-code-flow", ["basic", "formPostBasic"], async (variant) => {
  const agent = server.newAgent();
  const { idToken } = await complete(agent, variant, { nonce: undefined });
  assert.ok(!Object.hasOwn((await verify(idToken, server, agent)).claims, "nonce"));
});
