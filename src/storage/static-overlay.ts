import { type Collection, ReadOnlyError, type Storage } from "./contract.ts";
import type { Client, ConnectorRecord, Password } from "./records.ts";

/** What the configuration file holds. */
export interface StaticRecords {
  readonly clients: readonly Client[];
  readonly passwords: readonly Password[];
  readonly connectors: readonly ConnectorRecord[];
}

/**
 * `storage` with the configuration's records on top: they win over stored ones of the same key, are listed after
 * them, and can only be changed in the file. A kind without any stays as it is, so that nothing is paid for it.
 * compat(dex): storage/static.go, with its error texts.
 */
export function withStaticRecords(storage: Storage, records: StaticRecords): Storage {
  return {
    ...storage,
    clients: overlay(storage.clients, records.clients, "client", ({ id }) => id),
    passwords: overlay(storage.passwords, records.passwords, "password", ({ email }) => email.toLowerCase()),
    connectors: overlay(storage.connectors, records.connectors, "connector", ({ id }) => id),
  };
}

function overlay<Rec>(
  stored: Collection<string, Rec>,
  fixed: readonly Rec[],
  name: "client" | "password" | "connector",
  keyOf: (record: Rec) => string,
): Collection<string, Rec> {
  if (fixed.length === 0) return stored;
  const normal = (key: string): string => (name === "password" ? key.toLowerCase() : key);
  // compat(dex): of two with the same key the last is found, and both are listed.
  const byKey = new Map(fixed.map((record) => [keyOf(record), record]));
  const guard = (key: string, verb: string): void => {
    if (byKey.has(normal(key))) throw new ReadOnlyError(`static ${name}s: read-only cannot ${verb} ${name}`);
  };
  return {
    async create(record) {
      guard(keyOf(record), "create");
      await stored.create(record);
    },
    async get(key) {
      return byKey.get(normal(key)) ?? stored.get(key);
    },
    async list() {
      const others = (await stored.list()).filter((record) => !byKey.has(keyOf(record)));
      return [...others, ...fixed];
    },
    async update(key, change) {
      guard(key, "update");
      return stored.update(key, change);
    },
    async delete(key) {
      guard(key, "delete");
      return stored.delete(key);
    },
  };
}
