import type { DatabaseSync, StatementSync } from "node:sqlite";
import { isDeepStrictEqual } from "node:util";
import { UnavailableError } from "../../kernel/errors.ts";
import { goJson } from "../../kernel/go-json.ts";
import { AlreadyExistsError, type Collection, type Page } from "../contract.ts";
import type { KindName, RecordKinds, UserKey } from "../records.ts";
import { ChangeQueue } from "../shared/change-queue.ts";
import { type CollectedKind, nothingToCollect } from "../shared/collect-kinds.ts";
import { LastRead } from "../shared/last-read.ts";
import { pageOf } from "../shared/page-of.ts";
import { keyParts, keyText, recordKey } from "../shared/record-key.ts";
import { changedColumns } from "../shared/sql/changed-columns.ts";
import { parseJson } from "../shared/sql/json-cell.ts";
import { keyCells, type LogicalRow, type SqlKind } from "../shared/sql/kind.ts";
import { recall } from "../shared/sql/recall.ts";
import { type Statements, statementsFor } from "../shared/sql/statements.ts";
import { type Cell, decodeRow, encode, encodeRow, formatTime, type Row, spelling } from "./dialect.ts";
import type { Statement, Writer } from "./writer.ts";

type RecordOf<K extends KindName> = RecordKinds[K]["record"];

/** A row as it was found, and what it says. */
interface Found<K extends KindName> {
  readonly row: Row;
  readonly logical: LogicalRow;
  readonly record: RecordOf<K>;
}

/** How often a swap may meet the very row it has read before that row counts as one that cannot be compared. */
const patience = 3;

/** One table: reads here, on a connection that no writer blocks; writes through the one {@link Writer}. */
export class SqliteCollection<K extends KindName> implements Collection<RecordKinds[K]["key"], RecordOf<K>> {
  readonly #kind: SqlKind<K>;
  readonly #sql: Statements;
  readonly #select: StatementSync;
  readonly #list: StatementSync;
  readonly #listOfUser: StatementSync | undefined;
  readonly #page: StatementSync | undefined;
  readonly #expired: StatementSync | undefined;
  readonly #writer: Writer;
  readonly #lastRead = new LastRead<Found<K>>();
  readonly #updates = new ChangeQueue<RecordOf<K>>();

  constructor(kind: SqlKind<K>, reader: DatabaseSync, writer: Writer) {
    this.#kind = kind;
    this.#sql = statementsFor(kind, spelling);
    this.#select = prepare(reader, this.#sql.select);
    this.#list = prepare(reader, this.#sql.list);
    this.#listOfUser = this.#sql.listOfUser === undefined ? undefined : prepare(reader, this.#sql.listOfUser);
    this.#page = this.#sql.page === undefined ? undefined : prepare(reader, this.#sql.page);
    this.#expired = this.#sql.expired === undefined ? undefined : prepare(reader, this.#sql.expired);
    this.#writer = writer;
  }

