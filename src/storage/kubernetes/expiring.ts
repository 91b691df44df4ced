import { setImmediate as nextTurn } from "node:timers/promises";
import type { Random } from "../../kernel/ports.ts";
import type { KindName, RecordKinds } from "../records.ts";
import type { CollectedKind } from "../shared/collect-kinds.ts";
import { expiries } from "../shared/expiry.ts";
import { KubernetesCollection } from "./collection.ts";
import { decode, type Found, preconditionsOf } from "./objects.ts";
import type { ResourceClient } from "./resource-client.ts";

type RecordOf<K extends KindName> = RecordKinds[K]["record"];

/** Objects that one step reads: few, since a request may be waiting for this thread. */
const pageSize = 100;
/** Deletions under way at once: the API server is everybody's. */
const removalsAtOnce = 10;

/** Kinds that end by themselves. A collection walks over them page by page, however many there are. compat(dex): there the first 500 only. */
export class ExpiringCollection<K extends KindName> extends KubernetesCollection<K> {
  readonly #expiryOf: (record: RecordOf<K>) => number;
  /** Where the last batch ended; the next goes on from there. */
  #from = "";

  constructor(kind: K, client: ResourceClient, random: Random) {
    super(kind, client, random);
    const expiryOf = expiries[kind];
    if (expiryOf === undefined) throw new TypeError(`${kind} do not expire`);
    this.#expiryOf = expiryOf;
  }

  /** Deletes up to `batch` of what expired before `now`. `isDone`: everything has been looked at. */
  async collect(now: number, batch: number): Promise<CollectedKind> {
    let deleted = 0;
    for (let restarts = 0; deleted < batch; ) {
      const page = await this.client.page({ limit: Math.min(pageSize, batch - deleted) }, this.#from);
      if (page === "expired") {
        // The next run begins anew if the server forgets faster than we read.
        this.#from = "";
        if (++restarts > 3) return { deleted, isDone: true };
        continue;
      }
      const found = page.items.map((object) => decode(this.kind, object));
      deleted += await this.#remove(found.filter(({ record }) => this.#expiryOf(record) < now));
      this.#from = page.next;
      if (page.next === "") return { deleted, isDone: true };
      await nextTurn();
    }
    return { deleted, isDone: false };
  }

  /** Each only as it was found: a session that was used meanwhile stays, and of two replicas one deletes. */
  async #remove(expired: readonly Found<K>[]): Promise<number> {
    let deleted = 0;
    for (let start = 0; start < expired.length; start += removalsAtOnce) {
      const some = expired.slice(start, start + removalsAtOnce);
      const removed = await Promise.all(some.map((found) => this.client.remove(found.name, preconditionsOf(found))));
      deleted += removed.filter(Boolean).length;
    }
    return deleted;
  }
}
