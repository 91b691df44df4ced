/**
 * Every connector of a running server: the built-in password database, those of the configuration and those in
 * storage, opened and kept open. One that cannot be opened, or whose upstream dies later, disables its own button and
 * nothing else: it is tried again in the background, ever more seldom, until it works. (Dex tries on every login
 * instead, and so every login waits for a dead upstream.)
 *
 * The request path reads memory. What is stored is asked for at most once a second, by one caller for all. A
 * server whose connectors cannot change says `isStatic`, and they are read once; hand it the configured records
 * alone as `connectors`, and storage is never asked.
 */
import { isDeepStrictEqual } from "node:util";
import type { ConnectorDeps, ConnectorInfo, Connectors, PasswordConnector } from "../connector/contract.ts";
import { millis } from "../kernel/ports.ts";
import type { Prepared } from "../kernel/prepared.ts";
import { secretEqual } from "../kernel/secret-equal.ts";
import type { Storage } from "../storage/contract.ts";
import type { ConnectorRecord } from "../storage/records.ts";
import { type ConnectorSlot, type ConnectorSlotDeps, createConnectorSlot } from "./connector-slot.ts";
import { succeed } from "./connector-succession.ts";

/** What one configuration makes of connectors. */
export interface ConnectorSource {
  readonly storage: { readonly connectors: Pick<Storage["connectors"], "list"> };
  /** The password database, if it is enabled. It has the id `local`, whoever else claims it. */
  readonly local: PasswordConnector | undefined;
  /** Whose word about people counts with the connectors that believe a proxy. */
  readonly trustedProxies?: ConnectorDeps["trustedProxies"];
}

export interface ConnectorPoolDeps extends Omit<ConnectorSlotDeps, "trustedProxies">, ConnectorSource {
  /** Nothing in `storage.connectors` changes while we run. */
  readonly isStatic: boolean;
  /** compat(dex): `DEX_CONTINUE_ON_CONNECTOR_FAILURE`. False: one that fails at the start ends the start. */
  readonly continueOnFailure: boolean;
}

export interface ConnectorPool extends Connectors {
  /**
   * Opens all of them at once, at the start. Unlike Dex it goes on when none opens: they will.
   * @throws {Error} There is none at all; or one does not open, or cannot be read, and `continueOnFailure` is false.
   */
  openAll(signal: AbortSignal): Promise<void>;
  /** As the present configuration has them, also when it is another one later: for requests that end as they began. */
  ofToday(): Connectors;
  /**
   * Opens what `next` has that differs among `configured`, so that it can be gone on with. Connectors in storage are not
   * the configuration's: one that does not open refuses nothing. @throws {Error} One does not open: nothing has changed.
   */
  prepare(next: ConnectorSource, configured: readonly ConnectorRecord[]): Promise<PreparedConnectors>;
  /** Stops every retry and closes what is open. */
  close(): Promise<void>;
}

export interface PreparedConnectors extends Prepared {
  /** As {@link ConnectorPool.ofToday} once it is committed. */
  readonly connectors: Connectors;
}

const listLifetime = 1_000;
/** How long a replaced connector stays open for the logins that still hold it. */
const retirement = millis(60_000);

const localInfo: ConnectorInfo = { id: "local", type: "local", name: "Email", grantTypes: [] };

type Slots = ReadonlyMap<string, ConnectorSlot>;

/** One configuration's view of the slots. */
interface Generation {
  readonly source: ConnectorSource;
  /** As they were when another one took over. */
  last?: Slots;
}

/** Who is asked about has its upstream looked at, where nobody has lately. */
function infoOf(slot: ConnectorSlot): ConnectorInfo {
  slot.glance();
  return slot.info();
}

