import type { Identity } from "../connector/contract.ts";
import type { Secret } from "../kernel/secret.ts";
import type { Claims } from "../storage/records.ts";

/** What is stored of an identity. */
export function claimsOf(identity: Identity): Claims {
  return {
    userId: identity.userId,
    username: identity.username,
    preferredUsername: identity.preferredUsername ?? "",
    email: identity.email ?? "",
    emailVerified: identity.emailVerified,
    groups: identity.groups,
  };
}

/** The identity that stored claims speak of, to be refreshed at its connector. */
export function identityOf(claims: Claims, connectorData: Secret<Uint8Array> | undefined): Identity {
  return {
    userId: claims.userId,
    username: claims.username,
    preferredUsername: claims.preferredUsername,
    email: claims.email,
    emailVerified: claims.emailVerified,
    groups: claims.groups,
    ...(connectorData === undefined ? {} : { connectorData }),
  };
}
