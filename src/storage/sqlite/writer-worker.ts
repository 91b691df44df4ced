/**
 * The one writer. It runs in a thread of its own because a commit waits for the disk, which no request may: all
 * operations that came in meanwhile share the next transaction, so the disk is asked once for many of them.
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { isBusy, preparePragmas } from "./pragmas.ts";
import type { Batch, Outcome } from "./writer.ts";

const database = new DatabaseSync(String(workerData));
preparePragmas(database);
// SQLite's own waiting ends up looking every 100 ms and misses the moments that a busy neighbour leaves. Short waits
// look after 1 and 2 ms, again and again; so many of them last about five seconds.
database.exec("pragma busy_timeout = 3");
const waits = 1_600;

type Operation = Batch["operations"][number];

/** By the number that {@link Batch.texts} gave them. */
const prepared: StatementSync[] = [];

parentPort?.on("message", (message: Batch | "close") => {
  if (message === "close") {
    database.close();
    parentPort?.close();
    return;
  }
  for (const text of message.texts) prepared.push(database.prepare(text));
  const { operations } = message;
  parentPort?.postMessage(transact(operations));
});

/**
 * Runs `operations` in one transaction. If that fails, each is tried alone, so that one that the database refuses
 * takes no other with it.
 */
function transact(operations: readonly Operation[]): readonly Outcome[] {
  try {
    begin();
  } catch (error) {
    // The fault of none of them: one by one they would wait as long again, each.
    return operations.map(() => failed(error));
  }
  try {
    const outcomes = operations.map(run);
    database.exec("commit");
    return outcomes;
  } catch (error) {
    rollBack();
    return operations.length === 1 ? [failed(error)] : operations.flatMap((each) => transact([each]));
  }
}

function begin(): void {
  for (let wait = 1; ; wait++) {
    try {
      database.exec("begin immediate");
      return;
    } catch (error) {
      if (wait === waits || !isBusy(error)) throw error;
    }
  }
}

function rollBack(): void {
  try {
    database.exec("rollback");
  } catch {
    // SQLite has rolled back already, as it does when the disk is full.
  }
}

/** The first statement decides; the others follow only if it changed something. */
function run([first, ...rest]: Operation): Outcome {
  if (first === undefined) return { changes: 0 };
  try {
    const changes = Number(prepared[first.id]?.run(...first.cells).changes);
    if (changes > 0) for (const { id, cells } of rest) prepared[id]?.run(...cells);
    return { changes };
  } catch (error) {
    if (isTaken(error)) return { exists: true };
    throw error;
  }
}

/** SQLITE_CONSTRAINT_PRIMARYKEY and SQLITE_CONSTRAINT_UNIQUE: the statement did nothing, the transaction goes on. */
const isTaken = (error: unknown): boolean =>
  error instanceof Error && "errcode" in error && (error.errcode === 1555 || error.errcode === 2067);

const failed = (error: unknown): Outcome => ({ error: error instanceof Error ? error.message : "unknown" });
