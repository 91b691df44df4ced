import { endSession } from "../flow/end-session.ts";
import { sessionsOfUpstream } from "../flow/upstream-session.ts";
import { redirect } from "../http/answers.ts";
import { type HttpAnswer, type HttpRequest, PageError } from "../http/contract.ts";
import { UnavailableError } from "../kernel/errors.ts";
import { logoutCallbackEndpoint } from "./logout-callback.ts";
import { postForm } from "./post-form.ts";
import type { Provider } from "./provider.ts";

/**
 * `/logout/upstream/{connector}`: an upstream says that it ended a session of its own, by itself (OIDC Back-Channel
 * Logout §2.5) or through the browser (SAML Profiles §4.4). What stands on that session ends here too.
 */
export async function upstreamLogoutEndpoint(request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  if (request.method !== "POST" && request.method !== "GET") throw new PageError(405, "refusal.method");
  // Many an upstream knows one address only, and answers our own logout there.
  const isAnswer = [request.form(), request.query()].some((source) => source.get("SAMLResponse") !== undefined);
  if (isAnswer) return logoutCallbackEndpoint(request, provider);
  const { flow, logger } = provider;
  const connectorId = request.route.connector ?? "";
  const connector = (await flow.connectors.open(connectorId))?.connector;
  if (connector?.hearLogout === undefined) throw new PageError(404, "refusal.missing");
  const form = request.form();
  const message = {
    method: request.method,
    url: new URL(`${new URL(flow.policy.issuer).origin}${request.path}?${request.rawQuery}`),
    headers: request.headers,
    form: new Map(form.names.map((name) => [name, form.get(name) ?? ""])),
    peer: request.peer,
  };
  const trail = provider.trail(request);
  const context = { trail, signal: request.signal };
  const heard = await connector.hearLogout(message, context).catch((error: unknown) => {
    if (error instanceof UnavailableError) throw error;
    logger.warn("upstream logout refused", { connector_id: connectorId }, error);
    throw new PageError(400, "refusal.upstreamLogout", { cause: error });
  });
  const sessions = await sessionsOfUpstream(connectorId, heard, flow.storage);
  for (const session of sessions) await endSession(session, flow);
  logger.info("upstream logout", { connector_id: connectorId, sessions: sessions.length });
  const because = `the upstream ended what ${sessions.length} sessions stand on`;
  trail.note({ check: "logout.upstream", outcome: "pass", because, spec: "OIDC Back-Channel Logout §2.7" });
  const { answer } = heard;
  if (answer === undefined) return { status: 200, headers: { "cache-control": "no-store" }, body: "" };
  return answer.kind === "redirect"
    ? redirect(303, answer.to.href)
    : postForm({ to: answer.to.href, fields: answer.fields, receiver: "upstream" }, request, provider);
}
