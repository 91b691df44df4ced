import type { DatabaseSync } from "node:sqlite";
import type { Logger } from "../../kernel/ports.ts";
import type { SqlKind } from "../shared/sql/kind.ts";
import type { SqlLayout } from "../shared/sql/layout.ts";
import { extraTable, ownTables, stepsFor } from "../shared/sql/migrations.ts";
import { foundOf, missingChanges } from "../shared/sql/schema-plan.ts";
import { ddl, formatTime, spelling } from "./dialect.ts";

const steps = stepsFor("sqlite3");

/** A step of Dex's leaves TEXT where Dex itself then refuses to read anything but a BLOB: nobody old can log in there. */
const repair = `update password set "groups" = cast("groups" as blob) where typeof("groups") = 'text'`;

/**
 * Brings a database of any Dex version to the newest schema, in one transaction: of several processes that start
 * together one migrates and the others find it done. A database of a newer Dex is left as it is.
 */
export function migrate(database: DatabaseSync, layout: SqlLayout, now: number, logger: Logger): void {
  database.exec("begin immediate");
  try {
    if (layout.isNumbered) applySteps(database, now, logger);
    else for (const change of missingChanges(inspect(database), layout.tables)) database.exec(ddl(change));
    prepareOwnTables(database, layout);
    database.exec("commit");
  } catch (error) {
    // A full disk makes SQLite roll back by itself.
    if (database.isTransaction) database.exec("rollback");
    throw error;
  }
}

function applySteps(database: DatabaseSync, now: number, logger: Logger): void {
  database.exec("create table if not exists migrations (num integer not null, at timestamp not null)");
  const found = Number(database.prepare("select max(num) as num from migrations").get()?.num ?? 0);
  if (found > steps.length)
    logger.warn("the database comes from a newer Dex", { schema_version: found, known: steps.length });
  // compat(dex): there the date alone is stored.
  const record = database.prepare("insert into migrations (num, at) values (?, ?)");
  const today = formatTime(now).slice(0, 10);
  for (let number = found + 1; number <= steps.length; number++) {
    for (const change of steps[number - 1]?.changes ?? []) database.exec(ddl(change));
    record.run(number, today);
  }
  if (found < steps.length) logger.info("applied database migrations", { from: found, to: steps.length });
  database.exec(repair);
}

/** Ours, beside Dex's: tables of our own, and indexes so that neither garbage nor one person's records are looked for in a whole table. */
function prepareOwnTables(database: DatabaseSync, { kinds }: SqlLayout): void {
  for (const change of missingChanges(inspect(database), [extraTable, ...ownTables])) database.exec(ddl(change));
  for (const { table, expiry = [], user } of Object.values(kinds) as readonly SqlKind[]) {
    const indexes = [
      ...expiry.map((column) => [column, column]),
      ...(user === undefined ? [] : [["user", user.join(", ")]]),
    ];
    for (const [name, columns] of indexes) {
      database.exec(`create index if not exists dexts_${table}_${name}_idx on ${spelling.name(table)} (${columns})`);
    }
  }
}

/** What is there, as far as tables and indexes go. */
export function inspect(database: DatabaseSync): ReturnType<typeof foundOf> {
  const text = (cell: unknown): string => String(cell ?? "");
  const columns = database
    .prepare(
      "select m.name as owner, c.name as name, c.type as type from sqlite_master m, pragma_table_info(m.name) c where m.type = 'table'",
    )
    .all()
    .map(({ owner, name, type }) => [text(owner), text(name), text(type)]);
  const indexes = database.prepare("select name from sqlite_master where type = 'index'").all();
  const hasSteps = columns.some(([table]) => table === "migrations");
  const last = hasSteps ? database.prepare("select max(num) as num from migrations").get()?.num : undefined;
  return foundOf(
    columns,
    indexes.map(({ name }) => [text(name)]),
    [[text(last)]],
  );
}