export function createConnectorPool(deps: ConnectorPoolDeps): ConnectorPool {
  const { isStatic, continueOnFailure, clock, logger } = deps;
  const closing = new AbortController();
  const retiring = new Set<Promise<void>>();
  /** Opened, and not committed yet. */
  const coming = new Set<ConnectorSlot>();
  let generation: Generation = { source: deps };
  let slots: Slots = new Map();
  let readAt = Number.NaN;
  let reading: Promise<void> | undefined;

  async function read(): Promise<void> {
    const asked = generation;
    // The age counts from the question: the answer may be as old as that.
    const askedAt = clock.now();
    const records = await asked.source.storage.connectors.list();
    // What an earlier configuration was told is no news.
    if (closing.signal.aborted || asked !== generation) return;
    slots = adopt(records, new Map());
    readAt = askedAt;
  }

  /**
   * The slots of `records`: those that are `opened` for them, those whose record is the same, successors of those whose
   * record changed, new ones.
   */
  function adopt(records: readonly ConnectorRecord[], opened: Slots): Slots {
    const { source } = generation;
    const adopted = new Map<string, ConnectorSlot>();
    for (const record of lastOfEach(records, source)) {
      const known = slots.get(record.id);
      const next = opened.get(record.id);
      if (next !== undefined) {
        adopted.set(record.id, next);
        if (known !== undefined) retire(known.incumbent?.() ?? known);
      } else if (known === undefined) adopted.set(record.id, newSlot(record, source));
      else if (sameRecord(known.record, record)) adopted.set(record.id, known);
      else adopted.set(record.id, succeed(known.incumbent?.() ?? known, newSlot(record, source), retire));
    }
    for (const slot of slots.values()) if (!adopted.has(slot.record.id)) retire(slot);
    for (const id of slots.keys()) if (!adopted.has(id)) deps.observer.reached(id, undefined);
    return adopted;
  }

  function newSlot(record: ConnectorRecord, { trustedProxies = [] }: ConnectorSource): ConnectorSlot {
    return createConnectorSlot(record, {
      ...deps,
      trustedProxies,
      // Of two of one id the retired one, or the one that is not in use yet, has nothing to tell.
      observer: {
        reached: (id, isThere) => void (slots.get(id)?.record === record && deps.observer.reached(id, isThere)),
      },
    });
  }

  function retire(slot: ConnectorSlot): void {
    slot.retire();
    const retired = clock
      .sleep(retirement, closing.signal)
      .catch(() => undefined)
      .then(() => slot.close())
      .finally(() => retiring.delete(retired));
    retiring.add(retired);
  }

  async function current(): Promise<Slots> {
    const age = clock.now() - readAt;
    // A clock that was set back makes no list young.
    const isFresh = isStatic ? !Number.isNaN(readAt) : age >= 0 && age < listLifetime;
    if (!isFresh) {
      reading ??= read().finally(() => {
        reading = undefined;
      });
      await reading;
    }
    return slots;
  }

  async function openEach(): Promise<void> {
    const all = [...(await current()).values()];
    assertAny(all, generation.source);
    const failures = await openThem(all);
    const [first] = failures;
    if (first === undefined) return;
    if (!continueOnFailure) throw notOpened(first);
    if (failures.length === all.length)
      logger.error(`server: failed to open all connectors (${all.length}/${all.length})`);
  }

  /** Those that go on as they are: their upstream may be away, it is no matter of the new configuration. */
  function goesOn(record: ConnectorRecord, next: ConnectorSource): boolean {
    const known = slots.get(record.id);
    if (known === undefined || !sameRecord(known.record, record)) return false;
    const { trustedProxies } = generation.source;
    return record.type !== "authproxy" || isDeepStrictEqual(trustedProxies, next.trustedProxies);
  }

  const viewOf = (of: () => Generation): Connectors => {
    const now = async (): Promise<Slots> => of().last ?? current();
    return {
      async list() {
        const infos = [...(await now()).values()].map(infoOf);
        return of().source.local === undefined ? infos : [...infos, localInfo];
      },
      async find(id) {
        if (of().source.local !== undefined && id === localInfo.id) return localInfo;
        const slot = (await now()).get(id);
        return slot && infoOf(slot);
      },
      async open(id) {
        const { local } = of().source;
        if (local !== undefined && id === localInfo.id) return { info: localInfo, connector: local };
        return (await now()).get(id)?.open();
      },
    };
  };

  return {
    ...viewOf(() => generation),
    ofToday() {
      const today = generation;
      return viewOf(() => today);
    },
    async openAll(signal) {
      try {
        await unlessAborted(signal, openEach());
      } catch (error) {
        if (signal.aborted || !continueOnFailure || error instanceof NoConnectorsError) throw error;
        logger.error("server: failed to list connector objects from storage", {}, error);
      }
    },
    async prepare(next, configured) {
      const askedAt = clock.now();
      const records = await next.storage.connectors.list();
      assertAny(records, next);
      const ids = new Set(configured.map(({ id }) => id));
      const differing = lastOfEach(records, next).filter((record) => ids.has(record.id) && !goesOn(record, next));
      const opened = new Map(differing.map((record) => [record.id, newSlot(record, next)]));
      for (const slot of opened.values()) coming.add(slot);
      const abandon = (): void => {
        for (const slot of opened.values()) {
          coming.delete(slot);
          void slot.close();
        }
      };
      const [first] = await openThem([...opened.values()]);
      if (first !== undefined) {
        abandon();
        throw notOpened(first);
      }
      const successor: Generation = { source: next };
      return {
        connectors: viewOf(() => successor),
        abandon,
        commit() {
          generation.last = slots;
          generation = successor;
          slots = adopt(records, opened);
          readAt = askedAt;
          for (const [id, slot] of opened) {
            coming.delete(slot);
            deps.observer.reached(id, slot.info().unavailable === undefined);
          }
        },
      };
    },
    async close() {
      closing.abort();
      await Promise.all([...retiring, ...[...slots.values(), ...coming].map((slot) => slot.close())]);
      await generation.source.local?.close?.();
    },
  };
}

/** compat(dex): of two with the same id the last one counts. */
const lastOfEach = (records: readonly ConnectorRecord[], { local }: ConnectorSource): readonly ConnectorRecord[] =>
  [...new Map(records.map((each) => [each.id, each])).values()].filter(
    ({ id }) => local === undefined || id !== localInfo.id,
  );

/** @throws {NoConnectorsError} Nobody could sign in. */
function assertAny(all: readonly unknown[], { local }: ConnectorSource): void {
  if (all.length === 0 && local === undefined) throw new NoConnectorsError("server: no connectors specified");
}

interface NotOpened {
  readonly id: string;
  readonly reason: unknown;
}

const notOpened = ({ id, reason }: NotOpened): Error =>
  new Error(`server: Failed to open connector ${id}`, { cause: reason });

/** Those that do not open now. */
async function openThem(all: readonly ConnectorSlot[]): Promise<readonly NotOpened[]> {
  const opening = all.map((slot) =>
    slot.open().then(
      () => [],
      (reason: unknown) => [{ id: slot.record.id, reason }],
    ),
  );
  return (await Promise.all(opening)).flat();
}

class NoConnectorsError extends Error {
  override readonly name = "NoConnectorsError";
}

/** A backend may forget to raise the version, and a configured record has none: what was written decides as well. */
function sameRecord(known: ConnectorRecord, now: ConnectorRecord): boolean {
  return (
    known.resourceVersion === now.resourceVersion &&
    known.type === now.type &&
    known.name === now.name &&
    known.grantTypes.join(" ") === now.grantTypes.join(" ") &&
    secretEqual(known.config.reveal(), now.config.reveal())
  );
}

async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const settled = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true, signal: settled.signal });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    settled.abort();
  }
}
