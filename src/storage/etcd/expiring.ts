import { setImmediate as nextTurn } from "node:timers/promises";
import type { Logger, Random } from "../../kernel/ports.ts";
import type { KindName, RecordKinds } from "../records.ts";
import type { CollectedKind } from "../shared/collect-kinds.ts";
import { expiries } from "../shared/expiry.ts";
import { decode, type Found } from "./codec.ts";
import { EtcdCollection } from "./collection.ts";
import { recordPrefixes } from "./keys.ts";
import type { RangeResponse } from "./messages.ts";
import type { Store } from "./store.ts";

type RecordOf<K extends KindName> = RecordKinds[K]["record"];

/** Records that one step reads: few, since a request may be waiting for this thread. */
const pageSize = 100;
/** Deletions in one transaction; etcd allows 128 operations. */
const removalsAtOnce = 25;

/** Kinds that end by themselves. Dex keeps no order of expiry in etcd, so a collection walks over them all, page by page. */
export class ExpiringCollection<K extends KindName> extends EtcdCollection<K> {
  readonly #logger: Logger;
  readonly #expiryOf: (record: RecordOf<K>) => number;
  /** Where the last batch ended; the next goes on from there. */
  #after = "";

  constructor(kind: K, store: Store, random: Random, logger: Logger) {
    super(kind, store, random);
    this.#logger = logger;
    const expiryOf = expiries[kind];
    if (expiryOf === undefined) throw new TypeError(`${kind} do not expire`);
    this.#expiryOf = expiryOf;
  }

  /** Deletes up to `batch` of what expired before `now`. `isDone`: everything has been looked at. */
  async collect(now: number, batch: number): Promise<CollectedKind> {
    let deleted = 0;
    while (deleted < batch) {
      const { found, next, revision } = await this.read(this.#after, Math.min(pageSize, batch - deleted));
      deleted += await this.#remove(found.filter(({ record }) => this.#expiryOf(record) < now));
      await this.onAlive(
        found.filter(({ record }) => this.#expiryOf(record) >= now),
        revision,
      );
      this.#after = next;
      if (next === "") {
        await this.onEnd();
        return { deleted, isDone: true };
      }
      await nextTurn();
    }
    return { deleted, isDone: false };
  }

  /** Up to `size` records, as one member knows them, from `after` on. `next` is empty at the end. */
  protected async read(after: string, size: number) {
    const [prefix = ""] = recordPrefixes(this.kind);
    const page = await this.store.page(prefix, after, size, { isRelaxed: true });
    const last = page.kvs.at(-1);
    return {
      found: this.#decode(page),
      next: page.more && last !== undefined ? this.store.nameOf(last.key) : "",
      revision: page.header?.revision ?? "0",
    };
  }

  /** Sees what stays, page by page, and the store's revision at that moment. */
  protected async onAlive(_alive: readonly Found<K>[], _revision: string): Promise<void> {}

  /** All have been seen. */
  protected async onEnd(): Promise<void> {}

  /** A value that nobody can read must not keep the others from being collected or delivered. */
  #decode(page: RangeResponse): readonly Found<K>[] {
    return page.kvs.flatMap((value) => {
      try {
        return [decode(this.kind, this.store.nameOf(value.key), value)];
      } catch (error) {
        this.#logger.warn("a value that cannot be read is skipped", { kind: this.kind }, error);
        return [];
      }
    });
  }

  async #remove(expired: readonly Found<K>[]): Promise<number> {
    let deleted = 0;
    for (let start = 0; start < expired.length; start += removalsAtOnce) {
      const some = expired.slice(start, start + removalsAtOnce);
      const success = some.map((found) => ({ request_txn: this.removal(found) }));
      const { responses } = await this.store.txn({ compare: [], success });
      deleted += responses.filter(({ response_txn: outcome }) => outcome?.succeeded === true).length;
    }
    return deleted;
  }
}
