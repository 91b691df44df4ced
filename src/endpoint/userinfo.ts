import type { HttpAnswer, HttpRequest } from "../http/contract.ts";
import { OAuthError } from "../oauth/error.ts";
import { verifyAccessToken } from "../token/verify-access-token.ts";
import type { Provider } from "./provider.ts";

/** `/userinfo`: the claims that the access token holds. OIDC Core §5.3. compat(dex): the token's payload as it is. */
export async function userinfoEndpoint(request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  const token = bearerToken(request);
  if (token === undefined) {
    // RFC 6750 §3.1: without a token there is a challenge and no error code in it. compat(dex): the body's words.
    return unauthorized('Bearer realm="dex"', "access_denied");
  }
  const verified = await verifyAccessToken(token, { ...provider, issuer: provider.flow.policy.issuer });
  provider.trail(request).note({
    check: "access_token.valid",
    outcome: verified.ok ? "pass" : "fail",
    because: verified.ok ? "signed by us and alive" : verified.because,
    spec: "RFC 6750 §3.1",
  });
  if (!verified.ok) throw new OAuthError("invalid_token", "Invalid bearer token.", { detail: verified.because });
  return {
    status: 200,
    headers: { "content-type": "application/json", "cache-control": "no-store" },
    body: verified.payload,
  };
}

function unauthorized(challenge: string, error: string): HttpAnswer {
  const body = JSON.stringify({ error, error_description: "Invalid bearer token." });
  return {
    status: 401,
    headers: { "content-type": "application/json", "cache-control": "no-store", "www-authenticate": challenge },
    body,
  };
}

/** From the header, or from the body of a form post. RFC 6750 §2.1, §2.2. */
function bearerToken(request: HttpRequest): string | undefined {
  const header = request.headers.authorization;
  if (header !== undefined) return /^Bearer ([^\s]+)$/i.exec(header)?.[1];
  return request.method === "POST" ? request.form().get("access_token") : undefined;
}
