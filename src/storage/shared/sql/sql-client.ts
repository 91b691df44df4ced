import { setTimeout as wait } from "node:timers/promises";
import { UnavailableError } from "../../../kernel/errors.ts";
import type { Random } from "../../../kernel/ports.ts";
import { type Query, type Result, type SqlConnection, SqlFault } from "./driver.ts";
import type { Pool } from "./pool.ts";

/** How often a statement is tried in all: conflicts end soon, a dead server does not. */
const conflictTries = 12;
const awayTries = 3;
/** Milliseconds after which nothing is tried again: whoever waits for a lock or a silent server has waited enough. */
const patience = 5_000;

/**
 * Statements with a second chance. What the database refused without applying it is tried again after a random
 * pause; what may have been applied only if that does no harm. Everything else that no caller can mend becomes
 * UnavailableError.
 */
export class SqlClient {
  readonly #pool: Pool;
  readonly #random: Random;

  constructor(pool: Pool, random: Random) {
    this.#pool = pool;
    this.#random = random;
  }

  /** A statement that may be applied twice without harm: reading, collecting. @throws {UnavailableError} */
  read(query: Query): Promise<Result> {
    return this.#attempt(() => this.#pool.run(query), true);
  }

  /**
   * A statement that must not be applied twice. @throws {SqlFault} `taken`, or `lost`: it may have been applied or not.
   * @throws {UnavailableError}
   */
  write(query: Query): Promise<Result> {
    return this.#attempt(() => this.#pool.run(query), false);
  }

  /** Statements of one connection, all of them again after a conflict: `work` begins and commits. */
  alone<T>(work: (connection: SqlConnection) => Promise<T>): Promise<T> {
    return this.#attempt(() => this.#pool.alone(work), false);
  }

  /** Before trying again: between half and all of `longest` milliseconds, so that those who collided part. */
  async pause(longest: number): Promise<void> {
    const [byte = 0] = this.#random.bytes(1);
    await wait(longest / 2 + (byte / 255) * (longest / 2));
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  async #attempt<T>(run: () => Promise<T>, isRepeatable: boolean): Promise<T> {
    const end = performance.now() + patience;
    for (let tries = 1; ; tries++) {
      try {
        return await run();
      } catch (error) {
        if (!(error instanceof SqlFault)) throw error;
        const isUnapplied = error.kind === "conflict" || error.kind === "away";
        const limit = error.kind === "conflict" ? conflictTries : awayTries;
        const mayRepeat = isUnapplied || (isRepeatable && error.kind === "lost");
        if (!mayRepeat || tries >= limit || performance.now() > end) throw failure(error, isRepeatable);
        await this.pause(Math.min(200, 4 * 2 ** tries));
      }
    }
  }
}

/** What is left of a fault when trying again is no use. */
function failure(fault: SqlFault, isRepeatable: boolean): Error {
  if (fault.kind === "taken" || fault.kind === "refused") return fault;
  if (fault.kind === "lost" && !isRepeatable) return fault;
  return new UnavailableError("storage", fault.message, { cause: fault });
}
