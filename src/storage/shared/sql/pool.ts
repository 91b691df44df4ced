import { UnavailableError } from "../../../kernel/errors.ts";
import { type Query, type Result, type SqlConnection, type SqlDriver, SqlFault } from "./driver.ts";

export interface PoolLimits {
  /** Connections at most. */
  readonly maxOpen: number;
  /** Idle ones kept. */
  readonly maxIdle: number;
  /** Milliseconds after which a connection is replaced; 0 keeps it. */
  readonly maxLifetime: number;
  /** Statements that may wait for a connection before more are refused. */
  readonly maxWaiting: number;
  /** Milliseconds that a statement may wait for a connection, and may run on it. */
  readonly waitTimeout: number;
  readonly statementTimeout: number;
}

/** Firewalls forget quiet connections without telling anybody; older ones are not trusted, in milliseconds. */
const maxQuiet = 4 * 60_000;
/** After a failed connect everybody is refused for so long, in milliseconds: a dead database is not hammered. */
const restAfterFailure = 250;

interface Pooled {
  readonly connection: SqlConnection;
  readonly openedAt: number;
  usedAt: number;
}

interface Waiting {
  resolve(pooled: Pooled): void;
  reject(error: unknown): void;
}

/**
 * Connections, bounded in every direction. Who waits too long, or finds too many waiting, is refused with
 * UnavailableError; a connection that broke is forgotten, and the next statement opens a new one: that is all the
 * healing there is. Nobody can hold one connection while asking for another, since statements are handed in, not
 * connections handed out; {@link alone} is for the migration.
 */
export class Pool {
  readonly #driver: SqlDriver;
  readonly #limits: PoolLimits;
  readonly #idle: Pooled[] = [];
  readonly #waiting: Waiting[] = [];
  /** Idle, in use, and on their way. */
  #open = 0;
  #opening = 0;
  #restUntil = 0;
  #lastFailure: unknown;
  #isClosed = false;
  #onEmpty: (() => void) | undefined;

  constructor(driver: SqlDriver, limits: PoolLimits) {
    this.#driver = driver;
    this.#limits = limits;
  }

  /** @throws {SqlFault} Of the statement. @throws {UnavailableError} No connection could be had. */
  run(query: Query): Promise<Result> {
    return this.alone((connection) => this.#inTime(connection, connection.run(query)));
  }

  /** Several statements on one connection; a transaction left open dies with it if `work` rejects. */
  async alone<T>(work: (connection: SqlConnection) => Promise<T>): Promise<T> {
    const pooled = await this.#take();
    try {
      const result = await work(pooled.connection);
      this.#giveBack(pooled);
      return result;
    } catch (error) {
      // Only a fault of the statement leaves the connection as it was.
      if (error instanceof SqlFault && error.kind !== "lost" && error.kind !== "away") this.#giveBack(pooled);
      else this.#discard(pooled);
      throw error;
    }
  }

  /** Waits for statements that run, then closes. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { reject } of this.#waiting.splice(0)) reject(closed());
    for (const pooled of this.#idle.splice(0)) this.#discard(pooled);
    if (this.#open > 0) {
      await new Promise<void>((resolve) => {
        this.#onEmpty = resolve;
      });
    }
  }

  async #take(): Promise<Pooled> {
    if (this.#isClosed) throw closed();
    for (let pooled = this.#idle.pop(); pooled !== undefined; pooled = this.#idle.pop()) {
      if (this.#isFit(pooled)) return pooled;
      this.#discard(pooled);
    }
    const waiting = this.#wait();
    this.#openMore();
    return waiting;
  }

  #wait(): Promise<Pooled> {
    if (this.#waiting.length >= this.#limits.maxWaiting)
      throw new UnavailableError(
        "storage",
        `${this.#waiting.length} statements wait for a database connection already`,
      );
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(new UnavailableError("storage", "no database connection became free in time"));
      }, this.#limits.waitTimeout);
      const waiting: Waiting = {
        resolve: (pooled) => {
          clearTimeout(timer);
          resolve(pooled);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      this.#waiting.push(waiting);
    });
  }

  /** One connection on its way for each who waits, as far as there is room. */
  #openMore(): void {
    if (performance.now() < this.#restUntil) {
      if (this.#open === 0) this.#refuseAll(this.#lastFailure);
      return;
    }
    const room = this.#limits.maxOpen - this.#open;
    const wanted = Math.min(room, this.#waiting.length - this.#opening);
    for (let count = 0; count < wanted; count++) void this.#openOne();
  }

  async #openOne(): Promise<void> {
    this.#open++;
    this.#opening++;
    try {
      const connection = await this.#driver.connect();
      this.#opening--;
      const now = performance.now();
      this.#giveBack({ connection, openedAt: now, usedAt: now });
    } catch (error) {
      this.#opening--;
      this.#lastFailure = error;
      this.#restUntil = performance.now() + restAfterFailure;
      this.#closedOne();
      // As long as others still serve, those who wait may get one of theirs.
      if (this.#open === 0) this.#refuseAll(error);
    }
  }

  #refuseAll(cause: unknown): void {
    const message = cause instanceof Error ? cause.message : "the database cannot be reached";
    for (const { reject } of this.#waiting.splice(0)) reject(new UnavailableError("storage", message, { cause }));
  }

  #giveBack(pooled: Pooled): void {
    pooled.usedAt = performance.now();
    const isWanted = !this.#isClosed && this.#isFit(pooled);
    const next = isWanted ? this.#waiting.shift() : undefined;
    if (next !== undefined) next.resolve(pooled);
    else if (isWanted && this.#idle.length < this.#limits.maxIdle) this.#idle.push(pooled);
    else this.#discard(pooled);
  }

  #isFit({ connection, openedAt, usedAt }: Pooled): boolean {
    const now = performance.now();
    const { maxLifetime } = this.#limits;
    return !connection.isBroken && now - usedAt < maxQuiet && (maxLifetime === 0 || now - openedAt < maxLifetime);
  }

  #discard({ connection }: Pooled): void {
    void connection.close().then(() => this.#closedOne());
  }

  #closedOne(): void {
    this.#open--;
    if (this.#isClosed && this.#open === 0) this.#onEmpty?.();
    if (!this.#isClosed && this.#waiting.length > 0) this.#openMore();
  }

  /** A server that fell silent must not keep us waiting: the connection goes, whatever becomes of the statement. */
  async #inTime(connection: SqlConnection, running: Promise<Result>): Promise<Result> {
    const timer = setTimeout(() => void connection.close(), this.#limits.statementTimeout);
    try {
      return await running;
    } finally {
      clearTimeout(timer);
    }
  }
}

const closed = (): UnavailableError => new UnavailableError("storage", "the database is closed");
