import type { Config } from "../config/config.ts";
import { UnavailableError } from "../kernel/errors.ts";
import { goJson } from "../kernel/go-json.ts";
import { Secret } from "../kernel/secret.ts";
import type { Storage, StorageDeps } from "../storage/contract.ts";
import type { ConnectorRecord } from "../storage/records.ts";
import { storageTypes } from "../storage/registry.ts";
import { withStaticRecords } from "../storage/static-overlay.ts";

/** The configured storage, with the configuration's own clients, passwords and connectors on top. */
export async function openStorage(config: Config, deps: StorageDeps): Promise<Storage> {
  const load = storageTypes[config.storage.type];
  if (load === undefined) throw new Error(`the storage type ${config.storage.type} is not built yet`);
  const type = await load();
  let stored: Storage;
  try {
    stored = await type.open(type.config.parse(settingsOf(config)), deps);
  } catch (error) {
    // compat(dex): operators know this prefix.
    const message = `failed to initialize storage: ${error instanceof Error ? error.message : String(error)}`;
    if (error instanceof UnavailableError) throw new UnavailableError(error.dependency, message, { cause: error });
    throw new Error(message, { cause: error });
  }
  deps.logger.info("config storage", { storage_type: config.storage.type });
  const connectors = [...config.connectors.map(staticConnector), ...(config.enablePasswordDB ? [localConnector] : [])];
  return withStaticRecords(stored, { clients: config.staticClients, passwords: config.staticPasswords, connectors });
}

/** The flag swaps one set of Dex's tables for the other. */
const settingsOf = ({ storage, flags }: Config): unknown => ({
  ...storage.config,
  ...(["sqlite3", "postgres", "mysql"].includes(storage.type) ? { ent: flags.DEX_ENT_ENABLED } : {}),
});

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
