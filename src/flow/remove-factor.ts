import type { AuthSession, UserIdentity, UserKey } from "../storage/records.ts";
import { demandedFactors } from "../token/factor-chain.ts";
import type { FlowDeps } from "./contract.ts";
import type { Factor } from "./factor-contract.ts";
import { factorsFor, hasFactor } from "./factor-step.ts";
import { withoutCodes } from "./recovery-codes.ts";

/** A factor of somebody, or one key of it: base64url of its id. */
export interface OwnFactor {
  readonly factorId: string;
  readonly keyId?: string;
}

/**
 * Takes a factor, or one of its keys, away from its person. False: there is no such one, or it is the last and is asked
 * for: without any the next login would set one up for whoever knows the password. With the last go the recovery codes.
 */
export async function removeFactor(
  { userId, connectorId }: UserKey,
  which: OwnFactor,
  isAskedFor: boolean,
  deps: FlowDeps,
): Promise<boolean> {
  const factors = await factorsFor({ connectorId }, deps);
  let isRemoved = false;
  await deps.storage.userIdentities.update({ userId, connectorId }, (current) => {
    const left = without(current, which, factors);
    // Two tabs that remove one each must leave one.
    const isLast = !factors.some((factor) => hasFactor(left, factor));
    isRemoved = left !== current && !(isLast && isAskedFor);
    if (!isRemoved) return current;
    return isLast ? withoutCodes(left) : left;
  });
  return isRemoved;
}

function without(identity: UserIdentity, { factorId, keyId }: OwnFactor, factors: readonly Factor[]): UserIdentity {
  if (!factors.some((factor) => factor.id === factorId && hasFactor(identity, factor))) return identity;
  const { [factorId]: _secret, ...mfaSecrets } = identity.mfaSecrets;
  const { [factorId]: keys = [], ...others } = identity.webauthnCredentials;
  if (keyId === undefined) return { ...identity, mfaSecrets, webauthnCredentials: others };
  const left = keys.filter(({ credentialId }) => Buffer.from(credentialId).toString("base64url") !== keyId);
  if (left.length === keys.length) return identity;
  return { ...identity, webauthnCredentials: left.length === 0 ? others : { ...others, [factorId]: left } };
}

/** Whether anything asks this person for a factor: the default chain, or a client that they use. */
export async function isAskedForFactor(
  session: Pick<AuthSession, "clientStates" | "connectorId">,
  identity: UserIdentity,
  { storage, connectors, factors }: FlowDeps,
): Promise<boolean> {
  const connector = await connectors.find(session.connectorId);
  const isAsked = (client: Parameters<typeof demandedFactors>[0]): boolean =>
    demandedFactors(client, connector, [], factors).length > 0;
  if (isAsked({})) return true;
  const used = new Set([...Object.keys(session.clientStates), ...Object.keys(identity.consents)]);
  const clients = await Promise.all([...used].map((id) => storage.clients.get(id)));
  return clients.some((client) => client !== undefined && isAsked(client));
}
