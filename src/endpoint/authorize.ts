import { localConnectorId } from "../account/account.ts";
import type { ConnectorInfo } from "../connector/contract.ts";
import { approve, openStoredLogin } from "../flow/approval.ts";
import { ClientRefusal, type FlowContext, type FlowRequest } from "../flow/contract.ts";
import { continueLogin } from "../flow/finish-login.ts";
import { grantOf } from "../flow/grant-of.ts";
import { openSession } from "../flow/keep-session.ts";
import { nextStep } from "../flow/next-step.ts";
import { toCompletedLogin, toFlowRequest } from "../flow/stored-request.ts";
import { redirect } from "../http/answers.ts";
import { type HttpAnswer, type HttpRequest, PageError } from "../http/contract.ts";
import { parseScope } from "../oauth/scope.ts";
import { loginPage } from "../page/login-page.ts";
import type { Client } from "../storage/records.ts";
import { withBack } from "./account-request.ts";
import { answerStep } from "./answer-step.ts";
import { authorizationParams, type MergedParams, queryWithout } from "./authorization-params.ts";
import { followAddress, traceParam, withTrace } from "./carried-trace.ts";
import { logInAt } from "./connector-login.ts";
import { answerFlow } from "./flow-answer.ts";
import { flowContext, type Provider } from "./provider.ts";
import { readFlowRequest } from "./read-flow-request.ts";
import { showPage } from "./show-page.ts";

/** Bytes. It goes on in an address, and is on the page once for each connector: no head has room for more. */
const longestRequest = 64 * 1024;

/**
 * `/auth`: chooses the connector. One is left: straight to it. Several: the page, once the whole request is
 * known to be good. RFC 6749 §4.1.1.
 */
export async function authorizeEndpoint(request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  if (request.rawQuery.length + request.body.byteLength > longestRequest)
    throw new PageError(413, "refusal.unreadable");
  const params = authorizationParams(request);
  followAddress(params);
  if ((params.get("req") ?? "") !== "") return continueStored(params, request, provider);
  const client = await provider.storage.clients.get(params.get("client_id") ?? "");
  if (client === undefined) throw new PageError(400, "refusal.clientUnknown");
  const connectors = selectableConnectors(await provider.flow.connectors.list(), client, params, provider);
  if (connectors.length === 0) throw new PageError(400, "refusal.noConnector");
  const wanted = params.get("connector_id") ?? "";
  const chosen = wanted === "" ? evident(connectors, params, provider) : connectors.find(({ id }) => id === wanted);
  // A parameter sent twice is refused here, where both can still be seen.
  if (chosen !== undefined && params.repeated.length === 0) return goTo(chosen, params, request, provider);
  if (wanted !== "" && chosen === undefined) throw new PageError(400, "refusal.connectorUnknown");
  return answerFlow(request, provider, async () => {
    const { flowRequest } = await readFlowRequest(params, request, provider, 400);
    const context = flowContext(request, [], provider);
    const known = await sessionConnector(flowRequest, connectors, context, provider);
    if (known !== undefined) return goTo(known, params, request, provider);
    const step = nextStep(flowRequest, { isLoggedIn: false, isApproved: false }, provider.flow.policy, context.trail);
    if (step.go === "refuse") throw new ClientRefusal(step.error, flowRequest);
    return showPage(
      200,
      loginPage(provider.page(request), {
        connectors: connectors.map((connector) => toChoice(connector, params, provider)),
        ...signupWay(connectors, params, request, provider),
      }),
    );
  });
}

/** To the address of `connector`; a browser that shows a session is answered at once, which spares it a round trip. */
async function goTo(
  connector: ConnectorInfo,
  params: MergedParams,
  request: HttpRequest,
  provider: Provider,
): Promise<HttpAnswer> {
  const showsSession = provider.sessionCookies.holderOf(request).presented !== undefined;
  return showsSession && request.method === "GET"
    ? logInAt(connector.id, params, request, provider)
    : redirect(302, connectorUrl(connector, params, provider));
}

