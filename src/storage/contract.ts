/**
 * Storage remembers. It owns durability, atomicity of one record, and Dex's formats on disk; it decides
 * nothing about logins. Every backend offers the same five verbs for every kind of record and passes the
 * one suite in `conformance/`.
 */
import type { Clock, Logger, Random } from "../kernel/ports.ts";
import type { KindName, RecordKinds, UserKey } from "./records.ts";

/** The key is taken; what was stored is unchanged. */
export class AlreadyExistsError extends Error {
  override readonly name = "AlreadyExistsError";
}

/** The record comes from the configuration file and can only be changed there. */
export class ReadOnlyError extends Error {
  override readonly name = "ReadOnlyError";
}

/** One kind of record. The same verbs for every kind in every backend. All reject with UnavailableError when the store is away. */
export interface Collection<Key, Rec> {
  /** Resolves once the record is durable. @throws {AlreadyExistsError} The key is taken; what was stored is unchanged. */
  create(record: Rec): Promise<void>;
  get(key: Key): Promise<Rec | undefined>;
  list(): Promise<readonly Rec[]>;
  /**
   * Compare-and-swap: resolves to what was stored, or undefined if the key is gone.
   * `change` is synchronous and pure, because a conflict calls it again; it must not touch storage.
   * If it throws, nothing is written and the error comes back as it is. If it returns its argument, nothing is written.
   * The key never changes.
   */
  update(key: Key, change: (current: Rec) => Rec): Promise<Rec | undefined>;
  /** Of several concurrent deletes exactly one resolves to true. Single-use codes rest on this. RFC 6749 §4.1.2. */
  delete(key: Key): Promise<boolean>;
}

/** What one person has, without a walk over everybody's. */
export interface OfUser<Rec> {
  listOfUser(user: UserKey): Promise<readonly Rec[]>;
}

/** The kinds that answer {@link OfUser.listOfUser}. */
export type UserKind = "refreshTokens" | "authSessions";

/** Some of a kind's records. */
export interface Page<Rec> {
  readonly records: readonly Rec[];
  /** Where the next one begins; empty: there is none. */
  readonly next: string;
}

/** What may be more than memory holds. */
export interface InPages<Rec> {
  /**
   * At most `size` records. `from` is empty, or the `next` of the page before. Whatever is stored all the while is on a
   * page; what comes or goes meanwhile may be, and where the store forgets a walk, some come twice.
   */
  page(from: string, size: number): Promise<Page<Rec>>;
}

/** The kinds that answer {@link InPages.page}. */
export type PagedKind = "logoutDeliveries" | "mailDeliveries";

export type Collections = {
  readonly [K in KindName]: Collection<RecordKinds[K]["key"], RecordKinds[K]["record"]> &
    (K extends UserKind ? OfUser<RecordKinds[K]["record"]> : unknown) &
    (K extends PagedKind ? InPages<RecordKinds[K]["record"]> : unknown);
};

/** What one run of the collection did. */
export interface Collected {
  readonly deleted: Readonly<Partial<Record<KindName, number>>>;
  /** False: the batch was full, and there is more. */
  readonly isDone: boolean;
}

/**
 * Everything we remember. There is no transaction across records, since etcd and Kubernetes have none:
 * order your writes so that a crash between two of them leaves the safer state.
 */
export interface Storage extends Collections {
  /** Deletes at most `batch` records of each kind that expired strictly before `now` (ms). Safe to run on every replica at once. */
  collectGarbage(now: number, batch: number): Promise<Collected>;
  /** Whether the database answers; reads, never writes. @throws {UnavailableError} It does not. Rejects when `signal` aborts. */
  ping(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** What every backend is given. */
export interface StorageDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Where a cluster tells its pods what they need. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** What a look at a store finds, before anything is opened for writing. */
export interface StorageReport {
  /** The schema's version in the database's own words, "13 of 23"; empty where there is none. */
  readonly schema: string;
  /** What opening would do to it, a line each. */
  readonly pending: readonly string[];
  readonly counts: Readonly<Partial<Record<KindName, number>>>;
}

/** One kind of database, as `storage.type` names it. */
export interface StorageType<Config = unknown> {
  readonly type: string;
  /** Validates and types `storage.config`. */
  readonly config: { parse(value: unknown): Config };
  /** Opens and migrates. @throws {Error} It cannot be reached or read. */
  open(config: Config, deps: StorageDeps): Promise<Storage>;
  /** Looks and writes nothing. Absent: {@link open} writes nothing either. @throws {Error} as {@link open}. */
  inspect?(config: Config, deps: StorageDeps): Promise<StorageReport>;
}
