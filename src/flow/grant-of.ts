import { type GrantType, grantTypes } from "../oauth/grant-type.ts";
import { isDeviceCallback } from "../oauth/redirect-uri.ts";
import { isFrontChannel } from "../oauth/response-type.ts";
import type { FlowPolicy } from "./contract.ts";

/** What a request says of how it is to be answered; it need not be validated yet. */
interface Asked {
  readonly redirectUri: string;
  readonly responseTypes: readonly string[];
}

/** Under which grant the answer comes: what the connector must permit. compat(dex): server/authflow/request.go. */
export function grantOf({ redirectUri, responseTypes }: Asked, { issuer }: Pick<FlowPolicy, "issuer">): GrantType {
  if (isDeviceCallback(redirectUri, issuer)) return grantTypes.deviceCode;
  return isFrontChannel(responseTypes) ? grantTypes.implicit : grantTypes.authorizationCode;
}
