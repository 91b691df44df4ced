import { availableParallelism } from "node:os";
import type { AdminDeps } from "../admin/contract.ts";
import type { Config } from "../config/config.ts";
import type { Connectors } from "../connector/contract.ts";
import { openLocal } from "../connector/local/local.ts";
import { connectorTypes } from "../connector/registry.ts";
import type { Provider } from "../endpoint/provider.ts";
import { mayBeClient } from "../flow/client-address.ts";
import { createLogoutCourier, type LogoutCourier } from "../flow/logout-courier.ts";
import { type BcryptPool, createBcryptPool } from "../kernel/bcrypt-pool.ts";
import { createHealth } from "../kernel/health.ts";
import { noObserver } from "../kernel/ports.ts";
import type { Prepared } from "../kernel/prepared.ts";
import { createSealer } from "../kernel/seal.ts";
import { createUpstreams } from "../kernel/upstream-fetch.ts";
import type { MailCourier } from "../mail/mail-courier.ts";
import type { Signer } from "../signer/contract.ts";
import type { Storage } from "../storage/contract.ts";
import { openBlockedUsers } from "../token/blocked-users.ts";
import { keepLimiters } from "../token/limits.ts";
import { AnsweredConnections } from "../token/replay.ts";
import { openRevocations } from "../token/revocations.ts";
import { adminDepsOf } from "./admin-deps.ts";
import { buildProvider, type Memory } from "./build-provider.ts";
import { type ConnectorPool, type ConnectorSource, createConnectorPool } from "./connector-pool.ts";
import { observedFetch, observedStorage } from "./observed.ts";
import { type Accounts, openAccounts } from "./open-accounts.ts";
import { openSigner } from "./open-signer.ts";
import { configuredConnectors, openBareStorage, withConfigured } from "./open-storage.ts";
import { loadRootSecret } from "./root-secret.ts";
import type { RoomDeps, ServerDeps } from "./server-deps.ts";

/** Everything behind the listeners. */
export interface Rooms {
  /** Of the configuration as it is now. */
  provider(): Provider;
  /** What the gRPC API works on. */
  admin(): AdminDeps;
  readonly signer: Signer;
  readonly storage: Storage;
  readonly courier: LogoutCourier;
  readonly bcrypt: BcryptPool;
  /** Gets ready for another configuration. @throws {Error} It cannot be gone on with: nothing has changed. */
  prepare(config: Config): Promise<PreparedRooms>;
  /** Undefined: nothing is mailed. */
  readonly mails: MailCourier | undefined;
  close(): Promise<void>;
}

export interface PreparedRooms extends Prepared {
  /** Of the configuration to come. */
  readonly provider: Provider;
}

/** @throws {UnavailableError} Storage does not answer. @throws {Error} It cannot be opened or read. */
export async function openRooms(config: Config, deps: RoomDeps): Promise<Rooms> {
  const bare = await openBareStorage(config, deps, deps.workers);
  deps.logger.info("config storage", { storage_type: config.storage.type });
  try {
    return await openOn(deps.observer === noObserver ? bare : observedStorage(bare, deps.observer), config, deps);
  } catch (error) {
    await bare.close();
    throw error;
  }
}

async function openOn(stored: Storage, config: Config, deps: RoomDeps): Promise<Rooms> {
  const { clock, random, logger, observer } = deps;
  let overlaid = withConfigured(stored, config);
  // What outlives a change of the configuration sees its records through this.
  const storage: Storage = {
    ...stored,
    get clients() {
      return overlaid.clients;
    },
    get passwords() {
      return overlaid.passwords;
    },
    get connectors() {
      return overlaid.connectors;
    },
  };
  const openFetch = observedFetch(createUpstreams(deps.env), observer);
  const closing = new AbortController();
  // On a first start both are made, and written: the signing key takes as long to make as the other to write.
  const [root, signer] = await Promise.all([
    loadRootSecret(storage, clock, random),
    openSigner(config, { ...deps, keys: storage.keys, openFetch, closing: closing.signal }),
  ]);
  // Half the cores for passwords: a login storm must leave the other half to everybody else.
  const threads = Math.max(1, Math.floor(availableParallelism() / 2 / (deps.workers ?? 1)));
  const bcrypt = createBcryptPool({ threads, maxQueue: 256 });
  const sourceOf = ({ enablePasswordDB, web }: Config, { connectors, passwords }: Storage): ConnectorSource => ({
    storage: { connectors },
    local: enablePasswordDB ? openLocal({ passwords, bcrypt }) : undefined,
    trustedProxies: web.clientRemoteIP.trustedProxies,
  });
  const connectors = createConnectorPool({
    ...sourceOf(config, overlaid),
    types: connectorTypes,
    isStatic: false,
    continueOnFailure: config.flags.DEX_CONTINUE_ON_CONNECTOR_FAILURE,
    clock,
    random,
    logger,
    openFetch,
    observer,
  });
  const sealer = createSealer(root);
  let accounts: Accounts;
  try {
    accounts = await openAccounts(config, { ...deps, storage, sealer, current: () => current.provider.account });
    await openConnectors(connectors, config, deps);
  } catch (error) {
    closing.abort();
    await connectors.close();
    await bcrypt.close();
    throw error;
  }
  const courier = createLogoutCourier({
    storage,
    mint: { issuer: config.issuer, signer, clock, random },
    fetch: openFetch(
      { deadline: 5_000, maxBody: 64 * 1024, mayReach: mayBeClient },
      { dependency: "clients", closing: closing.signal },
    ),
    clock,
    logger,
  });
  const memory = openMemory(storage, deps);
  /** What endpoints and API work with, as `wanted` has it. */
  const build = (wanted: Config, records: Storage, sources: Connectors) => {
    const opened = { root, sealer, signer, courier, bcrypt, accounts, memory };
    const provider = buildProvider(wanted, { ...deps, ...opened, storage: records, connectors: sources });
    return { provider, admin: adminDepsOf(wanted, provider, bcrypt) };
  };
  let current = build(config, overlaid, connectors.ofToday());
  return {
    provider: () => current.provider,
    admin: () => current.admin,
    signer,
    storage,
    courier,
    mails: accounts.mails,
    bcrypt,
    async prepare(next) {
      const records = withConfigured(stored, next);
      const sources = await connectors.prepare(sourceOf(next, records), configuredConnectors(next));
      try {
        const coming = build(next, records, sources.connectors);
        return {
          provider: coming.provider,
          abandon: sources.abandon,
          commit() {
            sources.commit();
            overlaid = records;
            current = coming;
          },
        };
      } catch (error) {
        sources.abandon();
        throw error;
      }
    },
    async close() {
      closing.abort();
      await connectors.close();
      await bcrypt.close();
      await accounts.close();
      await storage.close();
    },
  };
}

function openMemory(storage: Storage, { clock, others }: RoomDeps): Memory {
  return {
    revocations: openRevocations(storage, clock),
    blockedUsers: openBlockedUsers(storage.userIdentities, clock),
    answered: new AnsweredConnections(),
    limiter: keepLimiters(clock, others),
    health: createHealth((signal) => storage.ping(signal), clock),
  };
}

/** A server without any connector can sign nobody in. Nobody waits for a slow upstream, unless the start depends on it. */
async function openConnectors(
  connectors: ConnectorPool,
  config: Config,
  { logger, signal }: ServerDeps,
): Promise<void> {
  const opened = connectors.openAll(signal);
  if (!config.flags.DEX_CONTINUE_ON_CONNECTOR_FAILURE || (await connectors.list()).length === 0) return opened;
  opened.catch((error: unknown) => logger.error("connectors were not opened", {}, error));
}
