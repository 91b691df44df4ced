/**
 * Who has which sessions and refresh tokens: one empty key per record under `dexts/of_user/`, written and deleted in
 * the transaction of the record itself. Dex writes no such keys, so what it made is found in other ways: a refresh
 * token is named in the person's offline session, and gets its key when it stops being named there; a session gets
 * its key from the next collection of garbage, which reads every session anyway. A key whose record is gone means nothing.
 */
import type { KindName, OfflineSession, RecordKinds, UserKey } from "../records.ts";
import { ownerOf } from "../shared/owner.ts";
import { recordKeys, userPrefix } from "./keys.ts";
import type { RequestOp } from "./messages.ts";
import type { Store } from "./store.ts";

type RecordOf<K extends KindName> = RecordKinds[K]["record"];

const pageSize = 500;

export const indexKey = (kind: KindName, user: UserKey, id: string): string => userPrefix(kind, user) + id;

/**
 * What a change of a record does to the index, in the same transaction. `isOurs`: it was written by us before, and so has
 * its key.
 */
export function indexChanges<K extends KindName>(
  store: Store,
  kind: K,
  before: RecordOf<K> | undefined,
  after: RecordOf<K> | undefined,
  isOurs = false,
): readonly RequestOp[] {
  if (kind === "offlineSessions") {
    return unnamedTokens(store, before as OfflineSession | undefined, after as OfflineSession | undefined);
  }
  if (isOurs && before !== undefined && after !== undefined && hasSameOwner(kind, before, after)) return [];
  const [old, current] = [before, after].map((record) => (record === undefined ? undefined : keyOf(kind, record)));
  return [
    ...(old === undefined || old === current ? [] : [store.remove(old)]),
    ...(current === undefined ? [] : [store.put(current, "")]),
  ];
}

function hasSameOwner<K extends KindName>(kind: K, before: RecordOf<K>, after: RecordOf<K>): boolean {
  const [one, other] = [ownerOf(kind, before), ownerOf(kind, after)];
  return one?.userId === other?.userId && one?.connectorId === other?.connectorId;
}

function keyOf<K extends KindName>(kind: K, record: RecordOf<K>): string | undefined {
  const user = ownerOf(kind, record);
  return user === undefined || !("id" in record) ? undefined : indexKey(kind, user, record.id);
}

/** The tokens that an offline session names no longer, each if it still exists. */
function unnamedTokens(
  store: Store,
  before: OfflineSession | undefined,
  after: OfflineSession | undefined,
): readonly RequestOp[] {
  if (before === undefined) return [];
  const named = new Set(Object.values(after?.refresh ?? {}).map(({ id }) => id));
  const gone = Object.values(before.refresh).filter(({ id }) => id !== "" && !named.has(id));
  return gone.map(({ id }) => indexIfPresent(store, "refreshTokens", before, id));
}

/** Names a record in the index, unless it has been deleted meanwhile. */
export function indexIfPresent(store: Store, kind: KindName, user: UserKey, id: string): RequestOp {
  const [key] = recordKeys(kind, [id]);
  return { request_txn: { compare: [store.present(key)], success: [store.put(indexKey(kind, user, id), "")] } };
}

/** The ids that the index has for one person. */
export async function indexedIds(store: Store, kind: KindName, user: UserKey): Promise<readonly string[]> {
  const prefix = userPrefix(kind, user);
  const ids: string[] = [];
  for (let after = ""; ; ) {
    const { kvs, more } = await store.page(prefix, after, pageSize, { isKeysOnly: true });
    const keys = kvs.map(({ key }) => store.nameOf(key));
    ids.push(...keys.map((key) => key.slice(prefix.length)));
    const last = keys.at(-1);
    if (!more || last === undefined) return ids;
    after = last;
  }
}
