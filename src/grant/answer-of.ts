import type { TokenAnswer } from "../token/answer.ts";
import type { Minted } from "../token/id-token.ts";
import type { GrantDeps } from "./contract.ts";

/** The token response for what was minted. RFC 6749 §5.1, OIDC Core §3.1.3.3. compat(dex): the type is written `bearer`. */
export function answerOf(
  minted: Minted,
  deps: Pick<GrantDeps, "clock">,
  refreshToken?: string,
  scope?: string,
): TokenAnswer {
  return {
    access_token: minted.accessToken ?? "",
    token_type: "bearer",
    expires_in: Math.max(0, Math.floor((minted.expiresAt - deps.clock.now()) / 1000)),
    ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
    ...(minted.idToken === undefined ? {} : { id_token: minted.idToken }),
    ...(scope === undefined ? {} : { scope }),
  };
}
