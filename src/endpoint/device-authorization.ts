import { beginDevice, pollInterval } from "../grant/device-request.ts";
import { json } from "../http/answers.ts";
import type { HttpAnswer, HttpRequest } from "../http/contract.ts";
import { OAuthError } from "../oauth/error.ts";
import { grantTypes } from "../oauth/grant-type.ts";
import { isCodeChallengeMethod, isCodeVerifier } from "../oauth/pkce.ts";
import { deviceRedirectOf } from "../oauth/redirect-uri.ts";
import { audiencesOf, parseScope, quote, quoteList, scopes as scopeNames, unknownScopes } from "../oauth/scope.ts";
import type { Client, Pkce } from "../storage/records.ts";
import { trustedBy } from "../token/trusted-peers.ts";
import { authenticateRequest } from "./client-authentication.ts";
import { type MachineForm, readMachineForm, uncached } from "./machine-form.ts";
import type { Provider } from "./provider.ts";

/**
 * `/device/code`: a device asks for a code that a person can type elsewhere. RFC 8628 §3.1, §3.2. What is wrong is said
 * here, before anybody walks to another screen; Dex says it there.
 */
export async function deviceAuthorizationEndpoint(request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  if (request.method !== "POST") throw new OAuthError("invalid_request", "Method not allowed.");
  const form = withQuery(readMachineForm(request), request);
  const trail = provider.trail(request);
  const { client, method } = await authenticateRequest(request, form.get, provider, trail);
  const { issuer } = provider.flow.policy;
  if (
    !provider.grants.has(grantTypes.deviceCode) ||
    deviceRedirectOf(issuer, { registered: client.redirectUris, isPublic: client.public }) === undefined
  ) {
    throw new OAuthError("unauthorized_client", "The client is not registered for the device flow.");
  }
  const pkce = readPkce(form);
  const scopes = await readScopes(form, client, provider);
  if (method === "none") provider.limits.begin("device", { address: request.clientIp, trail });
  const { deviceCode, userCode } = await beginDevice({ clientId: client.id, scopes, ...pkce }, provider.grant);
  trail.note({
    check: "device.begun",
    outcome: "pass",
    because: `codes for client ${client.id}`,
    spec: "RFC 8628 §3.2",
  });
  const verificationUri = `${issuer.replace(/\/$/, "")}/device`;
  const answer = {
    device_code: deviceCode,
    user_code: userCode,
    verification_uri: verificationUri,
    verification_uri_complete: `${verificationUri}?user_code=${userCode}`,
    expires_in: Math.floor(provider.grant.deviceLifetime / 1000),
    interval: pollInterval,
  };
  return json(200, answer, uncached);
}

/** compat(dex): all but the secret may stand in the address. The body's value counts where there are two. */
function withQuery(form: MachineForm, request: HttpRequest): MachineForm {
  const query = request.rawQuery === "" ? undefined : request.query();
  if (query === undefined) return form;
  return {
    ...form,
    get: (name) => form.get(name) ?? (name === "client_secret" ? undefined : query.get(name) || undefined),
  };
}

function readPkce(form: MachineForm): Pkce {
  const codeChallenge = form.get("code_challenge") ?? "";
  const method = form.get("code_challenge_method");
  if (method !== undefined && !isCodeChallengeMethod(method)) {
    throw new OAuthError("invalid_request", `Unsupported PKCE challenge method (${quote(method)}).`);
  }
  if (codeChallenge === "") return { codeChallenge, codeChallengeMethod: "" };
  const isWellFormed =
    method === "S256"
      ? isCodeVerifier(codeChallenge) && codeChallenge.length === 43
      : /^[\x21-\x7e]{1,256}$/.test(codeChallenge);
  if (!isWellFormed) throw new OAuthError("invalid_request", "The code_challenge is malformed.");
  return { codeChallenge, codeChallengeMethod: method ?? "plain" };
}

async function readScopes(form: MachineForm, client: Client, { storage }: Provider): Promise<readonly string[]> {
  const text = form.get("scope") ?? scopeNames.openid;
  const scopes = parseScope(text);
  if (!scopes.includes(scopeNames.openid))
    throw new OAuthError("invalid_scope", `Missing required scope(s) ["openid"].`);
  const unknown = unknownScopes(scopes);
  if (unknown.length > 0) throw new OAuthError("invalid_scope", `Unrecognized scope(s) ${quoteList(unknown)}`);
  const trusting = await trustedBy(client.id, scopes, storage.clients);
  const distrusted = scopes.filter((scope) =>
    audiencesOf([scope]).some((peer) => peer !== client.id && !trusting.has(peer)),
  );
  if (distrusted.length > 0) {
    throw new OAuthError("invalid_scope", `Client can't request scope(s) ${quoteList(distrusted)}`);
  }
  return scopes;
}
