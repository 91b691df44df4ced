import { revokeSession } from "../flow/end-session.ts";
import { endFamily } from "../token/end-family.ts";
import { type AccountDeps, localConnectorId } from "./account.ts";

/**
 * Ends what somebody who knew the old password may still hold: sessions, whose clients hear of it, and refresh tokens
 * with what they issued. `except`: the session of the person who asks.
 */
export async function endAccess(
  userId: string,
  { storage, end }: Pick<AccountDeps, "storage" | "end">,
  except?: string,
): Promise<void> {
  const user = { userId, connectorId: localConnectorId };
  // Families first: a session that goes in between could still have refreshed one.
  for (const family of await storage.refreshTokens.listOfUser(user)) await endFamily(family, end);
  for (const session of await storage.authSessions.listOfUser(user)) {
    if (session.id !== except) await revokeSession(session, end);
  }
}
