/**
 * How records become rows, once for every SQL database. A {@link SqlKind} names a table and its columns and turns a
 * record into logical values and back; a dialect turns logical values into what its driver takes. Statements are
 * made from the columns, so no list of columns is written twice.
 */
import type { KindName, RecordKinds } from "../../records.ts";
import { isObject } from "../dex-json.ts";
import type { ExtraOf } from "../extra.ts";

/** What a column holds, and what its logical value is: */
export type ColumnType =
  /** string */
  | "text"
  /** JSON value; a missing list is the JSON `null`, never SQL's. */
  | "json"
  /** The same in a nullable column: undefined is read where the column is NULL. */
  | "nullable_json"
  /** The same in a column of the database's own JSON type. */
  | "native_json"
  /** Uint8Array or undefined */
  | "bytes"
  /** string in a bytes column */
  | "bytes_text"
  | "bool"
  /** boolean or undefined */
  | "optional_bool"
  /** milliseconds since the epoch */
  | "time"
  | "integer"
  /** The same in eight bytes. */
  | "bigint"
  /** Numbered by the database; no kind writes it. */
  | "serial";

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** Part of the key, or written by Dex at creation only. */
  readonly fixed?: true;
}

/** Logical values by column name. */
export type LogicalRow = Readonly<Record<string, unknown>>;

export interface SqlKind<K extends KindName = KindName> {
  readonly kind: K;
  readonly table: string;
  readonly columns: readonly Column[];
  /** Columns of the key, in the order of `recordKey`. */
  readonly key: readonly string[];
  /** Turns the parts of a key into what the columns of {@link key} hold, where that is something else. */
  readonly keyCells?: (parts: readonly string[]) => readonly string[];
  readonly write: (record: RecordKinds[K]["record"]) => LogicalRow;
  readonly read: (row: LogicalRow) => RecordKinds[K]["record"];
  /** What Dex has no column for, kept in our own table beside it; undefined is nothing. */
  readonly writeExtra?: (record: RecordKinds[K]["record"]) => unknown;
  readonly readExtra?: (record: RecordKinds[K]["record"], extra: unknown) => RecordKinds[K]["record"];
  /** The columns of user id and connector id, where a person's records can be asked for; they have an index. */
  readonly user?: readonly [userId: string, connectorId: string];
  /** Columns after which the record may be collected. */
  readonly expiry?: readonly string[];
}

/** A column by its words: `column("expiry", "time")`. */
export const column = (name: string, type: ColumnType): Column => ({ name, type });
export const fixedColumn = (name: string, type: ColumnType): Column => ({ name, type, fixed: true });

/** Typed access to a logical row; the dialect guarantees the types. */
export const textOf = (row: LogicalRow, name: string): string => (typeof row[name] === "string" ? row[name] : "");
export const boolOf = (row: LogicalRow, name: string): boolean => row[name] === true;
export const numberOf = (row: LogicalRow, name: string): number => (typeof row[name] === "number" ? row[name] : 0);
export const bytesOf = (row: LogicalRow, name: string): Uint8Array | undefined =>
  row[name] instanceof Uint8Array ? row[name] : undefined;

/** A kind's extra in our own table beside Dex's. */
export const extraColumns = <Rec>(extra: ExtraOf<Rec> | undefined) =>
  extra === undefined
    ? {}
    : {
        writeExtra: (record: Rec): unknown => extra.write(record),
        readExtra: (record: Rec, value: unknown): Rec => (isObject(value) ? extra.read(record, value) : record),
      };

/** What the columns of the key hold for the parts of a key. */
export const keyCells = (kind: Pick<SqlKind, "keyCells">, parts: readonly string[]): readonly string[] =>
  kind.keyCells?.(parts) ?? parts;
