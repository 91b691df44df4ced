import { goJson } from "../../kernel/go-json.ts";
import { unsetTime } from "../records.ts";
import type { Dialect } from "../shared/sql/dialect.ts";
import { type Cell, type SqlConnection, SqlFault } from "../shared/sql/driver.ts";
import { parseJson } from "../shared/sql/json-cell.ts";
import type { ColumnType } from "../shared/sql/kind.ts";
import type { Change, NewColumn } from "../shared/sql/migrations.ts";
import { type FoundRow, foundOf } from "../shared/sql/schema-plan.ts";

const types: Readonly<Record<ColumnType, string>> = {
  text: "varchar(384)",
  json: "blob",
  nullable_json: "blob",
  native_json: "json",
  bytes: "blob",
  bytes_text: "blob",
  bool: "boolean",
  optional_bool: "boolean",
  time: "datetime(3)",
  integer: "integer",
  serial: "bigint auto_increment",
  bigint: "bigint",
};

/** The types that hold what clients and upstreams may send. */
const wideTypes: Partial<Record<ColumnType, string>> = {
  text: "mediumtext",
  json: "mediumblob",
  nullable_json: "mediumblob",
  bytes: "mediumblob",
  bytes_text: "mediumblob",
};

/** Every name is quoted: MariaDB and MySQL grow reserved words with each version. */
const name = (word: string): string => `\`${word}\``;

/** Seconds that a replica waits for another's migration. */
const lockPatience = 120;

export const mysqlDialect: Dialect = {
  flavour: "mysql",
  timeType: "datetime(3)",
  parameter: () => "?",
  name,
  encode,
  decode,
  // An unset time of Dex's own is a date that a strict server takes from nobody.
  keep: (cell, type) => (type === "time" && cell !== null ? encode(decode(cell, type, ""), type) : cell),
  // MySQL's driver would parse it.
  select: (column, type) => (type === "native_json" ? `cast(${column} as char) as ${column}` : column),
  // The first finds the row by its index, in any letter case; the second asks for every letter.
  keyIs: (column, parameter) =>
    `${column} = ${parameter()} and cast(convert(${column} using utf8mb4) as binary) = cast(${parameter()} as binary)`,
  // A hash over every cell with its length: no two rows of different content have the same.
  version,
  isVersion: (columns, parameter) => `${version(columns)} = ${parameter}`,
  deleteSome: (table, condition, limit) => `delete from ${table} where ${condition} limit ${limit}`,
  ddl,
  inspect,
  /** MySQL commits at every change of schema, so a lock of the session stands for the transaction. */
  async exclusively(connection, work) {
    const { rows } = await connection.run({
      sql: "select get_lock(concat(database(), '.dexts'), ?)",
      cells: [lockPatience],
    });
    if (Number(rows[0]?.[0]) !== 1) throw new SqlFault("conflict", "another replica is migrating the database");
    try {
      return await work();
    } finally {
      if (!connection.isBroken)
        await connection.run({ sql: "select release_lock(concat(database(), '.dexts'))", cells: [] });
    }
  },
};

function version(columns: readonly string[]): string {
  const cells = columns.map((column) => `ifnull(length(${column}), 'n'), ifnull(${column}, '')`);
  return `sha2(concat_ws(',', ${cells.join(", ")}), 256)`;
}

function encode(value: unknown, type: ColumnType): Cell {
  switch (type) {
    case "text":
      return typeof value === "string" ? value : "";
    case "bytes_text":
      return Buffer.from(typeof value === "string" ? value : "");
    case "json":
    case "nullable_json":
      return Buffer.from(goJson(typeof value === "object" ? (value ?? null) : null));
    case "native_json":
      return goJson(typeof value === "object" ? (value ?? null) : null);
    case "bytes":
      return value instanceof Uint8Array ? value : null;
    case "bool":
      return value === true;
    case "optional_bool":
      return typeof value === "boolean" ? value : null;
    case "time":
      return formatTime(typeof value === "number" ? value : unsetTime);
    case "integer":
    case "bigint":
    case "serial":
      return typeof value === "number" ? Math.trunc(value) : 0;
    default:
      return type satisfies never;
  }
}

const textOf = (cell: Cell): string =>
  typeof cell === "string" ? cell : cell instanceof Uint8Array ? Buffer.from(cell).toString("utf8") : "";

