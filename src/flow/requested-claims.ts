import { type ClaimsRequest, parseClaimsRequest } from "../oauth/claims-request.ts";
import type { OAuthErrorCode } from "../oauth/error.ts";
import { parseScope } from "../oauth/scope.ts";
import type { FlowRequest } from "./contract.ts";

interface Params {
  get(name: string): string | undefined;
}

const nothing: ClaimsRequest = { idToken: [], userinfo: [], acrValues: [], acrIsEssential: false };

/**
 * `claims`, with `acr_values` as the voluntary request for `acr` that it is; undefined where it is malformed.
 * OIDC Core §3.1.2.1, §5.5, §5.5.1.1.
 */
function readClaims(params: Params): ClaimsRequest | undefined {
  const text = params.get("claims") ?? "";
  const wished = parseScope(params.get("acr_values") ?? "");
  const claims = text === "" ? nothing : parseClaimsRequest(text);
  if (claims === undefined || wished.length === 0 || claims.idToken.includes("acr")) return claims;
  return { ...claims, idToken: [...claims.idToken, "acr"], acrValues: wished };
}

/** What is wrong with the claims asked for. `hinted`: whom `id_token_hint` speaks of. */
export function claimsObjection(
  params: Params,
  hinted: string | undefined,
): readonly [OAuthErrorCode, string] | undefined {
  const claims = readClaims(params);
  if (claims === undefined) return ["invalid_request", "The claims parameter is malformed."];
  return claims.subject !== undefined && hinted !== undefined && claims.subject !== hinted
    ? ["invalid_request", "The claims parameter and id_token_hint name different users."]
    : undefined;
}

/** The claims of a request that has no {@link claimsObjection}. */
export function requestedClaims(
  params: Params,
  hinted: string | undefined,
): Pick<FlowRequest, "namedClaims" | "acrValues" | "acrIsEssential" | "hintedSubject"> {
  const { idToken, userinfo, acrValues, acrIsEssential, subject } = readClaims(params) ?? nothing;
  const only = hinted ?? subject;
  return {
    ...(idToken.length + userinfo.length === 0 ? {} : { namedClaims: { idToken, userinfo } }),
    acrValues,
    acrIsEssential,
    ...(only === undefined ? {} : { hintedSubject: only }),
  };
}
