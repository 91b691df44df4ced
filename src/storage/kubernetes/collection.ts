import { setTimeout as wait } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { UnavailableError } from "../../kernel/errors.ts";
import type { Random } from "../../kernel/ports.ts";
import { AlreadyExistsError, type Collection } from "../contract.ts";
import type { KindName, RecordKinds } from "../records.ts";
import { ChangeQueue } from "../shared/change-queue.ts";
import type { JsonObject } from "../shared/dex-json.ts";
import { LastRead } from "../shared/last-read.ts";
import { keyParts, keyText, recordKey } from "../shared/record-key.ts";
import { objectNames } from "./names.ts";
import { decode, encode, encodeChange, type Found, nameOf, preconditionsOf } from "./objects.ts";
import type { ResourceClient } from "./resource-client.ts";

type RecordOf<K extends KindName> = RecordKinds[K]["record"];

/** Objects that one page of a list holds. */
const pageSize = 250;
/** How often a list may be forgotten by the server while we read it. */
const listAttempts = 5;
/** How often other processes may be faster than a swap of ours; each time we wait a little longer. */
const swapAttempts = 40;

/** The objects of one kind, swapped by the version at which they were read. */
export class KubernetesCollection<K extends KindName> implements Collection<RecordKinds[K]["key"], RecordOf<K>> {
  protected readonly kind: K;
  protected readonly client: ResourceClient;
  readonly #random: Random;
  readonly #updates = new ChangeQueue<RecordOf<K>>();
  readonly #lastRead = new LastRead<Found<K>>();

  constructor(kind: K, client: ResourceClient, random: Random) {
    this.kind = kind;
    this.client = client;
    this.#random = random;
  }

  /** @throws {Error} What it would be called is no name of an object; no such record can exist. */
  async create(record: RecordOf<K>): Promise<void> {
    const parts = recordKey(this.kind, record);
    const [name, ownName] = objectNames(this.kind, parts);
    if (name === undefined) throw new Error(`a key of ${this.kind} is no name of a Kubernetes object`);
    const taken = new AlreadyExistsError("ID already exists");
    if (ownName !== undefined && (await this.#findNamed(ownName, parts)) !== undefined) throw taken;
    if (await this.#createNamed(name, record)) return;
    // Dex gives two people the same name now and then; then the second one's object has ours.
    if (ownName === undefined || (await this.#findNamed(name, parts)) !== undefined) throw taken;
    if (!(await this.#createNamed(ownName, record))) throw taken;
  }

  async get(key: RecordKinds[K]["key"]): Promise<RecordOf<K> | undefined> {
    const parts = keyParts(this.kind, key);
    const found = await this.find(parts);
    if (found !== undefined) this.#lastRead.remember(keyText(parts), found);
    return found?.record;
  }

  async list(): Promise<readonly RecordOf<K>[]> {
    return (await this.select()).map((object) => decode(this.kind, object).record);
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
    const names = objectNames(this.kind, parts);
    const [only] = names;
    if (only !== undefined && names.length === 1) return this.client.remove(only);
    for (let attempt = 1; attempt <= swapAttempts; attempt++) {
      const found = await this.find(parts);
      if (found === undefined) return false;
      if (await this.client.remove(found.name, preconditionsOf(found))) return true;
      await this.#yieldToOthers(attempt);
    }
    throw tooBusy();
  }

  protected async find(parts: readonly string[]): Promise<Found<K> | undefined> {
    for (const name of objectNames(this.kind, parts)) {
      const found = await this.#findNamed(name, parts);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Every object, or those with certain labels. A server that forgets a list is asked again from its beginning. */
  protected async select(labelSelector?: string): Promise<readonly JsonObject[]> {
    const query = { limit: pageSize, ...(labelSelector === undefined ? {} : { labelSelector }) };
    for (let attempt = 1; attempt <= listAttempts; attempt++) {
      // By name: a page may overlap the one before.
      const objects = new Map<string, JsonObject>();
      for (let from = ""; ; ) {
        const page = await this.client.page(query, from);
        if (page === "expired") break;
        for (const object of page.items) objects.set(nameOf(object), object);
        if (page.next === "") return [...objects.values()];
        from = page.next;
      }
    }
    throw new UnavailableError("storage", `the Kubernetes API forgets the list of ${this.kind} while it is read`);
  }

  async #findNamed(name: string, parts: readonly string[]): Promise<Found<K> | undefined> {
    const object = await this.client.get(name);
    if (object === undefined) return undefined;
    const found = decode(this.kind, object);
    // compat(dex): there a name that belongs to somebody else is an error.
    return isSameKey(this.kind, found.record, parts) ? found : undefined;
  }

  async #createNamed(name: string, record: RecordOf<K>): Promise<boolean> {
    const object = encode(this.kind, name, this.client.namespace, record);
    return (await this.client.create(object)) !== undefined;
  }

  async #swap(
    parts: readonly string[],
    change: (current: RecordOf<K>) => RecordOf<K>,
  ): Promise<RecordOf<K> | undefined> {
    const swapped = await this.#swapRemembered(parts, change);
    if (swapped !== undefined) return swapped;
    for (let attempt = 1; attempt <= swapAttempts; attempt++) {
      const found = await this.find(parts);
      if (found === undefined) return undefined;
      const next = change(found.record);
      if (next === found.record) return next;
      const written = await this.client.replace(found.name, encodeChange(this.kind, found, next));
      if (written !== undefined) return decode(this.kind, written).record;
      await this.#yieldToOthers(attempt);
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
    const written = await this.client.replace(found.name, encodeChange(this.kind, found, next));
    return written === undefined ? undefined : decode(this.kind, written).record;
  }

  /** Those who collided must not meet again at once. */
  async #yieldToOthers(attempt: number): Promise<void> {
    const chance = (this.#random.bytes(1)[0] ?? 0) / 256;
    await wait(Math.min(attempt * 5, 100) * chance);
  }
}

/** compat(dex): user codes are one in any letter case. */
function isSameKey<K extends KindName>(kind: K, record: RecordOf<K>, parts: readonly string[]): boolean {
  const own = recordKey(kind, record);
  return kind === "deviceRequests" ? own[0] === parts[0]?.toUpperCase() : isDeepStrictEqual(own, parts);
}

const tooBusy = (): UnavailableError => new UnavailableError("storage", "others keep changing this record");
