import type { OpenConnector, RedirectConnector } from "../connector/contract.ts";
import { loginOf } from "../flow/begin-login.ts";
import { ClientRefusal, type FlowContext } from "../flow/contract.ts";
import { finishLogin } from "../flow/finish-login.ts";
import { openPending, type PendingLogin } from "../flow/sealed-request.ts";
import { type HttpAnswer, type HttpRequest, PageError } from "../http/contract.ts";
import { UnavailableError } from "../kernel/errors.ts";
import { Secret } from "../kernel/secret.ts";
import { inSpan } from "../kernel/span.ts";
import { OAuthError } from "../oauth/error.ts";
import { readBrowserSecrets } from "./browser-secret.ts";
import { dropState, wholeState } from "./carried-state.ts";
import { deniedMembership } from "./denied-membership.ts";
import { answerFlow } from "./flow-answer.ts";
import { bounce, isBounced } from "./post-form.ts";
import { flowContext, type Provider } from "./provider.ts";
import { withCookie } from "./with-cookie.ts";

/** `/callback` and `/callback/{connector}`: the person comes back from an upstream. RFC 6749 §4.1.2, RFC 9700 §4.7. */
export async function callbackEndpoint(request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  // Not HEAD either: it would spend the login on somebody who never sees the answer. RFC 9110 §9.2.1.
  if (request.method !== "GET" && request.method !== "POST") throw new PageError(400, "refusal.method");
  const isSecure = provider.flow.policy.issuer.startsWith("https:");
  const browsers = readBrowserSecrets(request, isSecure);
  const given = returnedState(request);
  if (given === "") throw new PageError(400, request.method === "POST" ? "refusal.request" : "refusal.session");
  const state = wholeState(given, request);
  if (request.method === "POST" && !isBounced(request) && (state === undefined || browsers.length === 0)) {
    return bounce(request, provider);
  }
  const context = flowContext(request, browsers, provider);
  const pending = openState(state ?? "", context, provider);
  request.uiLocales = pending.request.uiLocales;
  const named = request.route.connector;
  if (named !== undefined && named !== pending.connectorId) throw new PageError(400, "refusal.missing");
  const open = await provider.flow.connectors.open(pending.connectorId);
  if (open?.connector.kind !== "redirect") throw new PageError(500, "refusal.missing");
  const isPost = request.method === "POST";
  // compat(dex): where the upstream answers the other way, this is no answer of its.
  if (isPost !== (open.connector.returnsBy === "post")) throw new PageError(400, "refusal.request");
  const answer = await answerFlow(request, provider, async () => {
    const result = await askConnector(open, open.connector as RedirectConnector, pending, request, context, provider);
    if (result.ok) {
      const { identity } = result;
      return inSpan("flow.finish_login", () => finishLogin(pending.request, open, identity, context, provider.flow));
    }
    context.trail.note({
      check: "connector.login",
      outcome: "fail",
      because: result.reason,
      about: { connector_id: open.info.id, client_id: pending.request.clientId },
    });
    request.logger.info("login failed", { connector_id: open.info.id, reason: result.reason });
    if (result.reason === "not_in_required_groups") throw deniedMembership();
    // The client waits for an answer, and the person has given it. RFC 6749 §4.1.2.1.
    throw new ClientRefusal(
      new OAuthError("access_denied", refusals[result.reason] ?? "The sign-in was cancelled.", {
        detail: result.reason,
      }),
      pending.request,
    );
  });
  // Answered, and once only; after a fault the person may send the form again.
  return withCookie(answer, dropState(given, request, provider.flow.policy));
}

const refusals: Readonly<Record<string, string>> = { gone: "The account may not sign in any more." };

/** Where the upstream puts it: OAuth in `state`, SAML in `RelayState`. A form's own comes first. */
function returnedState(request: HttpRequest): string {
  const form = request.form();
  return (
    form.get("RelayState") ??
    form.get("state") ??
    request.query().get("state") ??
    request.query().get("RelayState") ??
    ""
  );
}

function openState(state: string, context: FlowContext, provider: Provider): PendingLogin {
  const opened = openPending(state, "callback", context.browsers, provider.flow);
  if (opened.ok) return opened.pending;
  context.trail.note({ check: "flow.browser_bound", outcome: "fail", because: opened.reason, spec: "RFC 9700 §4.7" });
  throw new PageError(400, opened.reason === "expired" ? "refusal.expired" : "refusal.session");
}

async function askConnector(
  { info }: OpenConnector,
  connector: RedirectConnector,
  pending: PendingLogin,
  request: HttpRequest,
  context: FlowContext,
  provider: Provider,
): ReturnType<RedirectConnector["finish"]> {
  const callback = {
    method: request.method,
    url: new URL(`${new URL(provider.flow.policy.issuer).origin}${request.path}?${request.rawQuery}`),
    headers: request.route.connector === undefined ? withoutRemoteUser(request.headers) : request.headers,
    repeatedHeaders: request.repeatedHeaders,
    form: new Map(request.form().names.map((name) => [name, request.form().get(name) ?? ""])),
    peer: request.peer,
  };
  const remember = pending.remember === undefined ? undefined : new Secret(pending.remember);
  try {
    return await connector.finish(callback, remember, loginOf(pending.request, context));
  } catch (error) {
    // Who went away is no fault of the upstream's.
    if (error instanceof UnavailableError || request.signal.aborted) throw error;
    request.logger.error("failed to authenticate", { connector_id: info.id }, error);
    throw new PageError(500, "refusal.authentication", {
      cause: error,
    });
  }
}

/** `X-Remote-*` counts only where a proxy guards the path. compat(dex): `/callback` never carries it. */
function withoutRemoteUser(headers: HttpRequest["headers"]): HttpRequest["headers"] {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith("x-remote-")));
}
