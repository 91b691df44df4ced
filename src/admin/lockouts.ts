import type { Target } from "../token/attempt-target.ts";
import type { Lock } from "../token/attempts.ts";
import type * as admin from "./admin-messages.ts";
import type { Methods } from "./contract.ts";
import { demand, demandPeopleFlag, doing } from "./refusal.ts";
import { seconds } from "./seconds.ts";

/** Who waits after wrong passwords and codes. Somebody blocked by an administrator is another matter: `SetBlockedUntil`. */
export const lockoutMethods: Pick<Methods<admin.AdminMethods>, "ListLockedAccounts" | "UnlockAccount"> = {
  async ListLockedAccounts(_request, deps) {
    demandPeopleFlag(deps);
    const locks = await doing("list locked accounts", deps.attempts.locks());
    return { accounts: locks.toSorted((one, other) => one.lockedUntil - other.lockedUntil).map(shown) };
  },

  async UnlockAccount({ connector_id: connectorId, name }, deps, { trail }) {
    demandPeopleFlag(deps);
    demand(connectorId, "no connector_id supplied");
    demand(name, "no name supplied");
    let counts = 0;
    for (const target of targetsOf(connectorId, name))
      counts += await doing("unlock account", deps.attempts.unlock(target, trail));
    return { not_found: counts === 0 };
  },
};

/** Who means a person means both of their secrets. */
const targetsOf = (connectorId: string, name: string): readonly Target[] => [
  { kind: "password", connectorId, username: name },
  { kind: "factor", connectorId, userId: name },
];

const shown = ({ target, failures, lockedUntil, isOfKnownDevice }: Lock): admin.LockedAccount => ({
  kind: target.kind,
  connector_id: target.connectorId,
  name: target.kind === "password" ? target.username : target.userId,
  locked_until: seconds(lockedUntil),
  failures,
  known_device: isOfKnownDevice,
});
