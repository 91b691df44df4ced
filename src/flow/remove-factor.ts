import type { UserKey } from "../storage/records.ts";
import type { FlowDeps } from "./contract.ts";
import { enrolledFactors, hasFactor } from "./factor-step.ts";

/**
 * Takes a factor away from its person. False: there is no such one, or it is the last: without any the next login would
 * set one up for whoever knows the password.
 */
export async function removeFactor(user: UserKey, factorId: string, deps: FlowDeps): Promise<boolean> {
  const identity = await deps.storage.userIdentities.get(user);
  const enrolled = identity === undefined ? [] : await enrolledFactors(identity, deps);
  if (!enrolled.some(({ id }) => id === factorId)) return false;
  let isRemoved = false;
  await deps.storage.userIdentities.update(user, (current) => {
    // Two tabs that remove one each must leave one.
    isRemoved = enrolled.some((factor) => factor.id !== factorId && hasFactor(current, factor));
    if (!isRemoved) return current;
    const { [factorId]: _secret, ...mfaSecrets } = current.mfaSecrets;
    const { [factorId]: _keys, ...webauthnCredentials } = current.webauthnCredentials;
    return { ...current, mfaSecrets, webauthnCredentials };
  });
  return isRemoved;
}
