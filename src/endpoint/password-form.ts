/** What the password form and the passkey beside it share: the login that they are for, and the page. */
import { localConnectorId } from "../account/account.ts";
import type { OpenConnector, PasswordConnector } from "../connector/contract.ts";
import type { FlowContext, FlowRequest } from "../flow/contract.ts";
import { offerPasskey } from "../flow/passkey-login.ts";
import { openPending } from "../flow/sealed-request.ts";
import { toFlowRequest } from "../flow/stored-request.ts";
import { type HttpAnswer, type HttpRequest, PageError } from "../http/contract.ts";
import { isId } from "../kernel/ids.ts";
import { passwordPage } from "../page/password-page.ts";
import { withBack } from "./account-request.ts";
import { safeBackLink } from "./back-link.ts";
import type { Provider } from "./provider.ts";
import { showPage } from "./show-page.ts";
import { withScript } from "./with-script.ts";

/** The login that a password form is for. */
export interface OpenLogin {
  readonly flowRequest: FlowRequest;
  readonly open: OpenConnector;
  readonly connector: PasswordConnector;
}

export async function openLogin(request: HttpRequest, context: FlowContext, provider: Provider): Promise<OpenLogin> {
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

export const isLocal = ({ open }: OpenLogin): boolean =>
  open.info.id === localConnectorId && open.info.type === "local";

/** Where people of our own database go who have no account, or no password any more; then they come back here. */
function ways(request: HttpRequest, login: OpenLogin, provider: Provider): { signupUrl?: string; forgotUrl?: string } {
  const { account } = provider;
  if (!isLocal(login) || account === undefined) return {};
  const here = ownUrl("login", request, login, provider);
  return {
    ...(account.isSignupOpen ? { signupUrl: withBack("/signup", here, provider, request.uiLocales) } : {}),
    ...(account.mailer === undefined
      ? {}
      : { forgotUrl: withBack("/password/forgot", here, provider, request.uiLocales) }),
  };
}

export interface FormState {
  readonly status: 200 | 401;
  readonly username: string;
  readonly isExpired?: boolean;
  /** What was refused is a passkey. */
  readonly isPasskeyRefused?: boolean;
}

export const isTicked = (request: HttpRequest): boolean => request.form().get("remember_me") === "on";

/** The form, with a passkey in place of a password where there may be one. */
export function passwordForm(
  request: HttpRequest,
  login: OpenLogin,
  context: FlowContext,
  provider: Provider,
  { status, username, isExpired = false, isPasskeyRefused = false }: FormState,
): HttpAnswer {
  const { connector, open, flowRequest } = login;
  const offer = offerPasskey(flowRequest, open, context, provider.flow);
  const page = showPage(
    status,
    passwordPage(provider.page(request), {
      postUrl: ownUrl("login", request, login, provider),
      backLink: safeBackLink(request.query().get("back") ?? ""),
      username,
      usernamePrompt: connector.prompt,
      invalid: status === 401 && !isPasskeyRefused,
      expired: isExpired,
      showRememberMe: provider.flow.sessions !== undefined,
      // What was ticked stays so after a refusal.
      rememberMeChecked: status === 401 ? isTicked(request) : provider.flow.sessions?.rememberMeByDefault === true,
      connectorName: open.info.name,
      ...(offer && {
        passkey: { ...offer, postUrl: ownUrl("passkey", request, login, provider), isRefused: isPasskeyRefused },
      }),
      ...ways(request, login, provider),
    }),
  );
  return offer === undefined ? page : withScript(page);
}

/** An address of this login, with everything that the form's own carries. */
export const ownUrl = (
  step: "login" | "passkey",
  { rawQuery }: HttpRequest,
  { open }: OpenLogin,
  { flow }: Provider,
): string =>
  `${flow.policy.issuerPath}/auth/${encodeURIComponent(open.info.id)}/${step}${rawQuery === "" ? "" : `?${rawQuery}`}`;
