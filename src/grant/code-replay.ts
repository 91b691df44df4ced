import type { AuthCode, SpentCode } from "../storage/records.ts";
import { endFamily } from "../token/end-family.ts";
import { isRotated } from "../token/refresh-secret.ts";
import { isReplay } from "../token/replay.ts";
import type { GrantContext, GrantDeps } from "./contract.ts";

/**
 * A code was presented that is spent. If that cannot be its client's own race, somebody else has had it: all that was
 * issued for it ends. RFC 6749 §4.1.2, RFC 9700 §4.5.
 */
export async function endReplayedCode(
  { id }: AuthCode,
  spent: SpentCode,
  context: GrantContext,
  deps: GrantDeps,
): Promise<void> {
  // Another client that shows a stranger's code proves nothing but its own mistake.
  if (spent.clientId !== context.client.id || !(await wasReplayed(id, spent, context, deps))) {
    context.trail.note({
      check: "code.replayed",
      outcome: "skip",
      because: "redeemed a moment ago: taken for a race",
    });
    return;
  }
  context.trail.note({
    check: "code.replayed",
    outcome: "fail",
    because: "redeemed before: what it issued ends",
    spec: "RFC 6749 §4.1.2",
  });
  context.logger.warn("authorization code replayed, revoking what it issued", { client_id: spent.clientId });
  await revokeIssued(spent, deps);
}

async function wasReplayed(id: string, spent: SpentCode, context: GrantContext, deps: GrantDeps): Promise<boolean> {
  const family = spent.refreshTokenId === "" ? undefined : await deps.storage.refreshTokens.get(spent.refreshTokenId);
  return isReplay({
    spentAt: spent.redeemedAt,
    receivedAt: context.receivedAt,
    isSameConnection: deps.answered.has(context.connection, id),
    isAnswerUsed: family !== undefined && (isRotated(family) || family.lastUsed > family.createdAt),
  });
}

/** The tag covers what later refreshes issued as well; a family's is found from its id. */
async function revokeIssued(spent: SpentCode, deps: GrantDeps): Promise<void> {
  const { accessTokenId, accessTokenExpiry, refreshTokenId } = spent;
  const family = refreshTokenId === "" ? undefined : await deps.storage.refreshTokens.get(refreshTokenId);
  if (family !== undefined) return endFamily(family, deps);
  // A family that is gone may have refreshed until a moment ago.
  const expiry = refreshTokenId === "" ? accessTokenExpiry : deps.clock.now() + deps.mint.lifetime;
  if (accessTokenId !== "") await deps.revocations.revoke(accessTokenId, expiry);
}
