import type { RedeemedCode } from "../storage/records.ts";
import { endFamily } from "../token/end-family.ts";
import { isRotated } from "../token/refresh-secret.ts";
import { isReplay } from "../token/replay.ts";
import type { GrantContext, GrantDeps } from "./contract.ts";

/**
 * A code that is not there may be one that was redeemed before. If it comes again and that cannot be its
 * client's own race, somebody else has had it: all that was issued for it ends. RFC 6749 §4.1.2, RFC 9700 §4.5.
 */
export async function endReplayedCode(ids: readonly string[], context: GrantContext, deps: GrantDeps): Promise<void> {
  for (const id of ids) {
    const redeemed = await deps.storage.redeemedCodes.get(id);
    if (redeemed === undefined) continue;
    // Another client that shows a stranger's code proves nothing but its own mistake.
    if (redeemed.clientId !== context.client.id || !(await wasReplayed(redeemed, context, deps))) {
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
    context.logger.warn("authorization code replayed, revoking what it issued", { client_id: redeemed.clientId });
    await revokeIssued(redeemed, deps);
    return;
  }
}

async function wasReplayed(redeemed: RedeemedCode, context: GrantContext, deps: GrantDeps): Promise<boolean> {
  const family =
    redeemed.refreshTokenId === "" ? undefined : await deps.storage.refreshTokens.get(redeemed.refreshTokenId);
  return isReplay({
    spentAt: redeemed.redeemedAt,
    receivedAt: context.receivedAt,
    isSameConnection: deps.answered.has(context.connection, redeemed.id),
    isAnswerUsed: family !== undefined && (isRotated(family) || family.lastUsed > family.createdAt),
  });
}

/** The tag covers what later refreshes issued as well; a family's is found from its id. */
async function revokeIssued(redeemed: RedeemedCode, deps: GrantDeps): Promise<void> {
  const family =
    redeemed.refreshTokenId === "" ? undefined : await deps.storage.refreshTokens.get(redeemed.refreshTokenId);
  if (family !== undefined) return endFamily(family, deps);
  const { accessTokenId, accessTokenExpiry, refreshTokenId } = redeemed;
  // A family that is gone may have refreshed until a moment ago.
  const expiry = refreshTokenId === "" ? accessTokenExpiry : deps.clock.now() + deps.mint.lifetime;
  if (accessTokenId !== "") await deps.revocations.revoke(accessTokenId, expiry);
}
