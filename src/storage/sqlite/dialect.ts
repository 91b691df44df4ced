import { goJson } from "../../kernel/go-json.ts";
import { unsetTime } from "../records.ts";
import { parseJson } from "../shared/sql/json-cell.ts";
import type { Column, ColumnType, LogicalRow } from "../shared/sql/kind.ts";
import type { Change, NewColumn } from "../shared/sql/migrations.ts";
import type { Spelling } from "../shared/sql/statements.ts";

/** What SQLite holds in a cell. */
export type Cell = string | number | bigint | null | Uint8Array;
/** The cells of a row, in the order of the columns that were asked for. */
export type Row = readonly Cell[];

export const spelling: Spelling = {
  parameter: () => "?",
  name: (name) => (name === "groups" || name === "keys" ? `"${name}"` : name),
  same: "is",
  // JSON is a BLOB in the table, since Dex refuses to read it as TEXT, and a string everywhere else: a string
  // crosses to the writing thread for less than the buffer that would hold it.
  read: (column, type) => (isJson(type) ? `cast(${column} as text)` : column),
  write: (parameter, type) => (isJson(type) ? `cast(${parameter} as blob)` : parameter),
};

const isJson = (type: ColumnType): boolean => type === "json" || type === "nullable_json" || type === "native_json";

/** A logical value as a cell. */
export function encode(value: unknown, type: ColumnType): Cell {
  switch (type) {
    case "text":
    case "bytes_text":
      return typeof value === "string" ? value : "";
    case "json":
    case "nullable_json":
    case "native_json":
      return goJson(typeof value === "object" ? (value ?? null) : null);
    case "bytes":
      return value instanceof Uint8Array ? unshared(value) : null;
    case "bool":
      return value === true ? 1 : 0;
    case "optional_bool":
      return value === undefined ? null : value === true ? 1 : 0;
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

/** A cell as a logical value, as lenient as Dex's driver: TEXT for BLOB, any time layout. */
export function decode(cell: Cell | undefined, type: ColumnType, column: string): unknown {
  switch (type) {
    case "text":
    case "bytes_text":
      return textOf(cell);
    case "json":
    case "nullable_json":
    case "native_json":
      return cell === null || cell === undefined ? undefined : parseJson(textOf(cell), column);
    case "bytes":
      return cell instanceof Uint8Array ? cell : typeof cell === "string" ? Buffer.from(cell) : undefined;
    case "bool":
      return Number(cell ?? 0) !== 0;
    case "optional_bool":
      return cell === null || cell === undefined ? undefined : Number(cell) !== 0;
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

/** Bytes of their own: those that are a view of Node's common pool would take the whole pool to another thread. */
const unshared = (bytes: Uint8Array): Uint8Array =>
  bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);

export const encodeRow = (row: LogicalRow, columns: readonly Column[]): readonly Cell[] =>
  columns.map(({ name, type }) => encode(row[name], type));

export function decodeRow(row: Row, columns: readonly Column[]): LogicalRow {
  const logical: Record<string, unknown> = {};
  let index = 0;
  for (const { name, type } of columns) logical[name] = decode(row[index++], type, name);
  return logical;
}

const textOf = (cell: Cell | undefined): string =>
  typeof cell === "string" ? cell : cell instanceof Uint8Array ? Buffer.from(cell).toString("utf8") : "";

/** `2026-08-06 15:14:24.123+00:00`, the fraction without trailing zeros: texts sort like times. */
export function formatTime(time: number): string {
  const iso = new Date(time).toISOString();
  const separator = iso.length - "T12:00:00.000Z".length;
  let end = iso.length - 1;
  while (iso[end - 1] === "0" && end > iso.length - 4) end--;
  if (iso[end - 1] === ".") end--;
  return `${iso.slice(0, separator)} ${iso.slice(separator + 1, end)}+00:00`;
}

/** What a date can hold. ECMA-262 §21.4.1.1. */
const latestTime = 8.64e15;

const timeLayout = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)([+-]\d\d:\d\d)?)?$/;

/** Any layout that Dex's driver reads; {@link unsetTime} for anything else. */
export function parseTime(cell: Cell | undefined): number {
  if (typeof cell === "number" || typeof cell === "bigint") {
    const time = Number(cell) > 1e12 ? Number(cell) : Number(cell) * 1000;
    return Math.abs(time) <= latestTime ? time : unsetTime;
  }
  const text = textOf(cell);
  const match = timeLayout.exec(text) ?? timeLayout.exec(text.trim().replace(/ UTC$/, "").replace(/Z$/, ""));
  if (match === null) return unsetTime;
  const time = Date.parse(`${match[1]}T${match[2] ?? "00:00:00"}${match[3] ?? "Z"}`);
  return Number.isNaN(time) ? unsetTime : time;
}

const types: Readonly<Record<ColumnType, string>> = {
  text: "text",
  json: "blob",
  nullable_json: "blob",
  native_json: "json",
  bytes: "blob",
  bytes_text: "blob",
  bool: "integer",
  optional_bool: "integer",
  time: "timestamp",
  integer: "integer",
  bigint: "integer",
  serial: "integer",
};

/** A change of schema as SQLite says it. */
export function ddl(change: Change): string {
  const name = spelling.name;
  if ("widen" in change) return "";
  if ("drop" in change) return `drop table ${name(change.drop)}`;
  if ("index" in change) {
    const kind = change.unique === true ? "unique index" : "index";
    return `create ${kind} ${name(change.index)} on ${name(change.on)} (${change.columns.map(name).join(", ")})`;
  }
  if ("create" in change) {
    const columns = change.columns.map(columnDdl).join(", ");
    return `create table ${name(change.create)} (${columns}, primary key (${change.key.map(name).join(", ")}))`;
  }
  return change.add.map((column) => `alter table ${name(change.alter)} add column ${columnDdl(column)}`).join("; ");
}

function columnDdl({ name, type, nullable, default: value }: NewColumn): string {
  const start = value === undefined ? "" : ` default ${literal(value)}`;
  return `${spelling.name(name)} ${types[type]}${nullable === true ? "" : " not null"}${start}`;
}

function literal(value: string | number | boolean): string {
  if (typeof value === "boolean") return value ? "1" : "0";
  return typeof value === "number" ? String(value) : `'${value.replaceAll("'", "''")}'`;
}
