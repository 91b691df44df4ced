import type { KindName } from "../../records.ts";
import type { ColumnType, SqlKind } from "./kind.ts";

/** How a database spells what the standard leaves open. */
export interface Spelling {
  /** The n-th parameter, from 1. */
  parameter(position: number): string;
  /** A name, quoted where it needs to be. */
  name(name: string): string;
  /** Equal, where two NULLs are equal too: "is" in SQLite. */
  readonly same: string;
  /** A column's value as the driver is to return it, and a parameter as the column is to hold it. */
  read(column: string, type: ColumnType): string;
  write(parameter: string, type: ColumnType): string;
}

/** The fixed statements of one kind. */
export interface Statements {
  /** Parameters: every column. */
  readonly insert: string;
  /** Parameters: the key. Every column, then `extra_body` where the kind has extras. */
  readonly select: string;
  readonly list: string;
  /** Parameters: the key after which the page begins, its size. Undefined where a key has several columns. */
  readonly page: string | undefined;
  /** Parameters: user id, connector id. */
  readonly listOfUser: string | undefined;
  /**
   * Writes the columns at these places: what is not named is not rewritten, and no index of it. Parameters: their new
   * values, the key, the old values of all columns, and the old extra where the kind has extras. Changes a row only if
   * it is still what was read: compare-and-swap.
   */
  swap(changed: readonly number[]): string;
  /** Parameters: the key. */
  readonly remove: string;
  /** Parameters: the time (once per expiry column), a limit. The keys of what may be collected. */
  readonly expired: string | undefined;
  /** Parameters: the key, the time (once per expiry column). */
  readonly removeExpired: string | undefined;
  /** Parameters: kind, key text, body. */
  readonly putExtra: string;
  /** Parameters: kind, key text. */
  readonly removeExtra: string;
}

export function statementsFor<K extends KindName>(kind: SqlKind<K>, spelling: Spelling): Statements {
  const q = (name: string): string => spelling.name(name);
  const table = q(kind.table);
  const all = kind.columns.map(({ name }) => q(name));
  const cells = kind.columns.map(({ name, type }) => spelling.read(q(name), type));
  const selected = kind.columns.map(({ name }, index) =>
    cells[index] === q(name) ? q(name) : `${cells[index]} as ${q(name)}`,
  );
  const extra = kind.writeExtra === undefined ? undefined : extraBody(kind, table, spelling);
  const select = `select ${selected.join(", ")}${extra === undefined ? "" : `, ${extra} as extra_body`} from ${table}`;
  /** Every statement numbers its parameters from one. */
  const sql = (build: (next: () => string) => string): string => {
    let position = 0;
    return build(() => spelling.parameter(++position));
  };
  const byKey = (next: () => string): string => kind.key.map((name) => `${q(name)} = ${next()}`).join(" and ");
  const [keyColumn, ...moreColumns] = kind.key;
  const isExpired = (next: () => string): string =>
    (kind.expiry ?? []).map((name) => `${q(name)} < ${next()}`).join(" or ");
  const ifExpiring = (statement: string): string | undefined => (kind.expiry === undefined ? undefined : statement);
  return {
    insert: sql((next) => {
      const values = kind.columns.map(({ type }) => spelling.write(next(), type));
      return `insert into ${table} (${all.join(", ")}) values (${values.join(", ")})`;
    }),
    select: sql((next) => `${select} where ${byKey(next)}`),
    list: select,
    page:
      keyColumn === undefined || moreColumns.length > 0
        ? undefined
        : sql((next) => `${select} where ${q(keyColumn)} > ${next()} order by ${q(keyColumn)} limit ${next()}`),
    listOfUser:
      kind.user === undefined
        ? undefined
        : sql((next) => `${select} where ${(kind.user ?? []).map((name) => `${q(name)} = ${next()}`).join(" and ")}`),
    swap: remembered((changed: readonly number[]) =>
      sql((next) => {
        const assignments = kind.columns
          .filter((_, index) => changed.includes(index))
          .map(({ name, type }) => `${q(name)} = ${spelling.write(next(), type)}`);
        // Where only the extra changes the row is written as it is: whether it still is that decides.
        const [anything = ""] = all;
        const set = assignments.length === 0 ? `${anything} = ${anything}` : assignments.join(", ");
        const key = byKey(next);
        const unchanged = [...cells, ...(extra === undefined ? [] : [extra])].map(
          (cell) => `${cell} ${spelling.same} ${next()}`,
        );
        return `update ${table} set ${set} where ${key} and ${unchanged.join(" and ")}`;
      }),
    ),
    remove: sql((next) => `delete from ${table} where ${byKey(next)}`),
    expired: ifExpiring(
      sql((next) => `select ${kind.key.map(q).join(", ")} from ${table} where ${isExpired(next)} limit ${next()}`),
    ),
    removeExpired: ifExpiring(sql((next) => `delete from ${table} where ${byKey(next)} and (${isExpired(next)})`)),
    putExtra: sql(
      (next) =>
        `insert into dexts_extra (kind, record_key, body) values (${next()}, ${next()}, ${spelling.write(next(), "json")}) ` +
        "on conflict (kind, record_key) do update set body = excluded.body",
    ),
    removeExtra: sql((next) => `delete from dexts_extra where kind = ${next()} and record_key = ${next()}`),
  };
}

/** `build`, once for each list of columns: a kind has a handful of them. */
function remembered(build: (changed: readonly number[]) => string): (changed: readonly number[]) => string {
  const built = new Map<string, string>();
  return (changed) => {
    const name = changed.join();
    const known = built.get(name) ?? build(changed);
    built.set(name, known);
    return known;
  };
}

/** Kinds with extras have keys of one column, which is then the extra's key as it is. */
function extraBody<K extends KindName>(kind: SqlKind<K>, table: string, spelling: Spelling): string {
  const [column, ...more] = kind.key;
  if (column === undefined || more.length > 0) throw new Error(`${kind.kind}: extras need a key of one column`);
  const key = `${table}.${spelling.name(column)}`;
  return `(select ${spelling.read("body", "json")} from dexts_extra where kind = '${kind.kind}' and record_key = ${key})`;
}
