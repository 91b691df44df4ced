import type { Logger, Random } from "../../kernel/ports.ts";
import type { OfUser, UserKind } from "../contract.ts";
import type { AuthSession, RecordKinds, RefreshToken, UserKey } from "../records.ts";
import { ownerOf } from "../shared/owner.ts";
import type { Found } from "./codec.ts";
import { EtcdCollection } from "./collection.ts";
import { ExpiringCollection } from "./expiring.ts";
import type { Store } from "./store.ts";
import { indexedIds, indexIfPresent, indexKey } from "./user-index.ts";

/** Records that one transaction asks for or writes. */
const atOnce = 50;

const isOf = <K extends UserKind>(kind: K, record: RecordKinds[K]["record"], user: UserKey): boolean => {
  const owner = ownerOf(kind, record);
  return owner?.userId === user.userId && owner.connectorId === user.connectorId;
};

/** Refresh tokens, found by the index and by what the person's offline session names. */
export class RefreshTokens extends EtcdCollection<"refreshTokens"> implements OfUser<RefreshToken> {
  readonly #offlineSessions: EtcdCollection<"offlineSessions">;

  constructor(store: Store, random: Random, offlineSessions: EtcdCollection<"offlineSessions">) {
    super("refreshTokens", store, random);
    this.#offlineSessions = offlineSessions;
  }

  async listOfUser(user: UserKey): Promise<readonly RefreshToken[]> {
    const [indexed, session] = await Promise.all([
      indexedIds(this.store, "refreshTokens", user),
      this.#offlineSessions.get(user),
    ]);
    const named = Object.values(session?.refresh ?? {}).map(({ id }) => id);
    const found = await inParts([...new Set([...indexed, ...named])], (ids) => this.findMany(ids));
    const records = found.flatMap((each) => (each === undefined ? [] : [each.record]));
    return records.filter((record) => isOf("refreshTokens", record, user));
  }
}

/** Sessions, found by the index once this process has seen them all, and by looking at each until then. */
export class AuthSessions extends ExpiringCollection<"authSessions"> implements OfUser<AuthSession> {
  /** Every session that is older than this revision has its index key. */
  #indexedUntil: bigint | undefined;
  #walkBegan: bigint | undefined;

  constructor(store: Store, random: Random, logger: Logger) {
    super("authSessions", store, random, logger);
  }

  async listOfUser(user: UserKey): Promise<readonly AuthSession[]> {
    const records = this.#indexedUntil === undefined ? await this.list() : await this.#indexed(user);
    return records.filter((session) => isOf("authSessions", session, user));
  }

  async #indexed(user: UserKey): Promise<readonly AuthSession[]> {
    const ids = await indexedIds(this.store, "authSessions", user);
    const found = await inParts(ids, (some) => this.findMany(some));
    return found.flatMap((each) => (each === undefined ? [] : [each.record]));
  }

  /** Sessions that Dex wrote since the last walk get their index keys. */
  protected override async onAlive(alive: readonly Found<"authSessions">[], revision: string): Promise<void> {
    this.#walkBegan ??= BigInt(revision);
    const fresh = alive.filter(({ createdAt }) => BigInt(createdAt) > (this.#indexedUntil ?? 0n));
    await inParts(fresh, async (some) => {
      const keys = some.map(({ record }) => indexKey("authSessions", record, record.id));
      const present = await this.store.getAll(keys);
      const missing = some.filter((_, place) => present[place] === undefined);
      if (missing.length > 0) {
        const success = missing.map(({ record }) => indexIfPresent(this.store, "authSessions", record, record.id));
        await this.store.txn({ compare: [], success });
      }
      return present;
    });
  }

  protected override async onEnd(): Promise<void> {
    this.#indexedUntil = this.#walkBegan;
    this.#walkBegan = undefined;
  }
}

/** `work` on all of them, as many at once as a transaction may hold. */
async function inParts<Item, Result>(
  items: readonly Item[],
  work: (some: readonly Item[]) => Promise<readonly Result[]>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (let start = 0; start < items.length; start += atOnce) {
    results.push(...(await work(items.slice(start, start + atOnce))));
  }
  return results;
}
