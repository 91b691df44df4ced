import type { UserKey } from "../storage/records.ts";
import { type EndFamilyDeps, endFamily } from "../token/end-family.ts";
import type { FlowDeps } from "./contract.ts";

/** Takes back what a person agreed to for one client: it has to ask again, and what it holds for their absence ends. */
export async function withdrawConsent(
  user: UserKey,
  clientId: string,
  deps: EndFamilyDeps & Pick<FlowDeps, "storage">,
): Promise<void> {
  await deps.storage.userIdentities.update(user, (current) => {
    if (!Object.hasOwn(current.consents, clientId)) return current;
    const { [clientId]: _, ...consents } = current.consents;
    return { ...current, consents };
  });
  for (const family of await deps.storage.refreshTokens.listOfUser(user)) {
    if (family.clientId === clientId) await endFamily(family, deps);
  }
}
