/**
 * What a database server's driver must offer, so that one pool, one retry policy and one collection serve them all.
 * A driver knows its wire protocol and its error codes; it decides nothing.
 */

/** What drivers take and give. */
export type Cell = string | number | boolean | null | Uint8Array;

export interface Query {
  readonly sql: string;
  readonly cells: readonly Cell[];
}

export interface Result {
  /** Cells in the order of the statement's columns. */
  readonly rows: readonly (readonly Cell[])[];
  /** Rows that were inserted, matched by an update, or deleted. */
  readonly changes: number;
}

/** What an error means for the statement that met it. */
export type FaultKind =
  /** The key is taken; nothing was written. */
  | "taken"
  /** Another transaction was in the way; nothing was written, and trying again is right. */
  | "conflict"
  /** The server refuses everybody for now (starting, full, read-only); nothing was written. */
  | "away"
  /** The connection broke or fell silent: whether the statement was applied is unknown. */
  | "lost"
  /** The statement itself is refused: a value too long, a right missing. */
  | "refused";

/** Every rejection of a driver. The message is the database's own; it never holds values. */
export class SqlFault extends Error {
  override readonly name = "SqlFault";
  readonly kind: FaultKind;

  constructor(kind: FaultKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

export interface SqlConnection {
  /** One statement, its own transaction unless {@link script} began one. @throws {SqlFault} */
  run(query: Query): Promise<Result>;
  /** Statements without values, as text. @throws {SqlFault} */
  script(sql: string): Promise<void>;
  /** Whether it broke; it is then of no more use. */
  readonly isBroken: boolean;
  /** Ends it, at once if a statement is still running. Never rejects. */
  close(): Promise<void>;
}

export interface SqlDriver {
  /** @throws {SqlFault} `away`: nobody answers. `refused`: the server or our TLS settings do not want us to be friends. */
  connect(): Promise<SqlConnection>;
}
