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
import type { ConnectorInfo, Connectors, PasswordConnector } from "../connector/contract.ts";
import { millis } from "../kernel/ports.ts";
import { secretEqual } from "../kernel/secret-equal.ts";
import type { Storage } from "../storage/contract.ts";
import type { ConnectorRecord } from "../storage/records.ts";
import { type ConnectorSlot, type ConnectorSlotDeps, createConnectorSlot } from "./connector-slot.ts";
import { succeed } from "./connector-succession.ts";

export interface ConnectorPoolDeps extends ConnectorSlotDeps {
  readonly storage: { readonly connectors: Pick<Storage["connectors"], "list"> };
  /** The password database, if it is enabled now. It has the id `local`, whoever else claims it. */
  readonly local: () => PasswordConnector | undefined;
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
  /** Looks at the records now, and opens what is new. @throws {UnavailableError} They cannot be read. */
  reread(): Promise<void>;
  /** Stops every retry and closes what is open. */
  close(): Promise<void>;
}

const listLifetime = 1_000;
/** How long a replaced connector stays open for the logins that still hold it. */
const retirement = millis(60_000);

const localInfo: ConnectorInfo = { id: "local", type: "local", name: "Email", grantTypes: [] };

export function createConnectorPool(deps: ConnectorPoolDeps): ConnectorPool {
  const { storage, isStatic, continueOnFailure, clock, logger } = deps;
  const closing = new AbortController();
  const retiring = new Set<Promise<void>>();
  let slots: ReadonlyMap<string, ConnectorSlot> = new Map();
  let readAt = Number.NaN;
  let reading: Promise<void> | undefined;

  async function read(): Promise<void> {
    // The age counts from the question: the answer may be as old as that.
    const askedAt = clock.now();
    const records = await storage.connectors.list();
    if (closing.signal.aborted) return;
    slots = adopt(records);
    readAt = askedAt;
  }

  /** The slots of `records`: those whose record is the same, successors of those whose record changed, new ones. */
  function adopt(records: readonly ConnectorRecord[]): ReadonlyMap<string, ConnectorSlot> {
    const adopted = new Map<string, ConnectorSlot>();
    // compat(dex): of two with the same id the last one counts.
    for (const record of new Map(records.map((each) => [each.id, each])).values()) {
      if (deps.local() !== undefined && record.id === localInfo.id) continue;
      const known = slots.get(record.id);
      if (known === undefined) adopted.set(record.id, newSlot(record));
      else if (sameRecord(known.record, record)) adopted.set(record.id, known);
      else adopted.set(record.id, succeed(known.incumbent?.() ?? known, newSlot(record), retire));
    }
    for (const slot of slots.values()) if (!adopted.has(slot.record.id)) retire(slot);
    for (const id of slots.keys()) if (!adopted.has(id)) deps.observer.reached(id, undefined);
    return adopted;
  }

  function newSlot(record: ConnectorRecord): ConnectorSlot {
    return createConnectorSlot(record, {
      ...deps,
      // Of two of one id the retired one has nothing to tell.
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

  async function current(): Promise<ReadonlyMap<string, ConnectorSlot>> {
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
    if (all.length === 0 && deps.local() === undefined) throw new NoConnectorsError("server: no connectors specified");
    const results = await Promise.allSettled(all.map((slot) => slot.open()));
    const failures = results.flatMap((result, index) =>
      result.status === "rejected" ? [{ id: all[index]?.record.id, reason: result.reason }] : [],
    );
    const [first] = failures;
    if (first === undefined) return;
    if (!continueOnFailure) throw new Error(`server: Failed to open connector ${first.id}`, { cause: first.reason });
    if (failures.length === all.length)
      logger.error(`server: failed to open all connectors (${all.length}/${all.length})`);
  }

  return {
    async list() {
      const infos = [...(await current()).values()].map((slot) => {
        slot.glance();
        return slot.info();
      });
      return deps.local() === undefined ? infos : [...infos, localInfo];
    },
    async open(id) {
      const local = deps.local();
      if (local !== undefined && id === localInfo.id) return { info: localInfo, connector: local };
      return (await current()).get(id)?.open();
    },
    async openAll(signal) {
      try {
        await unlessAborted(signal, openEach());
      } catch (error) {
        if (signal.aborted || !continueOnFailure || error instanceof NoConnectorsError) throw error;
        logger.error("server: failed to list connector objects from storage", {}, error);
      }
    },
    async reread() {
      await read();
      for (const slot of slots.values()) {
        // The slot has said why in the log, and tries again.
        slot.open().catch(() => undefined);
      }
    },
    async close() {
      closing.abort();
      await Promise.all([...retiring, ...[...slots.values()].map((slot) => slot.close())]);
      await deps.local()?.close?.();
    },
  };
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
