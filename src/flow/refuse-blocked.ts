import { PageError } from "../http/contract.ts";
import type { UserKey } from "../storage/records.ts";
import type { FlowDeps } from "./contract.ts";

/** @throws {PageError} An administrator has locked the account: its person comes in nowhere, with no session and no half a login. */
export async function refuseBlocked(
  user: UserKey,
  { blockedUsers, clock }: Pick<FlowDeps, "blockedUsers" | "clock">,
): Promise<void> {
  if ((await blockedUsers.until(user)) > clock.now()) throw new PageError(403, "refusal.locked");
}
