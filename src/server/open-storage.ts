import type { Config } from "../config/config.ts";
import { UnavailableError } from "../kernel/errors.ts";
import { goJson } from "../kernel/go-json.ts";
import { Secret } from "../kernel/secret.ts";
import type { Storage, StorageDeps, StorageReport, StorageType } from "../storage/contract.ts";
import { countRecords } from "../storage/copy-storage.ts";
import type { ConnectorRecord } from "../storage/records.ts";
import { storageTypes } from "../storage/registry.ts";
import { withStaticRecords } from "../storage/static-overlay.ts";

/** What is stored, with the configuration's own clients, passwords and connectors on top. */
export function withConfigured(stored: Storage, config: Config): Storage {
  const connectors = configuredConnectors(config);
  return withStaticRecords(stored, { clients: config.staticClients, passwords: config.staticPasswords, connectors });
}

export const configuredConnectors = ({ connectors, enablePasswordDB }: Config): readonly ConnectorRecord[] => [
  ...connectors.map(staticConnector),
  ...(enablePasswordDB ? [localConnector] : []),
];

/** What the database holds and nothing else. */
export async function openBareStorage(config: Config, deps: StorageDeps, workers = 1): Promise<Storage> {
  const type = await storageTypeOf(config);
  try {
    return await type.open(type.config.parse(settingsOf(config, workers)), deps);
  } catch (error) {
    // compat(dex): operators know this prefix.
    const message = `failed to initialize storage: ${error instanceof Error ? error.message : String(error)}`;
    if (error instanceof UnavailableError) throw new UnavailableError(error.dependency, message, { cause: error });
    throw new Error(message, { cause: error });
  }
}

/** A look at the database that writes nothing. @throws {Error} It cannot be reached or read. */
export async function inspectStorage(config: Config, deps: StorageDeps): Promise<StorageReport> {
  const type = await storageTypeOf(config);
  if (type.inspect !== undefined) return type.inspect(type.config.parse(settingsOf(config)), deps);
  const storage = await openBareStorage(config, deps);
  try {
    return { schema: "", pending: [], counts: await countRecords(storage) };
  } finally {
    await storage.close();
  }
}

const storageTypeOf = ({ storage }: Config): Promise<StorageType> => storageTypes[storage.type]();

/** The flag swaps one set of Dex's tables for the other. */
const settingsOf = ({ storage, flags }: Config, workers = 1): unknown => ({
  ...storage.config,
  ...("maxOpenConns" in storage.config ? { maxOpenConns: shareOf(storage.config.maxOpenConns, workers) } : {}),
  ...(["sqlite3", "postgres", "mysql"].includes(storage.type) ? { ent: flags.DEX_ENT_ENABLED } : {}),
});

/** A limit that somebody set is the process's. Left open, a worker has five as Dex does, but all together twenty. */
const shareOf = (most: number, workers: number): number =>
  Math.max(1, Math.floor((most > 0 ? most : Math.min(5 * workers, 20)) / workers));

const staticConnector = ({ id, type, name, config, grantTypes }: Config["connectors"][number]): ConnectorRecord => ({
  id,
  type,
  name,
  resourceVersion: "",
  config: new Secret(Buffer.from(goJson(config))),
  grantTypes,
});

/** The built-in password database. compat(dex): after the configured ones, under this id and name. */
const localConnector: ConnectorRecord = {
  id: "local",
  type: "local",
  name: "Email",
  resourceVersion: "",
  config: new Secret(new Uint8Array()),
  grantTypes: [],
};
