import { localConnectorId } from "../account/account.ts";
import { noticeDevice } from "../account/new-device.ts";
import type { OpenConnector, PasswordConnector } from "../connector/contract.ts";
import { loginOf } from "../flow/begin-login.ts";
import type { FlowContext, FlowRequest } from "../flow/contract.ts";
import { finishLogin } from "../flow/finish-login.ts";
import { openPending } from "../flow/sealed-request.ts";
import { toFlowRequest } from "../flow/stored-request.ts";
import { type HttpAnswer, type HttpRequest, PageError } from "../http/contract.ts";
import { isId } from "../kernel/ids.ts";
import { Secret } from "../kernel/secret.ts";
import { inSpan } from "../kernel/span.ts";
import { passwordPage } from "../page/password-page.ts";
import { askerOf, withBack } from "./account-request.ts";
import { safeBackLink } from "./back-link.ts";
import { readBrowserSecrets } from "./browser-secret.ts";
import { deniedMembership } from "./denied-membership.ts";
import { answerFlow } from "./flow-answer.ts";
import { knownDeviceCookie, originOf } from "./known-device.ts";
import { negotiateLogin } from "./negotiate-login.ts";
import { flowContext, type Provider } from "./provider.ts";
import { showPage } from "./show-page.ts";
import { withCookie } from "./with-cookie.ts";

/** `/auth/{connector}/login`: the form, and what it sends. */
export async function passwordLoginEndpoint(request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  const isSecure = provider.flow.policy.issuer.startsWith("https:");
  const context = flowContext(request, readBrowserSecrets(request, isSecure), provider);
  const login = await openLogin(request, context, provider);
  if (request.method === "POST") return submit(request, login, context, provider);
  if (request.method !== "GET" && request.method !== "HEAD") throw new PageError(400, "refusal.method");
  const showForm = () => form(request, login, provider, { status: 200, username: login.flowRequest.loginHint ?? "" });
  return request.method === "GET" ? negotiateLogin(request, login, context, provider, showForm) : showForm();
}

interface OpenLogin {
  readonly flowRequest: FlowRequest;
  readonly open: OpenConnector;
  readonly connector: PasswordConnector;
}

async function openLogin(request: HttpRequest, context: FlowContext, provider: Provider): Promise<OpenLogin> {
  const state = request.query().get("state") ?? "";
  if (state === "") throw new PageError(400, "refusal.session");
  const { flowRequest, connectorId } = isId(state)
    ? await openDexRequest(state, provider)
    : openSealed(state, context, provider);
  request.uiLocales = flowRequest.uiLocales;
  if (connectorId !== request.route.connector) throw new PageError(400, "refusal.missing");
  const open = await provider.flow.connectors.open(connectorId);
  if (open === undefined) throw new PageError(500, "refusal.connectorClosed");
  if (open.connector.kind !== "password") throw new PageError(500, "refusal.missing");
  return { flowRequest, open, connector: open.connector };
}

interface OpenedRequest {
  readonly flowRequest: FlowRequest;
  readonly connectorId: string;
}

function openSealed(state: string, context: FlowContext, provider: Provider): OpenedRequest {
  const opened = openPending(state, "login", context.browsers, provider.flow);
  if (opened.ok) return { flowRequest: opened.pending.request, connectorId: opened.pending.connectorId };
  context.trail.note({ check: "flow.browser_bound", outcome: "fail", because: opened.reason, spec: "RFC 9700 §4.7" });
  throw new PageError(400, opened.reason === "expired" ? "refusal.expired" : "refusal.session");
}

/** compat(dex): a form that Dex served before we took over names a stored request. */
async function openDexRequest(id: string, provider: Provider): Promise<OpenedRequest> {
  const record = await provider.storage.authRequests.get(id);
  if (record === undefined || record.extra?.flowId !== undefined) throw new PageError(400, "refusal.missing");
  if (provider.clock.now() > record.expiry) throw new PageError(400, "refusal.expired");
  return { flowRequest: toFlowRequest(record), connectorId: record.connectorId };
}

async function submit(
  request: HttpRequest,
  login: OpenLogin,
  context: FlowContext,
  provider: Provider,
): Promise<HttpAnswer> {
  const fields = request.form();
  const username = fields.get("login") ?? "";
  const password = new Secret(fields.get("password") ?? "");
  const target = { kind: "password", connectorId: login.open.info.id, username } as const;
  const attempt = await provider.attempts.begin(target, originOf(request, target, provider), context);
  const result = await login.connector
    .login(username, password, loginOf(login.flowRequest, context))
    .catch(async (error: unknown) => {
      await attempt.unmade();
      throw error;
    });
  if (result.ok) {
    await attempt.right();
    const { userId, email = "" } = result.identity;
    const { account } = provider;
    if (isLocal(login) && account !== undefined) noticeDevice({ userId, email }, askerOf(request, provider), account);
    const answer = await answerFlow(request, provider, () =>
      inSpan("flow.finish_login", () =>
        finishLogin(login.flowRequest, login.open, result.identity, context, provider.flow, isTicked(request)),
      ),
    );
    return withCookie(answer, knownDeviceCookie(target, provider));
  }
  attempt.wrong();
  request.logger.info("login failed", { connector_id: login.open.info.id, user: username, reason: result.reason });
  context.trail.note({
    check: "connector.login",
    outcome: "fail",
    because: result.reason,
    about: { connector_id: login.open.info.id, client_id: login.flowRequest.clientId, user: username },
  });
  // The password was right: asking for it again would lead nowhere.
  if (result.reason === "not_in_required_groups") throw deniedMembership();
  const isExpired = result.reason === "password_expired";
  return form(request, login, provider, { status: 401, username, isExpired });
}

const isLocal = ({ open }: OpenLogin): boolean => open.info.id === localConnectorId && open.info.type === "local";

/** Where people of our own database go who have no account, or no password any more; then they come back here. */
function ways(request: HttpRequest, login: OpenLogin, provider: Provider): { signupUrl?: string; forgotUrl?: string } {
  const { account } = provider;
  if (!isLocal(login) || account === undefined) return {};
  const here = `${request.path}?${request.rawQuery}`;
  return {
    ...(account.isSignupOpen ? { signupUrl: withBack("/signup", here, provider, request.uiLocales) } : {}),
    ...(account.mailer === undefined
      ? {}
      : { forgotUrl: withBack("/password/forgot", here, provider, request.uiLocales) }),
  };
}

interface FormState {
  readonly status: 200 | 401;
  readonly username: string;
  readonly isExpired?: boolean;
}

const isTicked = (request: HttpRequest): boolean => request.form().get("remember_me") === "on";

function form(
  request: HttpRequest,
  login: OpenLogin,
  provider: Provider,
  { status, username, isExpired = false }: FormState,
): HttpAnswer {
  const { connector, open } = login;
  const query = request.rawQuery === "" ? "" : `?${request.rawQuery}`;
  return showPage(
    status,
    passwordPage(provider.page(request), {
      postUrl: `${request.path}${query}`,
      backLink: safeBackLink(request.query().get("back") ?? ""),
      username,
      usernamePrompt: connector.prompt,
      invalid: status === 401,
      expired: isExpired,
      showRememberMe: provider.flow.sessions !== undefined,
      // What was ticked stays so after a refusal.
      rememberMeChecked: status === 401 ? isTicked(request) : provider.flow.sessions?.rememberMeByDefault === true,
      connectorName: open.info.name,
      ...ways(request, login, provider),
    }),
  );
}
