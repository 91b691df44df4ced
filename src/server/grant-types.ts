import type { Grant } from "../grant/contract.ts";
import { grantTypes } from "../oauth/grant-type.ts";
import { parseScope } from "../oauth/scope.ts";

/**
 * What this server grants: what it implements, as far as the configuration allows. compat(dex): server/config.go.
 * `implicit` is no grant of the token endpoint and is offered where a response type may carry a token.
 */
export function servedGrants(
  implemented: readonly Grant[],
  configured: readonly string[],
  responseTypes: readonly string[],
): { readonly grants: ReadonlyMap<string, Grant>; readonly listed: readonly string[] } {
  const grants = implemented.filter(({ grantType }) => configured.includes(grantType));
  const hasImplicit =
    configured.includes(grantTypes.implicit) && responseTypes.some((entry) => parseScope(entry).includes("token"));
  const listed = [...grants.map(({ grantType }) => grantType), ...(hasImplicit ? [grantTypes.implicit] : [])].sort();
  return { grants: new Map(grants.map((grant) => [grant.grantType, grant])), listed };
}
