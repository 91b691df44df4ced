import { isDeepStrictEqual } from "node:util";
import { UnavailableError } from "../../../kernel/errors.ts";
import { goJson } from "../../../kernel/go-json.ts";
import { AlreadyExistsError, type Collection, type Page } from "../../contract.ts";
import type { KindName, RecordKinds, UserKey } from "../../records.ts";
import { ChangeQueue } from "../change-queue.ts";
import { type CollectedKind, nothingToCollect } from "../collect-kinds.ts";
import { LastRead } from "../last-read.ts";
import { pageOf } from "../page-of.ts";
import { keyParts, keyText, recordKey } from "../record-key.ts";
import { changedColumns } from "./changed-columns.ts";
import type { Dialect } from "./dialect.ts";
import { type Cell, type Result, SqlFault } from "./driver.ts";
import { parseJson } from "./json-cell.ts";
import { keyCells, type LogicalRow, type SqlKind } from "./kind.ts";
import { recall } from "./recall.ts";
import type { SqlClient } from "./sql-client.ts";
import { type VersionedStatements, versionedStatements } from "./versioned-statements.ts";

type RecordOf<K extends KindName> = RecordKinds[K]["record"];
type Row = readonly Cell[];

/** A row as it was found, and what it says. */
interface Found<K extends KindName> {
  readonly row: Row;
  readonly logical: LogicalRow;
  readonly record: RecordOf<K>;
}

/** How often an update may find that somebody else was faster. */
const swapTries = 200;

/** One table of a database server. Every verb is one statement, and one round trip where nobody interferes. */
export class SqlCollection<K extends KindName> implements Collection<RecordKinds[K]["key"], RecordOf<K>> {
  readonly #kind: SqlKind<K>;
  readonly #dialect: Dialect;
  readonly #sql: VersionedStatements;
  readonly #client: SqlClient;
  readonly #lastRead = new LastRead<Found<K>>();
  readonly #updates = new ChangeQueue<RecordOf<K>>();

  constructor(kind: SqlKind<K>, dialect: Dialect, client: SqlClient) {
    this.#kind = kind;
    this.#dialect = dialect;
    this.#sql = versionedStatements(kind, dialect);
    this.#client = client;
  }

  async create(record: RecordOf<K>): Promise<void> {
    const row = this.#kind.write(record);
    const cells = this.#kind.columns.map(({ name, type }) => this.#dialect.encode(row[name], type));
    const extra = this.#kind.writeExtra === undefined ? [] : [this.#extraCell(record)];
    try {
      await this.#client.write({ sql: this.#sql.insert, cells: [...cells, ...extra] });
    } catch (error) {
      if (error instanceof SqlFault && error.kind === "taken")
        throw new AlreadyExistsError("ID already exists", { cause: error });
      throw surfaced(error);
    }
    this.#lastRead.forget(keyText(recordKey(this.#kind.kind, record)));
  }

