import { grantTypes } from "../oauth/grant-type.ts";
import { isDeviceCallback } from "../oauth/redirect-uri.ts";
import { parseScope } from "../oauth/scope.ts";
import type { MergedParams } from "./authorization-params.ts";
import type { Provider } from "./provider.ts";

/** The grant that a connector must permit for this request. compat(dex): server/authflow/request.go. */
export function grantOf(params: MergedParams, { flow }: Provider): string {
  if (isDeviceCallback(params.get("redirect_uri") ?? "", flow.policy.issuer)) return grantTypes.deviceCode;
  const types = parseScope(params.get("response_type") ?? "");
  return types.some((type) => type === "token" || type === "id_token")
    ? grantTypes.implicit
    : grantTypes.authorizationCode;
}
