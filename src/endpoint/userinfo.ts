import type { HttpAnswer, HttpRequest } from "../http/contract.ts";
import { OAuthError } from "../oauth/error.ts";
import type { Provider } from "./provider.ts";

/** `/userinfo`: the claims that the access token holds. OIDC Core §5.3. compat(dex): the token's payload as it is. */
export async function userinfoEndpoint(request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  const token = bearerToken(request);
  if (token === undefined) {
    // RFC 6750 §3.1: without a token there is a challenge and no error code in it. compat(dex): the body's words.
    return unauthorized('Bearer realm="dex"', "access_denied");
  }
  const verified = await provider.verifyToken(token);
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

/**
 * From the header, or from the body of a form post, and never from the address, where logs would keep it. RFC 6750
 * §2.1, §2.2, RFC 9700 §4.3.2.
 * @throws {OAuthError} From both, or twice: RFC 6750 §2 wants one, and which of them counts would be a guess.
 */
export function bearerToken(request: HttpRequest): string | undefined {
  const header = request.headers.authorization;
  const inHeader = header === undefined ? undefined : /^Bearer +([A-Za-z0-9\-._~+/]+=*)$/i.exec(header)?.[1];
  const form = request.method === "POST" ? request.form().all("access_token") : [];
  if (form.length > (inHeader === undefined ? 1 : 0)) {
    throw new OAuthError("invalid_request", "The access token must be sent once and in one way.");
  }
  return inHeader ?? (form[0] || undefined);
}
