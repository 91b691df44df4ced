import type { Trail } from "../../kernel/ports.ts";
import type { Callback, Departure, EndedUpstream, UpstreamLogout } from "../contract.ts";
import { unpackIdentity } from "./cached-identity.ts";
import { hearLogoutRequest, logoutLifetime, logoutRequest, logoutResponse } from "./logout-messages.ts";
import { newId, noteRefusal, type Parts, send } from "./parts.ts";
import { SamlRefusal } from "./refusal.ts";

/** Single logout, begun by us. An unsigned request would be nobody's: without a key there is none. */
export async function logout(
  parts: Parts,
  request: UpstreamLogout,
  trail: Trail,
  signal: AbortSignal,
): Promise<Departure | undefined> {
  const { slo } = await parts.idp.current(signal);
  if (slo === undefined || parts.signing === undefined) {
    const because = slo === undefined ? "no single logout address is known" : "there is no privateKey to sign with";
    trail.note({ check: "saml.logout.possible", outcome: "skip", because, spec: "SAML Profiles §4.4" });
    return undefined;
  }
  const { config, deps } = parts;
  const message = logoutRequest({
    id: newId(deps),
    now: deps.clock.now(),
    destination: slo.url.href,
    entityIssuer: config.entityIssuer,
    nameId: request.connectorData === undefined ? {} : unpackIdentity(request.connectorData.reveal()).nameId,
    logout: request,
  });
  return send(slo, message, parts);
}

/** Single logout, begun at the upstream or by another service. */
export async function hearLogout(
  parts: Parts,
  message: Callback,
  trail: Trail,
  signal: AbortSignal,
): Promise<EndedUpstream> {
  const { config, deps, skew } = parts;
  const idp = await parts.idp.current(signal);
  const policy = { keys: idp.keys, now: deps.clock.now(), allowsSha1: config.insecureAllowSHA1 };
  try {
    const { id, ended, relayState } = await hearLogoutRequest(message, idp, policy, parts.decrypt, skew);
    if (!parts.replays.claim(`logout ${id}`, policy.now + 2 * logoutLifetime)) {
      throw new SamlRefusal("saml.logout.replay", "this request was used before", "SAML Core §3.7.1");
    }
    if (idp.slo === undefined) return ended;
    const { url, responseUrl = url, binding } = idp.slo;
    const response = logoutResponse({
      id: newId(deps),
      now: policy.now,
      destination: responseUrl.href,
      entityIssuer: config.entityIssuer,
      inResponseTo: id,
      relayState,
    });
    return { ...ended, answer: await send({ url: responseUrl, binding }, response, parts) };
  } catch (error) {
    if (error instanceof SamlRefusal) noteRefusal(error, trail);
    throw error;
  }
}
