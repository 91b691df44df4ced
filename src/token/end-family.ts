import type { Clock } from "../kernel/ports.ts";
import type { Storage } from "../storage/contract.ts";
import type { RefreshToken } from "../storage/records.ts";
import { grantTagOf } from "./grant-tag.ts";
import type { MintDeps } from "./id-token.ts";
import type { Revocations } from "./revocations.ts";

/** What ending a family takes. */
export interface EndFamilyDeps {
  readonly storage: Pick<Storage, "refreshTokens" | "offlineSessions">;
  readonly revocations: Revocations;
  /** Key of refresh secrets. */
  readonly refreshKey: Uint8Array;
  readonly mint: Pick<MintDeps, "lifetime">;
  readonly clock: Pick<Clock, "now">;
}

/**
 * Ends a refresh token family and every token it has issued. The tokens first: after a crash between
 * the two the family is still there for whoever tries again, and what it issues meanwhile is dead at birth. Then Dex's reference to it, where it is this
 * one. RFC 7009 §2.1, RFC 9700 §4.14.2.
 */
export async function endFamily(family: RefreshToken, deps: EndFamilyDeps): Promise<void> {
  await endFamilyTokens(family.id, deps);
  await deps.storage.refreshTokens.delete(family.id);
  const key = { userId: family.claims.userId, connectorId: family.connectorId };
  await deps.storage.offlineSessions.update(key, (current) => {
    if (current.refresh[family.clientId]?.id !== family.id) return current;
    const { [family.clientId]: _, ...refresh } = current.refresh;
    return { ...current, refresh };
  });
}

/** Ends what the family has issued so far; none of it outlives a token made now. */
const endFamilyTokens = (id: string, deps: EndFamilyDeps): Promise<void> =>
  deps.revocations.revoke(grantTagOf(deps.refreshKey, id), deps.clock.now() + deps.mint.lifetime);
