/** A code is redeemed once; again at once, it is invalid_grant. OIDC Core §3.1.3.2, RFC 6749 §4.1.2. */
import { assertRefused, redeem, tokensOf } from "../relying-party.ts";
import { ask, everyPlan, hasCode, startConformance, told, underPlans } from "./conformance.ts";

const server = await startConformance();

underPlans(
  "oidcc-codereuse",
  everyPlan,
  async (variant) => {
    const agent = server.newAgent();
    const { code = "" } = told(await ask(agent, variant), variant);
    tokensOf(await redeem(agent, code));
    assertRefused(await redeem(agent, code), "invalid_grant");
  },
  hasCode,
);
