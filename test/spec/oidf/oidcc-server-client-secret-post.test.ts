/** The secret in the form, and by the header as well. OIDC Core §9. */
import { app, askToken, tokensOf } from "../relying-party.ts";
import { ask, everyPlan, hasCode, startConformance, told, underPlans } from "./conformance.ts";

const server = await startConformance();
const basic = `Basic ${Buffer.from(`${app.id}:${app.secret}`).toString("base64")}`;

underPlans(
  "oidcc-server-client-secret-post",
  everyPlan,
  async (variant) => {
    const agent = server.newAgent();
    const grant = { grant_type: "authorization_code", redirect_uri: app.redirectUri };
    const first = told(await ask(agent, variant), variant);
    tokensOf(await askToken(agent, { ...grant, code: first.code }));
    const { code = "" } = told(await ask(agent, variant), variant);
    const headers = { authorization: basic };
    tokensOf(await agent.ask("/token", { method: "POST", headers, form: { ...grant, code } }));
  },
  hasCode,
);
