import { openStoredLogin } from "../flow/approval.ts";
import { enrolledFactors, hasProved, leaveFactors, ownerOf } from "../flow/factor-step.ts";
import { firstCodes, hasHadCodes } from "../flow/recovery-codes.ts";
import type { HttpAnswer, HttpRequest } from "../http/contract.ts";
import { answerStep } from "./answer-step.ts";
import { factorAddress } from "./factor-address.ts";
import { showCodes } from "./mfa-totp.ts";
import type { Provider } from "./provider.ts";

/** `/mfa`: goes on with a login between its factors. compat(dex): logins that it left here go on, too. */
export async function mfaEndpoint(request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  const { flow } = provider;
  const { id, mac } = factorAddress(request);
  return answerStep(request, provider, async (context) => {
    const { record } = await openStoredLogin(id, mac, ["step:mfa"], context, flow);
    const identity = await flow.storage.userIdentities.get(ownerOf(record));
    const isNew =
      identity !== undefined && (await enrolledFactors(identity, flow)).length > 0 && !hasHadCodes(identity);
    const codes = isNew && hasProved(record) ? await firstCodes(identity, flow) : undefined;
    return codes === undefined
      ? leaveFactors(record, context, flow)
      : showCodes(codes, record, request, context, provider);
  });
}