/** The only one there is, or the one for the domain of `login_hint`, where nobody wants the choice itself. */
function evident(
  connectors: readonly ConnectorInfo[],
  params: MergedParams,
  { flow }: Provider,
): ConnectorInfo | undefined {
  if (flow.policy.alwaysShowLoginScreen) return undefined;
  if (connectors.length === 1) return connectors[0];
  const domain = /@([^@]+)$/.exec(params.get("login_hint") ?? "")?.[1]?.toLowerCase() ?? "";
  const hinted = flow.policy.loginHintDomains.get(domain);
  const isAsked = parseScope(params.get("prompt") ?? "").includes("select_account");
  // Who sees the choice can take another way when this one is away.
  return isAsked ? undefined : connectors.find(({ id, unavailable }) => id === hinted && unavailable === undefined);
}

/** The connector of this browser's session: who has chosen once is not asked again, unless the client or the operator wants it. */
async function sessionConnector(
  { prompt }: FlowRequest,
  connectors: readonly ConnectorInfo[],
  context: FlowContext,
  { flow }: Provider,
): Promise<ConnectorInfo | undefined> {
  const isAsked = prompt.includes("select_account") || (flow.policy.alwaysShowLoginScreen && !prompt.includes("none"));
  const session = isAsked ? undefined : await openSession(context, flow);
  return session && connectors.find(({ id }) => id === session.connectorId);
}

/** Those that may serve this request, by name. compat(dex): sorted without regard to case. */
function selectableConnectors(
  all: readonly ConnectorInfo[],
  client: Client,
  params: MergedParams,
  provider: Provider,
): readonly ConnectorInfo[] {
  const asked = {
    redirectUri: params.get("redirect_uri") ?? "",
    responseTypes: parseScope(params.get("response_type") ?? ""),
  };
  const grant = grantOf(asked, provider.flow.policy);
  return all
    .filter(({ grantTypes: allowed }) => allowed.length === 0 || allowed.includes(grant))
    .filter(({ id }) => client.allowedConnectors.length === 0 || client.allowedConnectors.includes(id))
    .toSorted((a, b) =>
      a.name.toLowerCase() < b.name.toLowerCase() ? -1 : a.name.toLowerCase() > b.name.toLowerCase() ? 1 : 0,
    );
}

function connectorUrl(connector: ConnectorInfo, params: MergedParams, provider: Provider): string {
  const path = `${provider.flow.policy.issuerPath}/auth/${encodeURIComponent(connector.id)}`;
  return `${path}?${withTrace(queryWithout(params, ["connector_id", traceParam]))}`;
}

/** To an account of our own database, and back to its login. */
function signupWay(
  connectors: readonly ConnectorInfo[],
  params: MergedParams,
  { uiLocales }: HttpRequest,
  provider: Provider,
): { readonly signupUrl?: string } {
  const local = connectors.find(({ id, type }) => id === localConnectorId && type === "local");
  if (local === undefined || provider.account?.isSignupOpen !== true) return {};
  return { signupUrl: withBack("/signup", connectorUrl(local, params, provider), provider, uiLocales) };
}

const toChoice = (connector: ConnectorInfo, params: MergedParams, provider: Provider) => ({
  id: connector.id,
  name: connector.name,
  type: connector.type,
  url: connectorUrl(connector, params, provider),
  isUnavailable: connector.unavailable !== undefined,
});

/** compat(dex): Dex sends the browser through `/auth?req=…&hmac=…` between steps; logins that it left there go on here. */
async function continueStored(params: MergedParams, request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  const { flow } = provider;
  return answerStep(request, provider, async (context) => {
    const { record, step } = await openStoredLogin(
      params.get("req") ?? "",
      params.get("hmac") ?? "",
      ["step:approved", "step:continue"],
      context,
      flow,
    );
    if (step === "step:approved") return approve(record, context, flow);
    await flow.storage.authRequests.delete(record.id);
    return continueLogin(toFlowRequest(record), toCompletedLogin(record), false, context, flow);
  });
}
