import { noticeDevice } from "../account/new-device.ts";
import type { FlowContext } from "../flow/contract.ts";
import { finishLogin } from "../flow/finish-login.ts";
import { finishPasskey } from "../flow/passkey-login.ts";
import { redirect } from "../http/answers.ts";
import { type HttpAnswer, type HttpRequest, PageError } from "../http/contract.ts";
import { askerOf } from "./account-request.ts";
import { readBrowserSecrets } from "./browser-secret.ts";
import { answerFlow } from "./flow-answer.ts";
import { knownDeviceCookie } from "./known-device.ts";
import { isTicked, type OpenLogin, openLogin, ownUrl, passwordForm } from "./password-form.ts";
import { flowContext, type Provider } from "./provider.ts";
import { readJson } from "./read-json.ts";
import { withCookie } from "./with-cookie.ts";

/** `/auth/{connector}/passkey`: what a passkey said on the password page, in place of a password. */
export async function passkeyLoginEndpoint(request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  const isSecure = provider.flow.policy.issuer.startsWith("https:");
  const context = flowContext(request, readBrowserSecrets(request, isSecure), provider);
  const login = await openLogin(request, context, provider);
  if (request.method === "GET" || request.method === "HEAD") {
    return redirect(303, ownUrl("login", request, login, provider));
  }
  if (request.method !== "POST") throw new PageError(400, "refusal.method");
  const form = request.form();
  const said = { ceremony: form.get("ceremony") ?? "", answer: readJson(form.get("answer") ?? "") };
  const result = await finishPasskey(login.flowRequest, login.open, said, context, provider.flow);
  if (!result.ok) return refuse(result.reason, request, login, context, provider);
  const { userId, email = "" } = result.identity;
  if (provider.account !== undefined) {
    await noticeDevice({ userId, email }, askerOf(request, provider), provider.account);
  }
  const answer = await answerFlow(request, provider, () =>
    finishLogin(login.flowRequest, login.open, result.identity, context, provider.flow, {
      isRemembered: isTicked(request),
      passkey: result.proof,
    }),
  );
  const target = { kind: "password", connectorId: login.open.info.id, username: email } as const;
  return withCookie(answer, knownDeviceCookie(target, provider));
}

/** The form again. A signature cannot be guessed, so nothing is counted: a wrong one must lock nobody out. */
function refuse(
  reason: string,
  request: HttpRequest,
  login: OpenLogin,
  context: FlowContext,
  provider: Provider,
): HttpAnswer {
  const { id } = login.open.info;
  request.logger.info("login failed", { connector_id: id, method: "passkey", reason });
  context.trail.note({
    check: "connector.login",
    outcome: "fail",
    because: reason,
    spec: "WebAuthn §7.2",
    about: { connector_id: id, client_id: login.flowRequest.clientId },
  });
  return passwordForm(request, login, context, provider, { status: 401, username: "", isPasskeyRefused: true });
}
