import type { FlowContext } from "../flow/contract.ts";
import type { Factor } from "../flow/factor-contract.ts";
import { type FactorStep, leaveFactors, noteFactor, openFactorStep, ownerOf } from "../flow/factor-step.ts";
import { factorUrl } from "../flow/factor-url.ts";
import { codesLeft, proveRecovery } from "../flow/recovery-codes.ts";
import { type HttpAnswer, type HttpRequest, PageError } from "../http/contract.ts";
import { recoveryPage } from "../page/recovery-page.ts";
import { answerStep } from "./answer-step.ts";
import { factorAddress, ownAddress } from "./factor-address.ts";
import type { Provider } from "./provider.ts";
import { showPage } from "./show-page.ts";
import { tryFactor } from "./try-factor.ts";

/** `/mfa/recovery`: a recovery code in place of a factor that is out of reach. */
export async function recoveryEndpoint(request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  const { flow } = provider;
  if (!["GET", "HEAD", "POST"].includes(request.method)) throw new PageError(400, "refusal.method");
  return answerStep(request, provider, async (context) => {
    const address = factorAddress(request);
    const factor = flow.factors.authenticators.find(({ id }) => id === address.authenticator);
    const step = await openFactorStep(factor?.type ?? "TOTP", address, context, flow);
    if ("go" in step) return step;
    // Codes stand for what was lost; who has nothing yet sets it up.
    if (!step.isEnrolled || codesLeft(step.identity) === 0) {
      return { go: "redirect", to: factorUrl(step.record, step.factor, context, flow), status: 303 };
    }
    if (request.method !== "POST") return show(200, step, request, context, provider);
    const user = ownerOf(step.record);
    const code = request.form().get("recovery_code") ?? "";
    const tried = await tryFactor(request, user, provider, () => proveRecovery(step.factor, user, code, flow));
    if (tried === undefined) {
      context.trail.note({
        check: "factor.proved",
        outcome: "fail",
        because: "no unused recovery code of this person",
      });
      request.logger.info("recovery code refused", { user_id: user.userId, connector_id: user.connectorId });
      return show(401, step, request, context, provider);
    }
    request.logger.warn("recovery code used", {
      user_id: user.userId,
      connector_id: user.connectorId,
      left: codesLeft(step.identity) - 1,
    });
    return leaveFactors(await noteFactor(step.record, tried.proof, context, flow), context, flow);
  });
}

function show(
  status: 200 | 401,
  { record, factor }: FactorStep<Factor>,
  request: HttpRequest,
  context: FlowContext,
  provider: Provider,
): HttpAnswer {
  return showPage(
    status,
    recoveryPage(provider.page(request), {
      postUrl: ownAddress(request),
      backLink: factorUrl(record, factor, context, provider.flow),
      invalid: status === 401,
    }),
  );
}
