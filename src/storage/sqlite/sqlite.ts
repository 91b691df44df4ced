/**
 * SQLite: the store of a single node, in Dex's own tables. One thread writes, in transactions that many requests
 * share; this thread only reads, on a connection that WAL keeps apart from the writer.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import type { Storage, StorageDeps, StorageReport, StorageType } from "../contract.ts";
import type { KindName } from "../records.ts";
import { collectKinds } from "../shared/collect-kinds.ts";
import { entLayout } from "../shared/sql/ent-layout.ts";
import { kindsIn, reportOf } from "../shared/sql/inspect-server.ts";
import { flatLayout, type SqlLayout } from "../shared/sql/layout.ts";
import { extraTable, ownTables } from "../shared/sql/migrations.ts";
import { missingChanges, planSchema } from "../shared/sql/schema-plan.ts";
import { SqliteCollection } from "./collection.ts";
import { ddl, spelling } from "./dialect.ts";
import { inspect, migrate } from "./migrate.ts";
import { isBusy, preparePragmas } from "./pragmas.ts";
import { Writer } from "./writer.ts";

const config = z.object({
  file: z
    .string()
    .default("")
    .describe(
      "Path of the database, `:memory:`, or a `file:` URI; driver options after `?` are ignored. Empty: a temporary one.",
    ),
  ent: z.boolean().default(false).describe("Dex's other set of tables, those of `DEX_ENT_ENABLED`."),
});

export const sqlite3: StorageType<z.infer<typeof config>> = {
  type: "sqlite3",
  config,
  open: ({ file, ent }, deps) => openSqlite(file, deps, ent ? entLayout : flatLayout),
  inspect: async ({ file, ent }) => inspectSqlite(file, ent ? entLayout : flatLayout),
};

/** @throws {Error} The file cannot be opened or migrated. */
export async function openSqlite(
  file: string,
  { clock, logger }: StorageDeps,
  layout: SqlLayout = flatLayout,
): Promise<Storage> {
  const { path, remove } = await locate(file);
  const writer = new Writer(path);
  let reader: DatabaseSync | undefined;
  let collections: ReturnType<typeof collectionsOf>;
  try {
    reader = new DatabaseSync(path);
    await prepareAlone(reader);
    migrate(reader, layout, clock.now(), logger);
    collections = collectionsOf(layout, reader, writer);
  } catch (error) {
    reader?.close();
    await remove();
    throw new Error(`the SQLite database ${path} cannot be opened: ${reasonOf(error)}`, { cause: error });
  }
  return {
    ...collections,
    collectGarbage: (now, batch) => collectKinds(collections, now, batch),
    async ping() {
      collections.serverSecrets.probe();
    },
    async close() {
      await writer.close();
      reader.close();
      await remove();
    },
  };
}

/** Opens the file for reading alone. @throws {Error} There is none. */
function inspectSqlite(file: string, layout: SqlLayout): StorageReport {
  const path = pathOf(file);
  if (path === undefined) throw new Error("storage.config.file: a temporary database is empty");
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const found = inspect(database);
    const counts: Partial<Record<KindName, number>> = {};
    for (const { kind, table } of kindsIn(found, layout))
      counts[kind] = Number(database.prepare(`select count(*) as rows from ${spelling.name(table)}`).get()?.rows);
    const own = missingChanges(found, [...layout.tables, extraTable, ...ownTables]);
    const { steps } = planSchema(found, "sqlite3", layout);
    return { ...reportOf(found, { steps, own }, layout, (change) => [ddl(change)]), counts };
  } finally {
    database.close();
  }
}

function collectionsOf({ kinds }: SqlLayout, reader: DatabaseSync, writer: Writer) {
  const open = <K extends KindName>(kind: K): SqliteCollection<K> => new SqliteCollection(kinds[kind], reader, writer);
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

/** Two threads need one file, so what is to live in memory lives in a temporary folder that goes with us. */
async function locate(file: string): Promise<{ readonly path: string; readonly remove: () => Promise<void> }> {
  const path = pathOf(file);
  if (path !== undefined) return { path, remove: async () => {} };
  const folder = await mkdtemp(join(tmpdir(), "dex-"));
  return { path: join(folder, "dex.db"), remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Undefined: one that lives in memory. */
function pathOf(file: string): string | undefined {
  const [written = "", options = ""] = file.replace(/^file:(?:\/\/(?=\/))?/, "").split("?", 2);
  const name = file.startsWith("file:") ? decodeURIComponent(written) : written;
  return name === "" || name === ":memory:" || /(^|&)mode=memory(&|$)/.test(options) ? undefined : name;
}

/** Turning a file to WAL needs it alone for a moment, and SQLite does not wait for that: two that start together race. */
async function prepareAlone(database: DatabaseSync): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      preparePragmas(database);
      return;
    } catch (error) {
      if (attempt === 50 || !isBusy(error)) throw error;
      await wait(20 + (attempt % 7) * 15);
    }
  }
}

/** SQLite's words, and what to look at where they say too little. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isForbidden = "errcode" in error && [readOnly, cannotOpen].includes(Number(error.errcode) & 0xff);
  return isForbidden ? `${error.message} (its folder must exist, and both must be ours to write to)` : error.message;
}

/** SQLITE_READONLY and SQLITE_CANTOPEN. */
const readOnly = 8;
const cannotOpen = 14;
