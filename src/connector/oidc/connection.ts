import type { Secret } from "../../kernel/secret.ts";
import type { ConnectorDeps, Login, LoginResult } from "../contract.ts";
import type { Claims } from "../shared/claims.ts";
import { InvalidTokenError } from "../shared/key-set.ts";
import { type ReadIdentity, withUserInfo } from "./claims.ts";
import type { OidcConfig } from "./config.ts";
import { type OidcData, writeOidcData } from "./connector-data.ts";
import type { Provider } from "./provider.ts";

/** One open connector. */
export interface Connection {
  readonly config: OidcConfig;
  readonly provider: Provider;
  readonly deps: ConnectorDeps;
  readonly readIdentity: ReadIdentity;
}

/** Userinfo joins in where it is configured; the two must speak of one person. OIDC Core §5.3.2. */
export async function completed(
  { config, provider }: Connection,
  claims: Claims | undefined,
  accessToken: Secret,
  login: Login,
): Promise<Claims> {
  if (!config.getUserInfo) return claims ?? new Map();
  const info = await provider.userInfo(accessToken, login.signal);
  if (claims === undefined) return info;
  if (info.has("sub") && info.get("sub") !== claims.get("sub")) {
    throw new InvalidTokenError("oidc: userinfo speaks of another person than the id token (sub)");
  }
  const because = "userinfo and id token speak of the same person";
  login.trail.note({ check: "upstream.userinfo_sub", outcome: "pass", because, spec: "OIDC Core §5.3.2" });
  return withUserInfo(claims, info);
}

/** Who the claims speak of, with what a refresh and a logout will need. */
export function resultOf(
  { readIdentity }: Connection,
  claims: Claims,
  kept: Partial<OidcData>,
  login: Login,
): LoginResult {
  const identity = readIdentity(claims);
  if (identity === undefined) {
    const because = "a member of none of allowedGroups";
    login.trail.note({ check: "upstream.allowed_groups", outcome: "fail", because });
    return { ok: false, reason: "not_in_required_groups" };
  }
  return { ok: true, identity: { ...identity, connectorData: writeOidcData(kept) } };
}
