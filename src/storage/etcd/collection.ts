import { setTimeout as wait } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { UnavailableError } from "../../kernel/errors.ts";
import type { Random } from "../../kernel/ports.ts";
import { AlreadyExistsError, type Collection } from "../contract.ts";
import type { KindName, RecordKinds } from "../records.ts";
import { ChangeQueue } from "../shared/change-queue.ts";
import { LastRead } from "../shared/last-read.ts";
import { keyParts, keyText, recordKey } from "../shared/record-key.ts";
import { decode, encode, encodeChange, type Found, hasExtra, type Written } from "./codec.ts";
import { extraKey, recordKeys, recordPrefixes } from "./keys.ts";
import type { KeyValue, RequestOp, TxnRequest } from "./messages.ts";
import { type Store, valuesIn } from "./store.ts";
import { indexChanges } from "./user-index.ts";

type RecordOf<K extends KindName> = RecordKinds[K]["record"];

/** Records one read of a list asks for. */
const pageSize = 500;
/** How often other processes may be faster than a swap of ours; each time we wait a little longer. */
const swapAttempts = 40;

/** The records of one kind: a key each, swapped by comparing the revision at which it was read. */
export class EtcdCollection<K extends KindName> implements Collection<RecordKinds[K]["key"], RecordOf<K>> {
  protected readonly kind: K;
  protected readonly store: Store;
  readonly #random: Random;
  readonly #updates = new ChangeQueue<RecordOf<K>>();
  readonly #lastRead = new LastRead<Found<K>>();

  constructor(kind: K, store: Store, random: Random) {
    this.kind = kind;
    this.store = store;
    this.#random = random;
  }

  async create(record: RecordOf<K>): Promise<void> {
    const parts = recordKey(this.kind, record);
    const keys = recordKeys(this.kind, parts);
    const isMade = await this.#createAt(keys[0], keys, record);
    if (isMade) return;
    const [, own] = keys;
    // Somebody else's record stands at the key that Dex would take.
    if (own === undefined || (await this.find(parts)) !== undefined || !(await this.#createAt(own, [own], record))) {
      throw new AlreadyExistsError("ID already exists");
    }
  }

  async get(key: RecordKinds[K]["key"]): Promise<RecordOf<K> | undefined> {
    const parts = keyParts(this.kind, key);
    const found = await this.find(parts);
    if (found !== undefined) this.#lastRead.remember(keyText(parts), found);
    return found?.record;
  }

  async list(): Promise<readonly RecordOf<K>[]> {
    const records: RecordOf<K>[] = [];
    for (const prefix of recordPrefixes(this.kind)) {
      const values = await this.#valuesBelow(prefix);
      const beside = hasExtra(this.kind) ? await this.#valuesBelow(extraKey(prefix)) : undefined;
      for (const [key, value] of values) {
        records.push(decode(this.kind, key, value, beside?.get(extraKey(key))).record);
      }
    }
    return records;
  }

  async update(
    key: RecordKinds[K]["key"],
    change: (current: RecordOf<K>) => RecordOf<K>,
  ): Promise<RecordOf<K> | undefined> {
    const parts = keyParts(this.kind, key);
    return this.#updates.update(keyText(parts), change, (all) => this.#swap(parts, all));
  }

  async delete(key: RecordKinds[K]["key"]): Promise<boolean> {
    const parts = keyParts(this.kind, key);
    for (let attempt = 1; attempt <= swapAttempts; attempt++) {
      const found = await this.find(parts);
      if (found === undefined) return false;
      const { succeeded } = await this.store.txn(this.removal(found));
      if (succeeded) return true;
      await this.#yieldToOthers(attempt);
    }
    throw tooBusy();
  }

  protected async find(parts: readonly string[]): Promise<Found<K> | undefined> {
    const keys = recordKeys(this.kind, parts);
    if (keys.length === 1 && !hasExtra(this.kind)) {
      const value = await this.store.get(keys[0]);
      return value === undefined ? undefined : decode(this.kind, keys[0], value);
    }
    return this.#match(parts, keys, await this.store.getAll(this.#withExtras(keys)));
  }

  /** The records of kinds with a key of one part, as they are at one moment; undefined where there is none. */
  protected async findMany(ids: readonly string[]): Promise<readonly (Found<K> | undefined)[]> {
    const keys = ids.map((id) => recordKeys(this.kind, [id])[0]);
    const values = await this.store.getAll(this.#withExtras(keys));
    const step = hasExtra(this.kind) ? 2 : 1;
    return ids.map((id, place) => {
      const [key] = recordKeys(this.kind, [id]);
      return this.#match([id], [key], values.slice(place * step, (place + 1) * step));
    });
  }

  /** Deletes what was found, unless it has changed since. */
  protected removal(found: Found<K>): TxnRequest {
    return {
      compare: [this.store.unchanged(found.key, found.revision)],
      success: [
        this.store.remove(found.key),
        ...(hasExtra(this.kind) ? [this.store.remove(extraKey(found.key))] : []),
        ...indexChanges(this.store, this.kind, found.record, undefined),
      ],
    };
  }

  async #createAt(key: string, mustBeAbsent: readonly string[], record: RecordOf<K>): Promise<boolean> {
    const written = encode(this.kind, record);
    const { succeeded } = await this.store.txn({
      compare: mustBeAbsent.map((each) => this.store.absent(each)),
      success: [
        ...this.#puts(key, written),
        // Dex deletes records without what stands beside them: it must not come back to a new one.
        ...(hasExtra(this.kind) && written.extraText === undefined ? [this.store.remove(extraKey(key))] : []),
        ...indexChanges(this.store, this.kind, undefined, record),
      ],
    });
    return succeeded;
  }

  async #swap(
    parts: readonly string[],
    change: (current: RecordOf<K>) => RecordOf<K>,
  ): Promise<RecordOf<K> | undefined> {
    const swapped = await this.#swapRemembered(parts, change);
    if (swapped !== undefined) return swapped;
    let found = await this.find(parts);
    for (let attempt = 1; attempt <= swapAttempts; attempt++) {
      if (found === undefined) return undefined;
      const next = change(found.record);
      const written = next === found.record ? found : encodeChange(this.kind, found, next);
      if (isSameAs(found, written)) return next;
      const reads = this.#withExtras(recordKeys(this.kind, parts)).map((key) => this.store.read(key));
      const outcome = await this.store.txn({ ...this.#swapping(found, written, next), failure: reads });
      if (outcome.succeeded) return next;
      await this.#yieldToOthers(attempt);
      found = this.#match(parts, recordKeys(this.kind, parts), valuesIn(outcome));
    }
    throw tooBusy();
  }

  /** With what was read a moment ago. Undefined: nothing was written, and what is stored now has to be asked. */
  async #swapRemembered(
    parts: readonly string[],
    change: (current: RecordOf<K>) => RecordOf<K>,
  ): Promise<RecordOf<K> | undefined> {
    const remembered = this.#lastRead.takeChanged(keyText(parts), change);
    if (remembered === undefined) return undefined;
    const { found, next } = remembered;
    const written = encodeChange(this.kind, found, next);
    if (isSameAs(found, written)) return undefined;
    return (await this.store.txn(this.#swapping(found, written, next))).succeeded ? next : undefined;
  }

  #swapping(found: Found<K>, written: Written, next: RecordOf<K>): TxnRequest {
    return {
      compare: this.#unchanged(found),
      success: [
        ...this.#changes(found, written),
        // Nobody but us writes what stands beside Dex's record.
        ...indexChanges(this.store, this.kind, found.record, next, found.extraText !== undefined),
      ],
    };
  }

  #unchanged(found: Found<K>) {
    const own = this.store.unchanged(found.key, found.revision);
    return hasExtra(this.kind) ? [own, this.store.unchanged(extraKey(found.key), found.extraRevision)] : [own];
  }

  #changes(found: Found<K>, written: Written): readonly RequestOp[] {
    // What stands beside it was compared, so what it shall hold already it holds.
    if (found.extraText === written.extraText) return [this.store.put(found.key, written.text)];
    const removed = written.extraText === undefined;
    return [...this.#puts(found.key, written), ...(removed ? [this.store.remove(extraKey(found.key))] : [])];
  }

  #puts(key: string, { text, extraText }: Written): readonly RequestOp[] {
    const own = this.store.put(key, text);
    return extraText === undefined ? [own] : [own, this.store.put(extraKey(key), extraText)];
  }

