import type pg from "pg";
import type { Cell, Result } from "../shared/sql/driver.ts";

export interface RepeatedStatement {
  readonly name: string;
  readonly cells: readonly Cell[];
  /** What a column's text becomes, by its place. */
  readonly parsers: readonly ((text: string) => Cell)[];
}

/**
 * A statement that its connection has prepared and answered before: bind, execute, and nothing else. The library's own
 * query has the columns described each time, and reads the description, which costs more than the row.
 */
export class RepeatedQuery implements pg.Submittable {
  readonly #statement: RepeatedStatement;
  readonly #resolve: (result: Result) => void;
  readonly #reject: (error: unknown) => void;
  readonly #rows: Cell[][] = [];
  #changes = 0;

  private constructor(
    statement: RepeatedStatement,
    resolve: (result: Result) => void,
    reject: (error: unknown) => void,
  ) {
    this.#statement = statement;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Rejects with what the library reports. */
  static run(client: pg.Client, statement: RepeatedStatement): Promise<Result> {
    return new Promise((resolve, reject) => {
      client.query(new RepeatedQuery(statement, resolve, reject));
    });
  }

  submit(connection: pg.Connection): void {
    const { name, cells } = this.#statement;
    // One packet instead of three.
    connection.stream.cork();
    connection.bind({ statement: name, values: cells.map(parameterOf) }, true);
    connection.execute(null, true);
    connection.sync();
    connection.stream.uncork();
  }

  handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }): void {
    const { parsers } = this.#statement;
    this.#rows.push(fields.map((text, place) => (text === null ? null : (parsers[place]?.(text) ?? text))));
  }

  /** "UPDATE 1", "INSERT 0 1": the last word counts. */
  handleCommandComplete({ text }: { readonly text: string }): void {
    this.#changes = Number(text.slice(text.lastIndexOf(" ") + 1));
  }

  handleError(error: unknown): void {
    this.#reject(error);
  }

  handleReadyForQuery(): void {
    this.#resolve({ rows: this.#rows, changes: this.#changes });
  }
}

function parameterOf(cell: Cell): Buffer | string | null {
  if (cell === null || typeof cell === "string" || Buffer.isBuffer(cell)) return cell;
  return cell instanceof Uint8Array ? Buffer.from(cell) : String(cell);
}
