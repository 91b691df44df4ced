import { isDeepStrictEqual } from "node:util";
import { extraColumn } from "./extra-column.ts";
import type { SqlKind } from "./kind.ts";
import type { SqlLayout } from "./layout.ts";
import { type Change, type Flavour, type NewColumn, ownTables, stepsFor } from "./migrations.ts";

/** What is in a database. */
export interface Found {
  /** By table and column: the database's name of the column's type. */
  readonly tables: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly indexes: ReadonlySet<string>;
  /** The last step of Dex's that was applied; 0 for none. */
  readonly step: number;
}

/** What opening a database does to it, in order. */
export interface Plan {
  /** Dex's own steps, each with its number, reduced to what a half-applied one left to do. */
  readonly steps: readonly { readonly number: number; readonly changes: readonly Change[] }[];
  /** Ours beside them, without a number. */
  readonly own: readonly Change[];
}

/** Brings what was {@link Found} to the newest schema of the layout; never takes anything from a newer Dex. */
export function planSchema(found: Found, flavour: Flavour, layout: SqlLayout): Plan {
  const known = new Map([...found.tables].map(([table, columns]) => [table, new Set(columns.keys())]));
  const indexes = new Set(found.indexes);
  const missing = (changes: readonly Change[]): readonly Change[] =>
    changes.flatMap((change) => missingOf(change, known, indexes));
  const steps = layout.isNumbered
    ? stepsFor(flavour)
        .map(({ changes }, index) => ({ number: index + 1, changes }))
        .filter(({ number }) => number > found.step)
        .map(({ number, changes }) => ({ number, changes: missing(changes) }))
    : [];
  const own = missing([...layout.tables, ...ownTables, ...beside(layout, flavour)]);
  return { steps, own: [...own, ...(flavour === "mysql" && layout.isNumbered ? widened(found, layout) : [])] };
}

/** Those of `changes` that a database lacks. */
export function missingChanges(found: Found, changes: readonly Change[]): readonly Change[] {
  const known = new Map([...found.tables].map(([table, columns]) => [table, new Set(columns.keys())]));
  const indexes = new Set(found.indexes);
  return changes.flatMap((change) => missingOf(change, known, indexes));
}

/** What of a change is still to be done, noted as done. */
function missingOf(change: Change, known: Map<string, Set<string>>, indexes: Set<string>): readonly Change[] {
  if ("create" in change) {
    const columns = known.get(change.create);
    known.set(change.create, new Set([...(columns ?? []), ...change.columns.map(({ name }) => name)]));
    if (columns === undefined) return [change];
    const add = change.columns.filter(({ name }) => !columns.has(name));
    return add.length === 0 ? [] : [{ alter: change.create, add }];
  }
  if ("alter" in change) {
    const columns = known.get(change.alter) ?? new Set();
    const add = change.add.filter(({ name }) => !columns.has(name));
    for (const { name } of add) columns.add(name);
    return add.length === 0 ? [] : [{ alter: change.alter, add }];
  }
  if ("index" in change) {
    if (indexes.has(change.index)) return [];
    indexes.add(change.index);
    return [change];
  }
  if ("drop" in change) {
    if (!known.delete(change.drop)) return [];
    for (const index of indexes) if (index.startsWith(`${change.drop}_`)) indexes.delete(index);
    return [change];
  }
  return [change];
}

/**
 * Our column where a record has more than Dex's can hold, and indexes so that neither garbage nor one person's records
 * are looked for in a whole table; none where Dex has one of the same columns.
 */
function beside({ kinds, isNumbered }: SqlLayout, flavour: Flavour): readonly Change[] {
  const theirs = isNumbered ? stepsFor(flavour).flatMap(({ changes }) => changes) : [];
  const isThere = (on: string, columns: readonly string[]): boolean =>
    theirs.some((change) => "index" in change && change.on === on && isDeepStrictEqual(change.columns, columns));
  return (Object.values(kinds) as readonly SqlKind[]).flatMap(({ table, expiry = [], user, writeExtra }) => [
    ...(writeExtra === undefined
      ? []
      : [{ alter: table, add: [{ name: extraColumn, type: "bytes", nullable: true } satisfies NewColumn] }]),
    ...expiry.map((column) => ({ index: `dexts_${table}_${column}_idx`, on: table, columns: [column] })),
    ...(user === undefined || isThere(table, user)
      ? []
      : [{ index: `dexts_${table}_user_idx`, on: table, columns: user }]),
  ]);
}

/** Texts that clients and upstreams write, in columns without a default. */
const widest: ReadonlySet<string> = new Set(["redirect_uri", "nonce", "state", "claims_username", "claims_email"]);

/**
 * MySQL's columns are too short for what clients may send: a nonce of 400 characters, a person in three thousand
 * groups. Dex reads the wider types just as well.
 */
function widened({ tables }: Found, { kinds }: SqlLayout): readonly Change[] {
  return (Object.values(kinds) as readonly SqlKind[]).flatMap(({ table, columns, key, user = [] }) => {
    const found = tables.get(table);
    const narrow = columns.filter(({ name, type }) => {
      if (key.includes(name) || (user as readonly string[]).includes(name)) return false;
      const isWide = found !== undefined && ["mediumtext", "mediumblob"].includes(found.get(name) ?? "");
      return (
        !isWide &&
        (type === "text" ? widest.has(name) : ["json", "nullable_json", "bytes", "bytes_text"].includes(type))
      );
    });
    if (narrow.length === 0) return [];
    return [{ widen: table, columns: narrow.map(({ name, type }) => ({ name, type, ...nullability(table, name) })) }];
  });
}

/** As the steps left it. */
function nullability(table: string, name: string): Pick<NewColumn, "nullable"> {
  if (table === "auth_request" && name === "state") return { nullable: true };
  const made = [...stepsFor("mysql").flatMap(({ changes }) => changes), ...ownTables].flatMap((change) => {
    if ("create" in change && change.create === table) return change.columns;
    return "alter" in change && change.alter === table ? change.add : [];
  });
  return made.findLast((column) => column.name === name)?.nullable === true ? { nullable: true } : {};
}

export type FoundRow = readonly string[];

/** From a database's own catalogue: rows of table, column, type; of an index's name; of the last step. */
export function foundOf(columns: readonly FoundRow[], indexes: readonly FoundRow[], steps: readonly FoundRow[]): Found {
  const tables = new Map<string, Map<string, string>>();
  for (const [table = "", column = "", type = ""] of columns)
    tables.set(table, (tables.get(table) ?? new Map()).set(column, type.toLowerCase()));
  return { tables, indexes: new Set(indexes.map(([name = ""]) => name)), step: Number(steps[0]?.[0] ?? 0) };
}