  async get(key: RecordKinds[K]["key"]): Promise<RecordOf<K> | undefined> {
    const parts = keyParts(this.#kind.kind, key);
    const row = await this.#select(parts);
    if (row === undefined) return undefined;
    return recall(this.#lastRead, keyText(parts), row, () => this.#found(row)).record;
  }

  async list(): Promise<readonly RecordOf<K>[]> {
    const { rows } = await this.#read(this.#sql.list, []);
    return rows.map((row) => this.#found(row).record);
  }

  /** @throws {TypeError} The kind is nobody's. */
  async listOfUser({ userId, connectorId }: UserKey): Promise<readonly RecordOf<K>[]> {
    const { listOfUser } = this.#sql;
    if (listOfUser === undefined) throw new TypeError(`${this.#kind.kind} cannot be listed by user`);
    const { rows } = await this.#read(listOfUser.sql, listOfUser.cells(userId, connectorId));
    return rows.map((row) => this.#found(row).record);
  }

  /** @throws {TypeError} A key of several columns. */
  async page(from: string, size: number): Promise<Page<RecordOf<K>>> {
    const statement = this.#sql.page;
    if (statement === undefined) throw new TypeError(`${this.#kind.kind} cannot be read in pages`);
    const { rows } = await this.#read(statement(size), [from]);
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
    if (parts.some(isUnstorable)) return false;
    this.#lastRead.forget(keyText(parts));
    try {
      return (await this.#client.write({ sql: this.#sql.remove, cells: this.#keyCells(parts) })).changes > 0;
    } catch (error) {
      throw surfaced(error);
    }
  }

  /** Deletes up to `batch` of what expired before `now`. */
  async collect(now: number, batch: number): Promise<CollectedKind> {
    const { removeExpired } = this.#sql;
    if (removeExpired === undefined) return nothingToCollect;
    const times = (this.#kind.expiry ?? []).map(() => this.#dialect.encode(now, "time"));
    const deleted = (await this.#read(removeExpired(batch), times)).changes;
    return { deleted, isDone: deleted < batch };
  }

  /** Whatever the collections' owner counts. */
  async count(): Promise<number> {
    const { rows } = await this.#read(this.#sql.count, []);
    return Number(rows[0]?.[0] ?? 0);
  }

  /**
   * Compare-and-swap on the row's version. The first attempt starts from what {@link get} has just read, if it did:
   * a row that is old then is found out by the swap. Where nothing would be written there is no swap, so `change`
   * is asked again about the row as it is now.
   */
  async #swapUntilDone(
    parts: readonly string[],
    text: string,
    change: (current: RecordOf<K>) => RecordOf<K>,
  ): Promise<RecordOf<K> | undefined> {
    const remembered = this.#lastRead.takeChanged(text, change);
    if (remembered !== undefined && (await this.#swap(parts, remembered.found, remembered.next)))
      return remembered.next;
    for (let tries = 1; tries <= swapTries; tries++) {
      const row = await this.#select(parts);
      if (row === undefined) return undefined;
      const found = this.#found(row);
      const next = change(found.record);
      if (next === found.record) return next;
      if (await this.#swap(parts, found, next)) return next;
      await this.#client.pause(Math.min(50, tries));
    }
    throw new UnavailableError("storage", `other writers kept changing a record of ${this.#kind.table}`);
  }

  /** Whether `next` is stored now. A lost answer is looked for: only where the row is untouched is it tried again. */
  async #swap(parts: readonly string[], found: Found<K>, next: RecordOf<K>): Promise<boolean> {
    const query = { sql: this.#sql.swap, cells: this.#swapCells(parts, found, next) };
    for (let tries = 1; ; tries++) {
      try {
        return (await this.#client.write(query)).changes > 0;
      } catch (error) {
        if (!(error instanceof SqlFault) || error.kind !== "lost" || tries > 2) throw surfaced(error);
        const now = await this.#select(parts);
        if (now === undefined || !isDeepStrictEqual(now, found.row)) throw surfaced(error);
      }
    }
  }

  #swapCells(parts: readonly string[], { row, logical, record }: Found<K>, next: RecordOf<K>): readonly Cell[] {
    const changed = changedColumns(this.#kind, logical, record, next);
    const cells: Cell[] = [];
    for (const [index, { name, type, fixed }] of this.#kind.columns.entries()) {
      if (fixed === true) continue;
      const isChanged = Object.hasOwn(changed, name);
      cells.push(isChanged ? this.#dialect.encode(changed[name], type) : this.#dialect.keep(row[index] ?? null, type));
    }
    if (this.#kind.writeExtra !== undefined) cells.push(this.#extraCell(next));
    return [...cells, ...this.#keyCells(parts), row.at(-1) ?? null];
  }

  async #select(parts: readonly string[]): Promise<Row | undefined> {
    if (parts.some(isUnstorable)) return undefined;
    return (await this.#read(this.#sql.select, this.#keyCells(parts))).rows[0];
  }

  async #read(sql: string, cells: readonly Cell[]): Promise<Result> {
    try {
      return await this.#client.read({ sql, cells });
    } catch (error) {
      throw surfaced(error);
    }
  }

  #keyCells(parts: readonly string[]): readonly Cell[] {
    return this.#sql.keyCells(keyCells(this.#kind, parts));
  }

  #logical(row: Row): LogicalRow {
    const logical: Record<string, unknown> = {};
    for (const [index, { name, type }] of this.#kind.columns.entries())
      logical[name] = this.#dialect.decode(row[index] ?? null, type, name);
    return logical;
  }

  #found(row: Row): Found<K> {
    const logical = this.#logical(row);
    const record = this.#kind.read(logical);
    const { readExtra } = this.#kind;
    const extra = row[this.#kind.columns.length];
    if (readExtra === undefined || !(extra instanceof Uint8Array)) return { row, logical, record };
    return { row, logical, record: readExtra(record, parseJson(Buffer.from(extra).toString("utf8"), "dexts_extra")) };
  }

  #extraCell(record: RecordOf<K>): Cell {
    const extra = this.#kind.writeExtra?.(record);
    return typeof extra === "object" && extra !== null ? Buffer.from(goJson(extra)) : null;
  }
}

/** No text of a database server holds NUL, so nothing has such a key. */
const isUnstorable = (part: string): boolean => part.includes("\0");

/** A fault in the words of the contract. Its message is the database's own and names no value. */
function surfaced(error: unknown): unknown {
  if (!(error instanceof SqlFault)) return error;
  if (error.kind === "refused") return new Error(`the database refuses: ${error.message}`, { cause: error });
  return new UnavailableError("storage", error.message, { cause: error });
}
