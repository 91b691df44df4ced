import { AlreadyExistsError, type Storage } from "../storage/contract.ts";
import type { Claims, UserIdentity, UserKey } from "../storage/records.ts";

/** What is kept of a person after a login: their claims as they are now; consents, factors and a lock stay. compat(dex): server/authflow. */
export async function rememberUser(
  key: UserKey,
  claims: Claims,
  now: number,
  { userIdentities }: Pick<Storage, "userIdentities">,
): Promise<UserIdentity> {
  const seen = (current: UserIdentity): UserIdentity => ({ ...current, claims, lastLogin: now });
  const known = await userIdentities.update(key, seen);
  if (known !== undefined) return known;
  const fresh: UserIdentity = {
    ...key,
    claims,
    consents: {},
    mfaSecrets: {},
    webauthnCredentials: {},
    createdAt: now,
    lastLogin: now,
    blockedUntil: 0,
  };
  try {
    await userIdentities.create(fresh);
    return fresh;
  } catch (error) {
    // Another tab was faster; theirs is the record now.
    if (!(error instanceof AlreadyExistsError)) throw error;
    return (await userIdentities.update(key, seen)) ?? fresh;
  }
}

/** Adds to what the person has agreed to, so that a client's alternating requests do not ask again and again. OIDC Core §3.1.2.4. */
export async function rememberConsent(
  key: UserKey,
  clientId: string,
  scopes: readonly string[],
  { userIdentities }: Pick<Storage, "userIdentities">,
): Promise<void> {
  await userIdentities.update(key, (current) => {
    const before = current.consents[clientId] ?? [];
    const merged = [...new Set([...before, ...scopes])];
    if (merged.length === before.length) return current;
    return { ...current, consents: { ...current.consents, [clientId]: merged } };
  });
}
