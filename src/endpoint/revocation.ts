import type { HttpAnswer, HttpRequest } from "../http/contract.ts";
import { OAuthError } from "../oauth/error.ts";
import type { Client } from "../storage/records.ts";
import type { EndFamilyDeps } from "../token/end-family.ts";
import { endFamily } from "../token/end-family.ts";
import { matchSecret, parseRefreshToken } from "../token/refresh-secret.ts";
import { authenticateRequest } from "./client-authentication.ts";
import { readMachineForm, uncached } from "./machine-form.ts";
import type { Provider } from "./provider.ts";

/**
 * `/token/revoke`: a client gives a token back. A refresh token takes its whole family and every token of it along, an
 * access or ID token goes alone. What is no token, or none any more, is as revoked as it can be. RFC 7009 §2.
 */
export async function revocationEndpoint(request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  if (request.method !== "POST") {
    throw new OAuthError("invalid_request", `HTTP method is "${request.method}", expected "POST".`);
  }
  const form = readMachineForm(request);
  const trail = provider.trail(request);
  const { client } = await authenticateRequest(request, form.get, provider, trail);
  const token = form.get("token");
  if (token === undefined) throw new OAuthError("invalid_request", "Required param: token.");
  const ended = (await revokeJwt(token, client, provider)) ?? (await revokeFamily(token, client, provider));
  const because = ended ?? "no token of ours, or dead already";
  trail.note({
    check: "token.revoked",
    outcome: ended === undefined ? "skip" : "pass",
    because,
    spec: "RFC 7009 §2.2",
  });
  if (ended !== undefined) request.logger.info("token revoked", { client_id: client.id, token: ended });
  return { status: 200, headers: uncached, body: "" };
}

/** RFC 7009 §2.1: the client must be told, because it believes to have ended something. */
const notYours = (): OAuthError => new OAuthError("invalid_grant", "The token was issued to another client.");

async function revokeJwt(jwt: string, client: Client, { verifyToken, grant }: Provider): Promise<string | undefined> {
  const verified = await verifyToken(jwt);
  if (!verified.ok) return undefined;
  const { aud, azp, jti, exp } = verified.claims;
  if ((typeof aud === "string" ? aud : azp) !== client.id) throw notYours();
  if (typeof jti !== "string" || typeof exp !== "number") return undefined;
  await grant.revocations.revoke(jti, exp * 1000);
  return "access_token";
}

/** Any secret that the family ever had ends it: an old one that is about is one that leaked. */
async function revokeFamily(text: string, client: Client, provider: Provider): Promise<string | undefined> {
  const { id, secret } = parseRefreshToken(text);
  const family = id === "" ? undefined : await provider.storage.refreshTokens.get(id);
  if (family === undefined || matchSecret(family, secret, provider.grant.refreshKey) === "none") return undefined;
  if (family.clientId !== client.id) throw notYours();
  const deps: EndFamilyDeps = provider.grant;
  await endFamily(family, deps);
  return "refresh_token";
}
