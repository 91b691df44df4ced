import type { KindName } from "../../records.ts";
import type { Dialect } from "./dialect.ts";
import type { Cell } from "./driver.ts";
import { extraColumn } from "./extra-column.ts";
import type { SqlKind } from "./kind.ts";

/** The fixed statements of one kind on a database server. Rows: every column, the extra where the kind has one, the version. */
export interface VersionedStatements {
  /** Parameters: every column, and the extra where the kind has one. */
  readonly insert: string;
  /** Parameters: {@link keyCells}. */
  readonly select: string;
  readonly list: string;
  /** Parameter: the key after which the page begins. Undefined where a key has several columns. */
  readonly page: ((size: number) => string) | undefined;
  readonly count: string;
  readonly listOfUser:
    | { readonly sql: string; cells(userId: string, connectorId: string): readonly Cell[] }
    | undefined;
  /** Parameters: the columns that may change, the extra, {@link keyCells}, the version. Compare-and-swap. */
  readonly swap: string;
  /** Parameters: {@link keyCells}. */
  readonly remove: string;
  /** Parameters: the time, once per expiry column. */
  readonly removeExpired: ((limit: number) => string) | undefined;
  /** The key as often as the statements ask for it. */
  keyCells(key: readonly Cell[]): readonly Cell[];
}

export function versionedStatements<K extends KindName>(kind: SqlKind<K>, dialect: Dialect): VersionedStatements {
  const q = (name: string): string => dialect.name(name);
  const table = q(kind.table);
  const extras = kind.writeExtra === undefined ? [] : [extraColumn];
  const all = [...kind.columns.map(({ name }) => name), ...extras];
  const versioned = all.map(q);
  const selected = [...kind.columns.map(({ name, type }) => dialect.select(q(name), type)), ...extras];
  const from = `select ${selected.join(", ")}, ${dialect.version(versioned)} as dexts_version from ${table}`;
  /** Every statement numbers its parameters from one. */
  const sql = (build: (next: () => string) => string): string => {
    let position = 0;
    return build(() => dialect.parameter(++position));
  };
  /** How often one condition on a key column names the value. */
  let asks = 0;
  dialect.keyIs("", () => `${++asks}`);
  const repeated = (cells: readonly Cell[]): readonly Cell[] =>
    asks === 1 ? cells : cells.flatMap((cell) => Array.from({ length: asks }, () => cell));
  const keyed = (columns: readonly string[], next: () => string): string =>
    columns.map((name) => dialect.keyIs(q(name), next)).join(" and ");
  const { expiry, user } = kind;
  const [keyColumn, ...moreColumns] = kind.key;
  return {
    insert: sql((next) => `insert into ${table} (${all.map(q).join(", ")}) values (${all.map(next).join(", ")})`),
    select: sql((next) => `${from} where ${keyed(kind.key, next)}`),
    list: from,
    page:
      keyColumn === undefined || moreColumns.length > 0
        ? undefined
        : (size) =>
            sql(
              (next) => `${from} where ${q(keyColumn)} > ${next()} order by ${q(keyColumn)} limit ${Math.trunc(size)}`,
            ),
    count: `select count(*) from ${table}`,
    listOfUser:
      user === undefined
        ? undefined
        : {
            sql: sql((next) => `${from} where ${keyed(user, next)}`),
            cells: (userId, connectorId) => repeated([userId, connectorId]),
          },
    swap: sql((next) => {
      const changing = [...kind.columns.filter(({ fixed }) => fixed !== true).map(({ name }) => name), ...extras];
      const assignments = changing.map((name) => `${q(name)} = ${next()}`);
      const where = keyed(kind.key, next);
      return `update ${table} set ${assignments.join(", ")} where ${where} and ${dialect.isVersion(versioned, next())}`;
    }),
    remove: sql((next) => `delete from ${table} where ${keyed(kind.key, next)}`),
    removeExpired:
      expiry === undefined
        ? undefined
        : (limit) =>
            sql((next) =>
              dialect.deleteSome(table, expiry.map((name) => `${q(name)} < ${next()}`).join(" or "), Math.trunc(limit)),
            ),
    keyCells: repeated,
  };
}
