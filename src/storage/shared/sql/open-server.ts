import { UnavailableError } from "../../../kernel/errors.ts";
import type { Storage, StorageDeps } from "../../contract.ts";
import type { KindName } from "../../records.ts";
import { collectKinds } from "../collect-kinds.ts";
import type { Dialect } from "./dialect.ts";
import { type SqlDriver, SqlFault } from "./driver.ts";
import type { SqlLayout } from "./layout.ts";
import { migrateServer } from "./migrate-server.ts";
import { Pool, type PoolLimits } from "./pool.ts";
import { SqlClient } from "./sql-client.ts";
import { SqlCollection } from "./sql-collection.ts";

export interface SqlServer {
  readonly driver: SqlDriver;
  readonly dialect: Dialect;
  readonly layout: SqlLayout;
  readonly limits: PoolLimits;
}

/** Opens and migrates. @throws {UnavailableError} Nobody answers. @throws {Error} The database refuses us. */
export async function openSqlServer(
  { driver, dialect, layout, limits }: SqlServer,
  { clock, random, logger }: StorageDeps,
): Promise<Storage> {
  const client = new SqlClient(new Pool(driver, limits), random);
  try {
    await migrateServer(client, dialect, layout, clock.now(), logger);
  } catch (error) {
    await client.close();
    throw asOpening(error);
  }
  const collections = collectionsOf(dialect, layout, client);
  return {
    ...collections,
    collectGarbage: (now, batch) => collectKinds(collections, now, batch),
    ping: (signal) => untilAborted(client.read({ sql: "select 1", cells: [] }), signal),
    close: () => client.close(),
  };
}

/**
 * Who refuses us will not let us in for waiting: a wrong password, a certificate that does not fit. Who broke off, in the
 * middle of a migration too, may.
 */
function asOpening(error: unknown): unknown {
  const fault = error instanceof UnavailableError ? error.cause : error;
  if (!(fault instanceof SqlFault)) return error;
  if (fault.kind === "refused") return new Error(fault.message, { cause: fault });
  return new UnavailableError("storage", fault.message, { cause: fault });
}

/** @throws What `signal` was aborted with, whatever becomes of `work`. */
async function untilAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
    // Nobody listens to a statement that was given up.
    work.catch(() => {});
  }
}

function collectionsOf(dialect: Dialect, { kinds }: SqlLayout, client: SqlClient) {
  const open = <K extends KindName>(kind: K): SqlCollection<K> => new SqlCollection(kinds[kind], dialect, client);
  return {
    clients: open("clients"),
    authRequests: open("authRequests"),
    authCodes: open("authCodes"),
    refreshTokens: open("refreshTokens"),
    passwords: open("passwords"),
    offlineSessions: open("offlineSessions"),
    userIdentities: open("userIdentities"),
    authSessions: open("authSessions"),
    connectors: open("connectors"),
    keys: open("keys"),
    deviceRequests: open("deviceRequests"),
    deviceTokens: open("deviceTokens"),
    serverSecrets: open("serverSecrets"),
    revokedTokens: open("revokedTokens"),
    logoutDeliveries: open("logoutDeliveries"),
    upstreamSessions: open("upstreamSessions"),
    accountTokens: open("accountTokens"),
    mailDeliveries: open("mailDeliveries"),
    loginAttempts: open("loginAttempts"),
  };
}
