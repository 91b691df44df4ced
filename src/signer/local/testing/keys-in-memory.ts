import { AlreadyExistsError, type Collection } from "../../../storage/contract.ts";
import type { Keys } from "../../../storage/records.ts";

/** Storage for one `keys` record that takes its time, as a database does, and fails when told to. */
export interface KeysInMemory extends Collection<"keys", Keys> {
  /** What is stored now. */
  readonly stored: () => Keys | undefined;
  /** As another program would write it. */
  put(keys: Keys | undefined): void;
  /** Everything that was ever written, in order. */
  readonly history: readonly Keys[];
  /** How often it was read, written, and asked for anything. */
  readonly counts: { reads: number; writes: number; attempts: number };
  /** Every call rejects with this until it is undefined again. */
  fail(error: Error | undefined): void;
}

/** `pause` is awaited before and after every access. Updates are optimistic, so `change` is called again after a conflict. */
export function keysInMemory(pause: () => Promise<void> = async () => undefined): KeysInMemory {
  let record: Keys | undefined;
  let failure: Error | undefined;
  const history: Keys[] = [];
  const counts = { reads: 0, writes: 0, attempts: 0 };

  const access = async (): Promise<void> => {
    counts.attempts++;
    await pause();
    if (failure !== undefined) throw failure;
  };
  const write = (keys: Keys | undefined): void => {
    counts.writes++;
    if (keys !== undefined) history.push(keys);
    record = keys;
  };

  return {
    stored: () => record,
    put: (keys) => {
      record = keys;
    },
    history,
    counts,
    fail: (error) => {
      failure = error;
    },
    create: async (keys) => {
      await access();
      if (record !== undefined) throw new AlreadyExistsError("keys");
      write(keys);
      await pause();
    },
    get: async () => {
      await access();
      counts.reads++;
      const read = record;
      await pause();
      return read;
    },
    list: async () => {
      await access();
      return record === undefined ? [] : [record];
    },
    update: async (_key, change) => {
      for (;;) {
        await access();
        const before = record;
        if (before === undefined) return undefined;
        const after = change(before);
        if (after === before) return before;
        await access();
        if (record !== before) continue;
        write(after);
        await pause();
        return after;
      }
    },
    delete: async () => {
      await access();
      const existed = record !== undefined;
      write(undefined);
      return existed;
    },
  };
}
