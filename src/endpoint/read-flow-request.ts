import type { FlowRequest } from "../flow/contract.ts";
import { isRegisteredRedirect, validateRequest } from "../flow/validate-request.ts";
import { type HttpRequest, PageError } from "../http/contract.ts";
import { currentSpan } from "../kernel/span.ts";
import { parseScope } from "../oauth/scope.ts";
import type { Client } from "../storage/records.ts";
import { trustedBy } from "../token/trusted-peers.ts";
import type { MergedParams } from "./authorization-params.ts";
import type { Provider } from "./provider.ts";

/**
 * The authorization request, read and validated whole.
 * @throws {PageError} Client or redirect URI are not known: nobody to redirect to. `unknownClient` is the status. RFC 6749 §4.1.2.1.
 * @throws {ClientRefusal} Anything else that is wrong with it.
 */
export async function readFlowRequest(
  params: MergedParams,
  request: HttpRequest,
  provider: Provider,
  unknownClient: 400 | 404,
): Promise<{ readonly flowRequest: FlowRequest; readonly client: Client }> {
  const { flow, storage, random, clock } = provider;
  if (params.repeated.includes("client_id")) throw new PageError(400, "refusal.clientUnknown");
  const client = await storage.clients.get(params.get("client_id") ?? "");
  if (client === undefined) throw new PageError(unknownClient, "refusal.clientUnknown");
  if (!isRegisteredRedirect(params, client)) {
    request.logger.info("unregistered redirect_uri", {
      client_id: client.id,
      redirect_uri: params.get("redirect_uri") ?? "",
    });
    throw new PageError(400, "refusal.redirectUri");
  }
  const facts = {
    client,
    connectors: await flow.connectors.list(),
    policy: flow.policy,
    trustedBy: await trustedBy(client.id, parseScope(params.get("scope") ?? ""), storage.clients),
    hintedSubject: await hintedSubject(params.get("id_token_hint") ?? "", provider),
    now: clock.now(),
    flowId: Buffer.from(random.bytes(16)).toString("base64url"),
  };
  const flowRequest = validateRequest(params, facts, provider.trail(request));
  const span = currentSpan();
  return { flowRequest: span === undefined ? flowRequest : { ...flowRequest, traceparent: span.traceparent }, client };
}

/** Whom a hint speaks of. It may have expired and be for anybody, but we must have issued it. OIDC Core §3.1.2.1. */
async function hintedSubject(jwt: string, { signer, flow }: Provider): Promise<string | undefined> {
  const verified = jwt === "" ? undefined : await signer.verify(jwt);
  if (verified === undefined) return undefined;
  const claims: unknown = JSON.parse(verified.payload);
  const isOurs = typeof claims === "object" && claims !== null && "iss" in claims && claims.iss === flow.policy.issuer;
  return isOurs && "sub" in claims && typeof claims.sub === "string" ? claims.sub : undefined;
}
