import type { DatabaseSync } from "node:sqlite";
import type { Logger } from "../../kernel/ports.ts";
import { sqlKinds } from "../shared/sql/kinds.ts";
import { extraTable, ownTables, stepsFor } from "../shared/sql/migrations.ts";
import { ddl, formatTime, spelling } from "./dialect.ts";

const steps = stepsFor("sqlite3");

/** A step of Dex's leaves TEXT where Dex itself then refuses to read anything but a BLOB: nobody old can log in there. */
const repair = `update password set "groups" = cast("groups" as blob) where typeof("groups") = 'text'`;

/**
 * Brings a database of any Dex version to the newest schema, in one transaction: of several processes that start
 * together one migrates and the others find it done. A database of a newer Dex is left as it is.
 */
export function migrate(database: DatabaseSync, now: number, logger: Logger): void {
  database.exec("begin immediate");
  try {
    database.exec("create table if not exists migrations (num integer not null, at timestamp not null)");
    const found = Number(database.prepare("select max(num) as num from migrations").get()?.num ?? 0);
    if (found > steps.length)
      logger.warn("the database comes from a newer Dex", { schema_version: found, known: steps.length });
    applySteps(database, found, now, logger);
    database.exec(repair);
    prepareOwnTables(database);
    database.exec("commit");
  } catch (error) {
    // A full disk makes SQLite roll back by itself.
    if (database.isTransaction) database.exec("rollback");
    throw error;
  }
}

function applySteps(database: DatabaseSync, found: number, now: number, logger: Logger): void {
  // compat(dex): there the date alone is stored.
  const record = database.prepare("insert into migrations (num, at) values (?, ?)");
  const today = formatTime(now).slice(0, 10);
  for (let number = found + 1; number <= steps.length; number++) {
    for (const change of steps[number - 1]?.changes ?? []) database.exec(ddl(change));
    record.run(number, today);
  }
  if (found < steps.length) logger.info("applied database migrations", { from: found, to: steps.length });
}

/** Ours, beside Dex's: tables of our own, and indexes so that neither garbage nor one person's records are looked for in a whole table. */
function prepareOwnTables(database: DatabaseSync): void {
  for (const table of [extraTable, ...ownTables])
    database.exec(ddl(table).replace("create table", "create table if not exists"));
  for (const { table, expiry = [], user } of Object.values(sqlKinds)) {
    const indexes = [
      ...expiry.map((column) => [column, column]),
      ...(user === undefined ? [] : [["user", user.join(", ")]]),
    ];
    for (const [name, columns] of indexes) {
      database.exec(`create index if not exists dexts_${table}_${name}_idx on ${spelling.name(table)} (${columns})`);
    }
  }
}
