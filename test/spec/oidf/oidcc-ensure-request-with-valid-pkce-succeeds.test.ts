/** PKCE by S256 and plain, and the code is worth nothing without its verifier. RFC 7636 §4. */
import { createHash } from "node:crypto";
import { assertRefused, redeem, tokensOf } from "../relying-party.ts";
import { ask, everyPlan, hasCode, startConformance, told, underPlans } from "./conformance.ts";

const server = await startConformance();
const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const hashed = createHash("sha256").update(verifier).digest("base64url");

underPlans(
  "oidcc-ensure-request-with-valid-pkce-succeeds",
  everyPlan,
  async (variant) => {
    const agent = server.newAgent();
    for (const [code_challenge, code_challenge_method] of [
      [hashed, "S256"],
      [verifier, "plain"],
      [verifier, undefined],
    ] as const) {
      const { code = "" } = told(await ask(agent, variant, { code_challenge, code_challenge_method }), variant);
      assertRefused(await redeem(agent, code), "invalid_grant");
      assertRefused(await redeem(agent, code, { code_verifier: `${verifier}x` }), "invalid_grant");
      tokensOf(await redeem(agent, code, { code_verifier: verifier }));
    }
  },
  hasCode,
);
