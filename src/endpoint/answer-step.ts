import type { FlowContext, FlowOutcome } from "../flow/contract.ts";
import type { HttpAnswer, HttpRequest } from "../http/contract.ts";
import { ensureBrowserSecret } from "./browser-secret.ts";
import { answerFlow } from "./flow-answer.ts";
import { flowContext, type Provider } from "./provider.ts";
import { withCookie } from "./with-cookie.ts";

/** A step of a stored login. A browser that comes from a page of Dex has no secret yet, and is given one to go on with. */
export async function answerStep(
  request: HttpRequest,
  provider: Provider,
  step: (context: FlowContext) => Promise<FlowOutcome | HttpAnswer>,
): Promise<HttpAnswer> {
  const browser = ensureBrowserSecret(request, provider.flow.policy.issuer.startsWith("https:"), provider.random);
  const context = flowContext(request, browser.values, provider);
  return withCookie(await answerFlow(request, provider, () => step(context)), browser.cookie);
}
