import { openStoredLogin } from "../flow/approval.ts";
import { leaveFactors } from "../flow/factor-step.ts";
import type { HttpAnswer, HttpRequest } from "../http/contract.ts";
import { answerStep } from "./answer-step.ts";
import { factorAddress } from "./factor-address.ts";
import type { Provider } from "./provider.ts";

/** `/mfa`: goes on with a login between its factors. compat(dex): logins that it left here go on, too. */
export async function mfaEndpoint(request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  const { flow } = provider;
  const { id, mac } = factorAddress(request);
  return answerStep(request, provider, async (context) => {
    const { record } = await openStoredLogin(id, mac, ["step:mfa"], context, flow);
    return leaveFactors(record, context, flow);
  });
}
