import { noticeDevice } from "../account/new-device.ts";
import { loginOf } from "../flow/begin-login.ts";
import type { FlowContext } from "../flow/contract.ts";
import { finishLogin } from "../flow/finish-login.ts";
import { type HttpAnswer, type HttpRequest, PageError } from "../http/contract.ts";
import { Secret } from "../kernel/secret.ts";
import { inSpan } from "../kernel/span.ts";
import { askerOf } from "./account-request.ts";
import { readBrowserSecrets } from "./browser-secret.ts";
import { deniedMembership } from "./denied-membership.ts";
import { answerFlow } from "./flow-answer.ts";
import { knownDeviceCookie, originOf } from "./known-device.ts";
import { negotiateLogin } from "./negotiate-login.ts";
import { isLocal, isTicked, type OpenLogin, openLogin, passwordForm } from "./password-form.ts";
import { flowContext, type Provider } from "./provider.ts";
import { withCookie } from "./with-cookie.ts";

/** `/auth/{connector}/login`: the form, and what it sends. */
export async function passwordLoginEndpoint(request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  const isSecure = provider.flow.policy.issuer.startsWith("https:");
  const context = flowContext(request, readBrowserSecrets(request, isSecure), provider);
  const login = await openLogin(request, context, provider);
  if (request.method === "POST") return submit(request, login, context, provider);
  if (request.method !== "GET" && request.method !== "HEAD") throw new PageError(400, "refusal.method");
  const showForm = () =>
    passwordForm(request, login, context, provider, { status: 200, username: login.flowRequest.loginHint ?? "" });
  return request.method === "GET" ? negotiateLogin(request, login, context, provider, showForm) : showForm();
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
    if (isLocal(login) && account !== undefined) {
      await noticeDevice({ userId, email }, askerOf(request, provider), account);
    }
    const answer = await answerFlow(request, provider, () =>
      inSpan("flow.finish_login", () =>
        finishLogin(login.flowRequest, login.open, result.identity, context, provider.flow, {
          isRemembered: isTicked(request),
        }),
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
  return passwordForm(request, login, context, provider, { status: 401, username, isExpired });
}
