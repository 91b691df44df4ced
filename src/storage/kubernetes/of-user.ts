/**
 * What one person has: the objects with our label, which the server selects, and those without it that are theirs.
 * Dex sets no label, so what it made is among the latter until we change it once; Dex keeps labels that it finds.
 */
import type { OfUser, UserKind } from "../contract.ts";
import type { RecordKinds, UserKey } from "../records.ts";
import type { JsonObject } from "../shared/dex-json.ts";
import { ownerOf } from "../shared/owner.ts";
import { KubernetesCollection } from "./collection.ts";
import { ExpiringCollection } from "./expiring.ts";
import { userLabelOf } from "./names.ts";
import { decode, userLabel } from "./objects.ts";

type Select = (labelSelector: string) => Promise<readonly JsonObject[]>;

async function ofUser<K extends UserKind>(
  kind: K,
  user: UserKey,
  select: Select,
): Promise<readonly RecordKinds[K]["record"][]> {
  const selectors = [`${userLabel}=${userLabelOf(user)}`, `!${userLabel}`];
  const objects = (await Promise.all(selectors.map(select))).flat();
  const records = objects.map((object) => decode(kind, object).record);
  return records.filter((record) => {
    const owner = ownerOf(kind, record);
    return owner?.userId === user.userId && owner.connectorId === user.connectorId;
  });
}

export class RefreshTokens
  extends KubernetesCollection<"refreshTokens">
  implements OfUser<RecordKinds["refreshTokens"]["record"]>
{
  listOfUser(user: UserKey): Promise<readonly RecordKinds["refreshTokens"]["record"][]> {
    return ofUser("refreshTokens", user, (selector) => this.select(selector));
  }
}

export class AuthSessions
  extends ExpiringCollection<"authSessions">
  implements OfUser<RecordKinds["authSessions"]["record"]>
{
  listOfUser(user: UserKey): Promise<readonly RecordKinds["authSessions"]["record"][]> {
    return ofUser("authSessions", user, (selector) => this.select(selector));
  }
}
