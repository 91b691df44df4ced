/**
 * Everything in this process's memory: for tests, and for installations that may forget. One JavaScript turn is
 * one transaction, so nothing here is ever locked while somebody else's code runs.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import {
  AlreadyExistsError,
  type Collection,
  type InPages,
  type OfUser,
  type Page,
  type PagedKind,
  type Storage,
  type StorageType,
  type UserKind,
} from "../contract.ts";
import type { KindName, RecordKinds, UserKey } from "../records.ts";
import { type CollectedKind, collectKinds, nothingToCollect } from "../shared/collect-kinds.ts";
import { expiries } from "../shared/expiry.ts";
import { pageOf } from "../shared/page-of.ts";
import { keyParts, keyText, recordKey } from "../shared/record-key.ts";

type RecordOf<K extends KindName> = RecordKinds[K]["record"];

class MemoryCollection<K extends KindName> implements Collection<RecordKinds[K]["key"], RecordOf<K>> {
  protected readonly kind: K;
  readonly #records = new Map<string, RecordOf<K>>();

  constructor(kind: K) {
    this.kind = kind;
  }

  async create(record: RecordOf<K>): Promise<void> {
    const key = keyText(recordKey(this.kind, record));
    if (this.#records.has(key)) throw new AlreadyExistsError("ID already exists");
    this.#records.set(key, frozen(record));
  }

  async get(key: RecordKinds[K]["key"]): Promise<RecordOf<K> | undefined> {
    return this.#records.get(this.#textOf(key));
  }

  async list(): Promise<readonly RecordOf<K>[]> {
    return [...this.#records.values()];
  }

  async update(
    key: RecordKinds[K]["key"],
    change: (current: RecordOf<K>) => RecordOf<K>,
  ): Promise<RecordOf<K> | undefined> {
    const text = this.#textOf(key);
    const current = this.#records.get(text);
    if (current === undefined) return undefined;
    const next = change(current);
    if (next !== current) this.#records.set(text, frozen(next));
    return next;
  }

  async delete(key: RecordKinds[K]["key"]): Promise<boolean> {
    return this.#records.delete(this.#textOf(key));
  }

  /** Deletes up to `batch` of what expired before `now`, a slice per turn. */
  async collect(now: number, batch: number): Promise<CollectedKind> {
    const expiryOf = expiries[this.kind];
    if (expiryOf === undefined) return nothingToCollect;
    let deleted = 0;
    let seen = 0;
    for (const [key, record] of this.#records) {
      if (deleted >= batch) break;
      if (expiryOf(record) < now && this.#records.delete(key)) deleted++;
      if (++seen % 1000 === 0) await nextTurn();
    }
    return { deleted, isDone: deleted < batch };
  }

  #textOf(key: RecordKinds[K]["key"]): string {
    return keyText(keyParts(this.kind, key));
  }
}

/** Scans: what fits into memory is soon walked. */
class MemoryUserCollection<K extends UserKind> extends MemoryCollection<K> implements OfUser<RecordOf<K>> {
  readonly #userOf: (record: RecordOf<K>) => UserKey;

  constructor(kind: K, userOf: (record: RecordOf<K>) => UserKey) {
    super(kind);
    this.#userOf = userOf;
  }

  async listOfUser({ userId, connectorId }: UserKey): Promise<readonly RecordOf<K>[]> {
    return (await this.list()).filter((record) => {
      const user = this.#userOf(record);
      return user.userId === userId && user.connectorId === connectorId;
    });
  }
}

/** Sorts the keys for each page: what fits into memory is soon sorted. */
class MemoryPagedCollection<K extends PagedKind> extends MemoryCollection<K> implements InPages<RecordOf<K>> {
  async page(from: string, size: number): Promise<Page<RecordOf<K>>> {
    const later = (await this.list()).filter(({ id }) => id > from).sort((one, other) => (one.id < other.id ? -1 : 1));
    return pageOf(this.kind, later.slice(0, size), size);
  }
}

/** A shared record must not be changed by whoever reads it. Shallow: the types forbid the rest. */
const frozen = <Rec extends object>(record: Rec): Rec => Object.freeze({ ...record });

export function openMemory(): Storage {
  const collections = {
    clients: new MemoryCollection("clients"),
    authRequests: new MemoryCollection("authRequests"),
    authCodes: new MemoryCollection("authCodes"),
    refreshTokens: new MemoryUserCollection("refreshTokens", ({ claims, connectorId }) => ({
      userId: claims.userId,
      connectorId,
    })),
    passwords: new MemoryCollection("passwords"),
    offlineSessions: new MemoryCollection("offlineSessions"),
    userIdentities: new MemoryCollection("userIdentities"),
    authSessions: new MemoryUserCollection("authSessions", (session) => session),
    connectors: new MemoryCollection("connectors"),
    keys: new MemoryCollection("keys"),
    deviceRequests: new MemoryCollection("deviceRequests"),
    deviceTokens: new MemoryCollection("deviceTokens"),
    serverSecrets: new MemoryCollection("serverSecrets"),
    revokedTokens: new MemoryCollection("revokedTokens"),
    logoutDeliveries: new MemoryPagedCollection("logoutDeliveries"),
    upstreamSessions: new MemoryCollection("upstreamSessions"),
    accountTokens: new MemoryCollection("accountTokens"),
    mailDeliveries: new MemoryPagedCollection("mailDeliveries"),
    loginAttempts: new MemoryCollection("loginAttempts"),
  };
  return {
    ...collections,
    collectGarbage: (now, batch) => collectKinds(collections, now, batch),
    ping: async () => {},
    close: async () => {},
  };
}

/** A `config` is accepted and means nothing. compat(dex): storage/memory. */
export const memory: StorageType = {
  type: "memory",
  config: { parse: (value) => value },
  open: async () => openMemory(),
};
