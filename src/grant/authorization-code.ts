import { OAuthError } from "../oauth/error.ts";
import { grantTypes } from "../oauth/grant-type.ts";
import { isDeviceCallback } from "../oauth/redirect-uri.ts";
import type { AuthCode } from "../storage/records.ts";
import { codeRecordIds } from "../token/code.ts";
import { endReplayedCode } from "./code-replay.ts";
import type { Grant, GrantContext, GrantDeps } from "./contract.ts";
import { checkPkce, invalidCode, redeemCode } from "./redeem-code.ts";

/** RFC 6749 §4.1.3. A wrong verifier or redirect URI does not spend the code; its holder may try again. */
export const authorizationCodeGrant: Grant = {
  grantType: grantTypes.authorizationCode,
  async redeem(params, context, deps) {
    const presented = params.get("code");
    if (presented === undefined) throw new OAuthError("invalid_request", "Required param: code.");
    const code = await findCode(presented, context, deps);
    // It passed through a browser's address for our own eyes: only the device that it was made for may have it.
    if (isDeviceCallback(code.redirectUri, deps.mint.issuer)) throw new OAuthError("invalid_grant", invalidCode);
    checkPkce(code, params.get("code_verifier"));
    // Compared as text, absent as empty. RFC 6749 §4.1.3.
    if (code.redirectUri !== (params.get("redirect_uri") ?? "")) {
      throw new OAuthError("invalid_grant", "redirect_uri did not match URI from initial request.");
    }
    return redeemCode({ grant: grantTypes.authorizationCode, code, presented }, context, deps);
  },
};

async function findCode(presented: string, context: GrantContext, deps: GrantDeps): Promise<AuthCode> {
  for (const id of codeRecordIds(deps.codeKey, presented)) {
    const code = await deps.storage.authCodes.get(id);
    if (code === undefined) continue;
    if (code.spent !== undefined) {
      await endReplayedCode(code, code.spent, context, deps);
      break;
    }
    if (code.clientId === context.client.id && deps.clock.now() <= code.expiry) return code;
    const because = code.clientId === context.client.id ? "it has expired" : "it belongs to another client";
    context.trail.note({ check: "code.valid", outcome: "fail", because, spec: "RFC 6749 §5.2" });
    throw new OAuthError("invalid_grant", invalidCode);
  }
  throw new OAuthError("invalid_grant", invalidCode);
}
