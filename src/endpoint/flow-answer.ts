import { clientAnswer } from "../flow/client-answer.ts";
import { type CarriedState, ClientRefusal, type FlowOutcome } from "../flow/contract.ts";
import { redirect } from "../http/answers.ts";
import type { HttpAnswer, HttpRequest } from "../http/contract.ts";
import { outOfBandUri } from "../oauth/redirect-uri.ts";
import { oobPage } from "../page/oob-page.ts";
import { carryState } from "./carried-state.ts";
import { postForm } from "./post-form.ts";
import type { Provider } from "./provider.ts";
import { showPage } from "./show-page.ts";
import { withCookie } from "./with-cookie.ts";

/** Runs a step of the flow and words what it led to; a refusal that is the client's goes to the client. RFC 6749 §4.1.2.1. */
export async function answerFlow(
  request: HttpRequest,
  provider: Provider,
  step: () => Promise<FlowOutcome | HttpAnswer>,
): Promise<HttpAnswer> {
  try {
    const outcome = await step();
    return "go" in outcome ? wordOutcome(outcome, request, provider) : outcome;
  } catch (error) {
    if (!(error instanceof ClientRefusal)) throw error;
    return refuseToClient(error, request, provider);
  }
}

function wordOutcome(outcome: FlowOutcome, request: HttpRequest, provider: Provider): HttpAnswer {
  switch (outcome.go) {
    case "redirect":
      return carrying(outcome.carry, redirect(outcome.status, outcome.to), request, provider);
    case "post":
      return carrying(outcome.carry, postForm(outcome, request, provider), request, provider);
    case "show_code":
      return showPage(200, oobPage(provider.page(request), { code: outcome.code }));
    default:
      return outcome satisfies never;
  }
}

function carrying(
  carry: CarriedState | undefined,
  answer: HttpAnswer,
  request: HttpRequest,
  { flow }: Provider,
): HttpAnswer {
  if (carry === undefined) return answer;
  return withCookie(answer, carryState(carry, request, flow.policy, flow.policy.requestLifetime / 1000));
}

function refuseToClient(refusal: ClientRefusal, request: HttpRequest, provider: Provider): HttpAnswer {
  const { error, target } = refusal;
  request.logger.info("authorization refused", {
    error: error.code,
    description: error.description,
    detail: error.detail,
  });
  // There is no client to hear it: the person is asked to copy a code that does not exist.
  if (target.redirectUri === outOfBandUri) throw error;
  const answer = clientAnswer(target, {
    error: error.code,
    error_description: error.description === "" ? undefined : error.description,
    iss: provider.flow.policy.issuer,
  });
  return wordOutcome(answer, request, provider);
}
