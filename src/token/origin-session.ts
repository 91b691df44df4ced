import type { Storage } from "../storage/contract.ts";
import type { RefreshToken } from "../storage/records.ts";

/** The session that a family came from, or "". Dex keeps it with the person, for the newest family of each client. */
export async function originSession(
  family: RefreshToken,
  { offlineSessions }: Pick<Storage, "offlineSessions">,
): Promise<string> {
  const { sessionId } = family.extra ?? {};
  if (sessionId !== undefined) return sessionId;
  const { userId } = family.claims;
  const person = await offlineSessions.get({ userId, connectorId: family.connectorId });
  const reference = person?.refresh[family.clientId];
  return reference?.id === family.id ? reference.sessionId : "";
}