  async create(record: RecordOf<K>): Promise<void> {
    const cells = encodeRow(this.#kind.write(record), this.#kind.columns);
    const key = keyText(recordKey(this.#kind.kind, record));
    const extra = this.#extraOf(record);
    // Dex deletes records without our extra: what an earlier one of this key left must not come back.
    const beside = extra === undefined ? this.#removeExtra(key) : this.#extraStatements(key, undefined, extra);
    const outcome = await this.#writer.run([{ sql: this.#sql.insert, cells }, ...beside]);
    if ("exists" in outcome) throw new AlreadyExistsError("ID already exists");
  }

  async get(key: RecordKinds[K]["key"]): Promise<RecordOf<K> | undefined> {
    const parts = keyParts(this.#kind.kind, key);
    const row = this.#read(parts);
    if (row === undefined) return undefined;
    return recall(this.#lastRead, keyText(parts), row, () => this.#found(row)).record;
  }

  async list(): Promise<readonly RecordOf<K>[]> {
    return guarded(() => rowsOf(this.#list)).map((row) => this.#found(row).record);
  }

  /** @throws {TypeError} The kind is nobody's. */
  async listOfUser({ userId, connectorId }: UserKey): Promise<readonly RecordOf<K>[]> {
    const statement = this.#listOfUser;
    if (statement === undefined) throw new TypeError(`${this.#kind.kind} cannot be listed by user`);
    return guarded(() => rowsOf(statement, userId, connectorId)).map((row) => this.#found(row).record);
  }

  /** @throws {TypeError} A key of several columns. */
  async page(from: string, size: number): Promise<Page<RecordOf<K>>> {
    const statement = this.#page;
    if (statement === undefined) throw new TypeError(`${this.#kind.kind} cannot be read in pages`);
    const rows = guarded(() => rowsOf(statement, from, size));
    return pageOf(
      this.#kind.kind,
      rows.map((row) => this.#found(row).record),
      size,
    );
  }

  async update(
    key: RecordKinds[K]["key"],
    change: (current: RecordOf<K>) => RecordOf<K>,
  ): Promise<RecordOf<K> | undefined> {
    const parts = keyParts(this.#kind.kind, key);
    const text = keyText(parts);
    return this.#updates.update(text, change, (all) => this.#swapUntilDone(parts, text, all));
  }

  async delete(key: RecordKinds[K]["key"]): Promise<boolean> {
    const parts = keyParts(this.#kind.kind, key);
    const outcome = await this.#writer.run([
      { sql: this.#sql.remove, cells: keyCells(this.#kind, parts) },
      ...this.#removeExtra(keyText(parts)),
    ]);
    return "changes" in outcome && outcome.changes > 0;
  }

  /** Reads one row, whichever. @throws {UnavailableError} The file cannot be read. */
  probe(): void {
    guarded(() => this.#select.get(...this.#kind.key.map(() => "")));
  }

  /** Deletes up to `batch` of what expired before `now`. */
  async collect(now: number, batch: number): Promise<CollectedKind> {
    const { removeExpired } = this.#sql;
    const expired = this.#expired;
    if (expired === undefined || removeExpired === undefined) return nothingToCollect;
    const times = (this.#kind.expiry ?? []).map(() => formatTime(now));
    const rows = guarded(() => rowsOf(expired, ...times, batch));
    const outcomes = await Promise.all(
      rows.map((row) => {
        const parts = row.map(String);
        return this.#writer.run([
          { sql: removeExpired, cells: [...parts, ...times] },
          ...this.#removeExtra(keyText(parts)),
        ]);
      }),
    );
    const deleted = outcomes.filter((outcome) => "changes" in outcome && outcome.changes > 0).length;
    return { deleted, isDone: deleted < batch };
  }

  /**
   * The first attempt starts from what {@link get} has just read, if it did. Another process may write between a read
   * and our swap; then we read again. A row that is the same again was not written by anybody: it holds bytes that no
   * string can hold, and asking on would never end.
   */
  async #swapUntilDone(
    parts: readonly string[],
    text: string,
    change: (current: RecordOf<K>) => RecordOf<K>,
  ): Promise<RecordOf<K> | undefined> {
    const remembered = this.#lastRead.takeChanged(text, change);
    if (remembered !== undefined && (await this.#swap(parts, remembered.found, remembered.next)))
      return remembered.next;
    let refused: Row | undefined;
    for (let inVain = 0; inVain < patience; ) {
      const row = this.#read(parts);
      if (row === undefined) return undefined;
      inVain = isDeepStrictEqual(row, refused) ? inVain + 1 : 0;
      refused = row;
      const found = this.#found(row);
      const next = change(found.record);
      if (next === found.record || (await this.#swap(parts, found, next))) return next;
    }
    throw new Error(`a record of ${this.#kind.table} holds text that is not UTF-8 and cannot be changed`);
  }

  async #swap(parts: readonly string[], { row, logical, record }: Found<K>, next: RecordOf<K>): Promise<boolean> {
    const changed = changedColumns(this.#kind, logical, record, next);
    const outcome = await this.#writer.run(this.#swapStatements(parts, row, changed, next));
    return "changes" in outcome && outcome.changes > 0;
  }

  #swapStatements(parts: readonly string[], row: Row, changed: LogicalRow, next: RecordOf<K>): readonly Statement[] {
    const written: number[] = [];
    const cells: Cell[] = [];
    for (const [index, { name, type, fixed }] of this.#kind.columns.entries()) {
      if (fixed === true || !Object.hasOwn(changed, name)) continue;
      written.push(index);
      cells.push(encode(changed[name], type));
    }
    cells.push(...keyCells(this.#kind, parts), ...row);
    const swap = { sql: this.#sql.swap(written), cells };
    return [swap, ...this.#extraStatements(keyText(parts), this.#extraIn(row), this.#extraOf(next))];
  }

  #read(parts: readonly string[]): Row | undefined {
    return guarded(() => this.#select.get(...keyCells(this.#kind, parts)) as unknown as Row | undefined);
  }

  #found(row: Row): Found<K> {
    const logical = decodeRow(row, this.#kind.columns);
    const record = this.#kind.read(logical);
    const { readExtra } = this.#kind;
    const extra = this.#extraIn(row);
    if (readExtra === undefined || typeof extra !== "string") return { row, logical, record };
    return { row, logical, record: readExtra(record, parseJson(extra, "body")) };
  }

  /** The last of the cells, where the kind has extras. */
  #extraIn(row: Row): Cell | undefined {
    return row[this.#kind.columns.length];
  }

  #extraOf(record: RecordOf<K>): string | undefined {
    const extra = this.#kind.writeExtra?.(record);
    return typeof extra === "object" && extra !== null ? goJson(extra) : undefined;
  }

  #extraStatements(key: string, before: Cell | undefined, after: string | undefined): readonly Statement[] {
    if (after !== undefined) {
      return before === after ? [] : [{ sql: this.#sql.putExtra, cells: [this.#kind.kind, key, after] }];
    }
    return before === null || before === undefined ? [] : this.#removeExtra(key);
  }

  #removeExtra(key: string): readonly Statement[] {
    return this.#kind.writeExtra === undefined ? [] : [{ sql: this.#sql.removeExtra, cells: [this.#kind.kind, key] }];
  }
}

/** Rows come as lists of cells: as objects they would be dictionaries, which are slow to make and to read. */
function prepare(reader: DatabaseSync, sql: string): StatementSync {
  const statement = reader.prepare(sql);
  statement.setReturnArrays(true);
  return statement;
}

const rowsOf = (statement: StatementSync, ...parameters: (string | number)[]): readonly Row[] =>
  statement.all(...parameters) as unknown as readonly Row[];

function guarded<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new UnavailableError("storage", error instanceof Error ? error.message : "the database cannot be read", {
      cause: error,
    });
  }
}