function decode(cell: Cell, type: ColumnType, column: string): unknown {
  switch (type) {
    case "text":
    case "bytes_text":
      return textOf(cell);
    case "json":
    case "nullable_json":
    case "native_json":
      return cell === null ? undefined : parseJson(textOf(cell), column);
    case "bytes":
      return cell instanceof Uint8Array ? cell : undefined;
    case "bool":
      return Number(cell ?? 0) !== 0;
    case "optional_bool":
      return cell === null ? undefined : Number(cell) !== 0;
    case "time":
      return parseTime(cell);
    case "integer":
    case "bigint":
    case "serial":
      return Number(cell ?? 0);
    default:
      return type satisfies never;
  }
}

/** The epoch stands for the unset time: a strict server refuses Dex's own, the year 0. compat(dex): reads both. */
const unset = "1970-01-01 00:00:00.000";

export const formatTime = (time: number): string =>
  time <= 0 ? unset : new Date(time).toISOString().slice(0, 23).replace("T", " ");

/** `2026-08-06 15:44:24.123` in UTC. The years 0 and 1000 and the epoch are all unset: Dex's, its migrations', ours. */
export function parseTime(cell: Cell): number {
  const match = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)$/.exec(textOf(cell));
  const time = match === null ? Number.NaN : Date.parse(`${match[1]}T${match[2]}Z`);
  return Number.isNaN(time) || time <= 0 ? unsetTime : time;
}

function ddl(change: Change): readonly string[] {
  if ("widen" in change) return [`alter table ${name(change.widen)} ${change.columns.map(widened).join(", ")}`];
  if ("drop" in change) return [`drop table ${name(change.drop)}`];
  if ("index" in change) {
    const unique = change.unique === true ? "unique " : "";
    return [
      `create ${unique}index ${name(change.index)} on ${name(change.on)} (${change.columns.map(name).join(", ")})`,
    ];
  }
  if ("create" in change) {
    const columns = change.columns.map((column) => columnDdl(column)).join(", ");
    const exact = change.isExact === true ? " character set utf8mb4 collate utf8mb4_bin" : "";
    return [
      `create table ${name(change.create)} (${columns}, primary key (${change.key.map(name).join(", ")}))${exact}`,
    ];
  }
  return change.add.flatMap((column) => addition(change.alter, column));
}

/** A blob has no default here: it comes nullable, is filled, and then may no longer be null. */
function addition(table: string, column: NewColumn): readonly string[] {
  const add = `alter table ${name(table)} add column `;
  if (column.default === undefined || !types[column.type].endsWith("blob")) return [add + columnDdl(column)];
  const { default: value, ...rest } = column;
  return [
    add + columnDdl({ ...rest, nullable: true }),
    `update ${name(table)} set ${name(column.name)} = ${literal(value)} where ${name(column.name)} is null`,
    `alter table ${name(table)} modify column ${columnDdl(rest)}`,
  ];
}

function widened(column: NewColumn): string {
  // compat(dex): its own step stops here, and a later one of ours goes on.
  const type = column.limit === undefined ? wideTypes[column.type] : `varchar(${column.limit})`;
  return `modify column ${name(column.name)} ${type}${column.nullable === true ? "" : " not null"}`;
}

function columnDdl({ name: column, type, nullable, default: value }: NewColumn): string {
  const start = value === undefined ? "" : ` default ${literal(value)}`;
  return `${name(column)} ${types[type]}${nullable === true ? " null" : " not null"}${start}`;
}

function literal(value: string | number | boolean): string {
  if (typeof value !== "string") return String(value);
  // compat(dex): the earliest date that MySQL promises to hold.
  return `'${value.replace(/^0001-01-01 00:00:00 UTC$/, "1000-01-01 00:00:00").replaceAll("'", "''")}'`;
}

async function inspect(connection: SqlConnection) {
  const ask = async (sql: string): Promise<readonly FoundRow[]> =>
    (await connection.run({ sql, cells: [] })).rows.map((row) => row.map((cell) => textOf(cell) || String(cell ?? "")));
  const columns = await ask(
    "select table_name, column_name, data_type from information_schema.columns where table_schema = database()",
  );
  const indexes = await ask(
    "select distinct index_name from information_schema.statistics where table_schema = database()",
  );
  const hasSteps = columns.some(([table]) => table === "migrations");
  const steps = hasSteps ? await ask("select coalesce(max(num), 0) from migrations") : [];
  return foundOf(columns, indexes, steps);
}
