import type { Cell, SqlConnection } from "./driver.ts";
import type { ColumnType } from "./kind.ts";
import type { Change, Flavour } from "./migrations.ts";
import type { Found } from "./schema-plan.ts";

/** All that PostgreSQL and MySQL say differently. */
export interface Dialect {
  readonly flavour: Exclude<Flavour, "sqlite3">;
  /** The n-th parameter of a statement, from 1. */
  parameter(position: number): string;
  /** A name, quoted where it needs to be. */
  name(name: string): string;
  /** A logical value as a cell, and back. A cell that is kept is written as {@link keep} says. */
  encode(value: unknown, type: ColumnType): Cell;
  decode(cell: Cell, type: ColumnType, column: string): unknown;
  keep(cell: Cell, type: ColumnType): Cell;
  /** How a column is read, where the driver would not give its whole value. */
  select(column: string, type: ColumnType): string;
  /** Equal to the key that was asked for, in every letter. */
  keyIs(column: string, parameter: () => string): string;
  /** An expression that changes whenever anybody writes to the row, as text; and how a parameter is compared with it. */
  version(columns: readonly string[]): string;
  isVersion(columns: readonly string[], parameter: string): string;
  /** Deletes at most `limit` rows of `table` for which `condition` holds. Other replicas do the same at the same time. */
  deleteSome(table: string, condition: string, limit: number): string;
  /** The type of a column that holds a time. */
  readonly timeType: string;
  /** A change of schema in statements. */
  ddl(change: Change): readonly string[];
  /** What is there. */
  inspect(connection: SqlConnection): Promise<Found>;
  /** Runs `work` while no other replica migrates; in one transaction where the database can take schema changes back. */
  exclusively<T>(connection: SqlConnection, work: () => Promise<T>): Promise<T>;
}
