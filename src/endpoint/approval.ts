import { approve, openStoredLogin, reject } from "../flow/approval.ts";
import { type HttpAnswer, type HttpRequest, PageError } from "../http/contract.ts";
import { scopesAskedFor } from "../oauth/claims-request.ts";
import { audiencesOf } from "../oauth/scope.ts";
import { approvalPage } from "../page/approval-page.ts";
import type { AuthRequest } from "../storage/records.ts";
import { answerStep } from "./answer-step.ts";
import type { Provider } from "./provider.ts";
import { showPage } from "./show-page.ts";

/** `/approval`: the person sees what the client asks for, and says yes or no. OIDC Core §3.1.2.4. */
export async function approvalEndpoint(request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  const { flow } = provider;
  const fields = request.method === "POST" ? request.form() : request.query();
  const id = fields.get("req") ?? request.query().get("req") ?? "";
  const mac = request.query().get("hmac") ?? "";
  return answerStep(request, provider, async (context) => {
    const { record } = await openStoredLogin(id, mac, ["step:approval"], context, flow);
    if (request.method !== "POST") return ask(record, request, provider);
    return fields.get("approval") === "approve" ? approve(record, context, flow) : reject(record, context, flow);
  });
}

async function ask(record: AuthRequest, request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  const client = await provider.storage.clients.get(record.clientId);
  if (client === undefined) throw new PageError(500, "refusal.clientGone");
  return showPage(
    200,
    approvalPage(provider.page(request), {
      postUrl: request.rawQuery === "" ? request.path : `${request.path}?${request.rawQuery}`,
      req: record.id,
      user: record.claims.username === "" ? record.claims.email : record.claims.username,
      clientName: client.name === "" ? client.id : client.name,
      ...(client.logoUrl === "" ? {} : { clientLogoUrl: client.logoUrl }),
      redirectUri: record.redirectUri,
      scopes: scopesAskedFor(record.scopes, record.extra?.namedClaims),
      peerNames: await peerNames(record.scopes, provider),
    }),
  );
}

/** How the clients are called whose audience is asked for: an id alone tells a person nothing. */
async function peerNames(scopes: readonly string[], { storage }: Provider): Promise<ReadonlyMap<string, string>> {
  const peers = await Promise.all(audiencesOf(scopes).map((id) => storage.clients.get(id)));
  return new Map(
    peers.flatMap((peer) => (peer === undefined || peer.name === "" ? [] : [[peer.id, peer.name] as const])),
  );
}
