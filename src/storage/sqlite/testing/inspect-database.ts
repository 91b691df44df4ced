import { DatabaseSync } from "node:sqlite";

/** `use` on a database that is closed afterwards, whatever happens. */
export function inDatabase<T>(file: string, use: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(file);
  try {
    return use(database);
  } finally {
    database.close();
  }
}

const text = (cell: unknown): string => String(cell ?? "");

/** The tables as `pragma table_info` tells them, in the form of `dex-schema.ts`. Ours left out. */
export const tablesOf = (file: string): Readonly<Record<string, readonly string[]>> =>
  inDatabase(file, (database) =>
    Object.fromEntries(
      tableNames(database)
        .filter((name) => !name.startsWith("dexts_"))
        .map((name) => [name, columnsOf(database, name)]),
    ),
  );

export const tableNames = (database: DatabaseSync): readonly string[] =>
  database
    .prepare("select name from sqlite_master where type = 'table' order by name")
    .all()
    .map(({ name }) => text(name));

const columnsOf = (database: DatabaseSync, table: string): readonly string[] =>
  database
    .prepare(`pragma table_info("${table}")`)
    .all()
    .map(({ name, type, notnull, dflt_value, pk }) => {
      const parts = [name, type, ...(notnull === 1 ? [] : ["null"])];
      if (dflt_value !== null) parts.push("=", dflt_value);
      if (pk !== 0) parts.push(`key${pk}`);
      return parts.map(text).join(" ");
    });

/** The indexes that somebody made, as `name on table (columns)`. Ours left out. */
export const indexesOf = (file: string): readonly string[] =>
  inDatabase(file, (database) =>
    database
      .prepare("select name, tbl_name from sqlite_master where type = 'index' and sql is not null order by name")
      .all()
      .filter(({ name }) => !text(name).startsWith("dexts_"))
      .map(({ name, tbl_name }) => {
        const columns = database.prepare(`pragma index_info("${text(name)}")`).all();
        return `${text(name)} on ${text(tbl_name)} (${columns.map((column) => text(column.name)).join(", ")})`;
      }),
  );

/** Every row of every table and every statement that made one: what a file holds, whole. */
export const contentOf = (file: string): Readonly<Record<string, readonly unknown[]>> =>
  inDatabase(file, (database) =>
    Object.fromEntries(
      ["sqlite_master", ...tableNames(database)].map((name) => [
        name,
        database.prepare(`select * from "${name}"`).all(),
      ]),
    ),
  );