  #withExtras(keys: readonly string[]): readonly string[] {
    return hasExtra(this.kind) ? keys.flatMap((key) => [key, extraKey(key)]) : keys;
  }

  /** The record that is really the one asked for, of those that stand where it may. */
  #match(
    parts: readonly string[],
    keys: readonly string[],
    values: readonly (KeyValue | undefined)[],
  ): Found<K> | undefined {
    const step = hasExtra(this.kind) ? 2 : 1;
    for (const [place, key] of keys.entries()) {
      const value = values[place * step];
      if (value === undefined) continue;
      const found = decode(this.kind, key, value, step === 2 ? values[place * step + 1] : undefined);
      if (keys.length === 1 || isDeepStrictEqual(recordKey(this.kind, found.record), parts)) return found;
    }
    return undefined;
  }

  async #valuesBelow(prefix: string): Promise<ReadonlyMap<string, KeyValue>> {
    const values = new Map<string, KeyValue>();
    for (let after = ""; ; ) {
      const { kvs, more } = await this.store.page(prefix, after, pageSize);
      for (const value of kvs) values.set(this.store.nameOf(value.key), value);
      const last = kvs.at(-1);
      if (!more || last === undefined) return values;
      after = this.store.nameOf(last.key);
    }
  }

  /** Those who collided must not meet again at once. */
  async #yieldToOthers(attempt: number): Promise<void> {
    const chance = (this.#random.bytes(1)[0] ?? 0) / 256;
    await wait(Math.min(attempt * 5, 100) * chance);
  }
}

const isSameAs = (found: Written, written: Written): boolean =>
  found.text === written.text && found.extraText === written.extraText;

const tooBusy = (): UnavailableError => new UnavailableError("storage", "others keep changing this record");
