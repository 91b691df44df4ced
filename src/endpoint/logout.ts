import { openSession } from "../flow/keep-session.ts";
import { type LogoutRequest, logoutStep } from "../flow/logout-step.ts";
import { type HttpAnswer, type HttpRequest, PageError } from "../http/contract.ts";
import { logoutPage } from "../page/logout-page.ts";
import type { AuthSession } from "../storage/records.ts";
import { authorizationParams } from "./authorization-params.ts";
import { confirmationField, openConfirmation, sealConfirmation } from "./logout-confirmation.ts";
import { finishLogout } from "./logout-finish.ts";
import { readLogoutHint } from "./logout-hint.ts";
import { bounce, isBounced } from "./post-form.ts";
import { flowContext, type Provider } from "./provider.ts";
import { showPage } from "./show-page.ts";

/**
 * `/logout`: an application, or the person, ends the session. The cookie decides whose; a hint only proves that an
 * application of that session asks. Without such a proof the person is asked. OIDC RP-Initiated Logout §2.
 */
export async function logoutEndpoint(request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  if (!["GET", "HEAD", "POST"].includes(request.method)) throw new PageError(405, "refusal.method");
  // Another site's form brings no `SameSite=Lax` cookie: the same once more from here. RFC 6265bis §5.2.
  if (request.method === "POST" && request.headers["sec-fetch-site"] === "cross-site" && !isBounced(request)) {
    return bounce(request, provider);
  }
  const params = authorizationParams(request);
  const context = flowContext(request, [], provider);
  const hint = await readLogoutHint(params.get("id_token_hint") ?? "", provider);
  const session = await openSession(context, provider.flow);
  const confirmed =
    session === undefined || request.method !== "POST"
      ? undefined
      : openConfirmation(params.get(confirmationField) ?? "", session, provider);
  const wanted: LogoutRequest = confirmed ?? {
    ...(hint === undefined ? {} : { hint }),
    clientId: params.get("client_id") ?? "",
    postLogoutRedirectUri: params.get("post_logout_redirect_uri") ?? "",
    state: params.get("state") ?? "",
  };
  const client = wanted.clientId === "" ? hint?.clientId : wanted.clientId;
  const step = logoutStep(
    wanted,
    {
      session,
      client: client === undefined ? undefined : await provider.storage.clients.get(client),
      // A look must not end anything. RFC 9110 §9.2.1.
      mayEnd: request.method !== "HEAD",
      isConfirmed: confirmed !== undefined,
    },
    context.trail,
  );
  switch (step.go) {
    case "refuse":
      throw new PageError(400, step.refusal);
    case "ask":
      return ask(request, step.session, step.next, provider);
    case "end":
      return finishLogout(request, step.session, step.next, context, provider);
    case "nothing":
      return finishLogout(request, undefined, step.next, context, provider);
    default:
      return step satisfies never;
  }
}

async function ask(
  request: HttpRequest,
  session: AuthSession,
  next: Omit<LogoutRequest, "hint">,
  provider: Provider,
): Promise<HttpAnswer> {
  const identity = await provider.storage.userIdentities.get(session);
  const { username = "", email = "" } = identity?.claims ?? {};
  const user = username === "" ? email : username;
  const client = next.clientId === "" ? undefined : await provider.storage.clients.get(next.clientId);
  return showPage(
    200,
    logoutPage(provider.page(request), {
      kind: "confirm",
      postUrl: request.path,
      ...(user === "" ? {} : { user }),
      ...(client === undefined ? {} : { clientName: client.name === "" ? client.id : client.name }),
      hidden: [{ name: confirmationField, value: sealConfirmation(next, session, provider) }],
    }),
  );
}
