import { beginLogin } from "../flow/begin-login.ts";
import { beginRequest } from "../flow/begin-request.ts";
import { grantOf } from "../flow/grant-of.ts";
import { type HttpAnswer, type HttpRequest, PageError } from "../http/contract.ts";
import { UnavailableError } from "../kernel/errors.ts";
import { inSpan } from "../kernel/span.ts";
import { authorizationParams, type MergedParams, queryWithout } from "./authorization-params.ts";
import { ensureBrowserSecret } from "./browser-secret.ts";
import { followAddress } from "./carried-trace.ts";
import { answerFlow } from "./flow-answer.ts";
import { flowContext, type Provider } from "./provider.ts";
import { readFlowRequest } from "./read-flow-request.ts";
import { withCookie } from "./with-cookie.ts";

/** `/auth/{connector}`: a login at one connector. RFC 6749 §4.1.1. */
export async function connectorLoginEndpoint(request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  const params = authorizationParams(request);
  followAddress(params);
  return logInAt(request.route.connector ?? "", params, request, provider);
}

/** Validates the request and begins a login at the connector `id`, unless a session answers. Nothing is stored. */
export async function logInAt(
  id: string,
  params: MergedParams,
  request: HttpRequest,
  provider: Provider,
): Promise<HttpAnswer> {
  const { flow } = provider;
  const browser = ensureBrowserSecret(request, flow.policy.issuer.startsWith("https:"), provider.random);
  const context = flowContext(request, browser.values, provider);
  const answer = await answerFlow(request, provider, async () => {
    const { flowRequest, client } = await readFlowRequest(params, request, provider, 404);
    if (client.allowedConnectors.length > 0 && !client.allowedConnectors.includes(id)) {
      throw new PageError(403, "refusal.connectorNotAllowed");
    }
    const open = await flow.connectors.open(id);
    if (open === undefined) throw new PageError(400, "refusal.connectorClosed");
    const { grantTypes } = open.info;
    if (grantTypes.length > 0 && !grantTypes.includes(grantOf(flowRequest, flow.policy))) {
      throw new PageError(400, "refusal.grantNotServed");
    }
    const named = params.get("connector_id") ?? "";
    if (named !== "" && named !== id) throw new PageError(400, "refusal.connectorMismatch");
    if (request.method !== "GET" && request.method !== "HEAD") throw new PageError(400, "refusal.method");
    const reused = await inSpan("flow.begin_request", () => beginRequest(flowRequest, id, context, flow));
    if (reused !== undefined) return reused;
    // The browser would be sent to where nobody answers it.
    if (open.info.unavailable !== undefined) throw new UnavailableError(`connector ${id}`, open.info.unavailable);
    // Only a form of ours has a place for it.
    const back = open.connector.kind === "password" ? await backLink(params, provider) : "";
    return inSpan("flow.begin_login", () => beginLogin(flowRequest, open, back, context, flow));
  });
  return withCookie(answer, browser.cookie);
}

/**
 * Back to the choice, where there is one. compat(dex): it depends on the server's connectors, not on the client's; and
 * a session must not decide it again.
 */
async function backLink(params: MergedParams, { flow }: Provider): Promise<string> {
  if ((await flow.connectors.list()).length < 2) return "";
  const query = queryWithout(params, ["connector_id", ...(flow.sessions === undefined ? [] : ["prompt"])]);
  return `${flow.policy.issuerPath}/auth?${query}${flow.sessions === undefined ? "" : "&prompt=select_account"}`;
}
