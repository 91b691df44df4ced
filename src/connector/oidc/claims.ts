import type { Identity } from "../contract.ts";
import type { Claims } from "../shared/claims.ts";
import type { OidcConfig } from "./config.ts";
import { groupReader } from "./groups.ts";

/** Who the claims speak of; undefined for a member of no allowed group. @throws {Error} A claim is missing or of the wrong type. */
export type ReadIdentity = (claims: Claims) => Omit<Identity, "connectorData"> | undefined;

/** compat(dex): connector/oidc/oidc.go, its rules and its sentences. */
export function identityReader(config: OidcConfig): ReadIdentity {
  const { claimMapping, overrideClaimMapping, insecureSkipEmailVerified } = config;
  const hasEmailScope = (config.scopes.length === 0 ? ["profile", "email"] : config.scopes).includes("email");
  const readGroups = groupReader(config);

  /** The standard claim, or the mapped one where that is missing or must give way. */
  const mappedText = (claims: Claims, standard: string, mapped: string): string | undefined => {
    const own = textIn(claims, standard);
    return mapped !== "" && (own === undefined || overrideClaimMapping) ? textIn(claims, mapped) : own;
  };

  return (claims) => {
    const subject = textIn(claims, "sub");
    if (subject === undefined) throw new Error('missing "sub" claim');
    const userId = config.userIDKey === "" ? subject : textIn(claims, config.userIDKey);
    if (userId === undefined) throw new Error(`oidc: not found ${config.userIDKey} claim`);
    // Everybody without an id would be one person.
    if (userId === "") throw new Error("oidc: the user id is empty");
    const nameKey = config.userNameKey || "name";
    const username = textIn(claims, nameKey);
    if (username === undefined) throw new Error(`missing "${nameKey}" claim`);
    const preferredUsername = mappedText(claims, "preferred_username", claimMapping.preferred_username);
    const email = mappedText(claims, "email", claimMapping.email);
    if (email === undefined && hasEmailScope) {
      const isMapped = claimMapping.email !== "" && (overrideClaimMapping || textIn(claims, "email") === undefined);
      throw new Error(`missing email claim, not found "${isMapped ? claimMapping.email : "email"}" key`);
    }
    const said = claims.get("email_verified");
    if (typeof said !== "boolean" && !insecureSkipEmailVerified && hasEmailScope) {
      throw new Error('missing "email_verified" claim');
    }
    const groups = readGroups(claims);
    if (groups === undefined) return undefined;
    const sessionId = textIn(claims, "sid");
    const acr = textIn(claims, "acr");
    const amr = claims.get("amr");
    return {
      userId,
      username,
      ...(preferredUsername === undefined || preferredUsername === "" ? {} : { preferredUsername }),
      ...(email === undefined || email === "" ? {} : { email }),
      emailVerified: typeof said === "boolean" ? said : insecureSkipEmailVerified,
      groups,
      ...(sessionId === undefined ? {} : { upstreamSessionId: sessionId }),
      ...(acr === undefined ? {} : { acr }),
      ...(Array.isArray(amr) ? { amr: amr.filter((method): method is string => typeof method === "string") } : {}),
    };
  };
}

/** A text that can be a claim of ours: a lone surrogate has no bytes, and two of them would be the same user. */
function textIn(claims: Claims, name: string): string | undefined {
  const value = claims.get(name);
  return typeof value === "string" && value.isWellFormed() ? value : undefined;
}

/** What userinfo says takes precedence, member by member, but text does not take the place of a boolean `email_verified`. */
export function withUserInfo(claims: Claims, info: Claims): Claims {
  const merged = new Map([...claims, ...info]);
  const verified = claims.get("email_verified");
  if (typeof verified === "boolean" && typeof info.get("email_verified") !== "boolean") {
    merged.set("email_verified", verified);
  }
  return merged;
}
