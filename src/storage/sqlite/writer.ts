import { Worker } from "node:worker_threads";
import { UnavailableError } from "../../kernel/errors.ts";
import type { Cell } from "./dialect.ts";

export interface Statement {
  readonly sql: string;
  readonly cells: readonly Cell[];
}

/** Statements that belong together. The first decides: the rest run only if it changed a row. */
export type WriteOperation = readonly Statement[];

/** What crosses to the thread: the text of a statement once, its number from then on. */
export interface Batch {
  /** Texts of the statements that are new, to be numbered on from the last. */
  readonly texts: readonly string[];
  readonly operations: readonly (readonly { readonly id: number; readonly cells: readonly Cell[] }[])[];
}

export type Outcome = { readonly changes: number } | { readonly exists: true } | { readonly error: string };

interface Waiting {
  readonly operation: WriteOperation;
  resolve(outcome: Outcome): void;
  reject(error: unknown): void;
}

/**
 * While several callers write, a batch begins no sooner after the one before it. Milliseconds. It makes fewer and larger
 * transactions of the same operations, each of which costs both threads and the disk about the same whatever it holds.
 */
const interval = 4;

/** Hands operations to the writing thread, one batch at a time: what comes in while one is written is the next. */
export class Writer {
  readonly #file: string;
  #worker: Worker | undefined;
  #waiting: Waiting[] = [];
  #running: readonly Waiting[] = [];
  #isScheduled = false;
  /** When the last batch began, and how many operations it held. */
  #last = { at: 0, size: 0 };
  /** The numbers that the running thread knows. */
  #numbers = new Map<string, number>();
  #isClosed = false;

  constructor(file: string) {
    this.#file = file;
  }

  /** Resolves once it is durable. @throws {UnavailableError} The database refuses, is locked for too long, or full. */
  async run(operation: WriteOperation): Promise<{ readonly changes: number } | { readonly exists: true }> {
    if (this.#isClosed) throw new UnavailableError("storage", "the database is closed");
    const outcome = await new Promise<Outcome>((resolve, reject) => {
      this.#waiting.push({ operation, resolve, reject });
      this.#schedule();
    });
    if ("error" in outcome) throw new UnavailableError("storage", outcome.error);
    return outcome;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    while (this.#running.length > 0 || this.#waiting.length > 0) await new Promise((resolve) => setImmediate(resolve));
    const worker = this.#worker;
    this.#worker = undefined;
    if (worker === undefined) return;
    // An idle thread keeps no process alive; this one must, or the process ends before it has closed the file.
    worker.ref();
    const ended = new Promise((resolve) => worker.once("exit", resolve));
    worker.postMessage("close");
    await ended;
  }

  /** At the end of this turn, so that everything it asks for shares a transaction; later where many ask. */
  #schedule(): void {
    if (this.#isScheduled || this.#running.length > 0 || this.#waiting.length === 0) return;
    this.#isScheduled = true;
    const send = (): void => {
      this.#isScheduled = false;
      this.#send();
    };
    const left = this.#last.size > 1 ? this.#last.at + interval - performance.now() : 0;
    if (left > 0) setTimeout(send, left);
    else setImmediate(send);
  }

  #send(): void {
    this.#running = this.#waiting;
    this.#waiting = [];
    this.#last = { at: performance.now(), size: this.#running.length };
    this.#worker ??= this.#start();
    this.#worker.ref();
    this.#worker.postMessage(this.#batchOf(this.#running));
  }

  #batchOf(running: readonly Waiting[]): Batch {
    const texts: string[] = [];
    const numbers = this.#numbers;
    const numberOf = (sql: string): number => {
      const known = numbers.get(sql) ?? numbers.size;
      if (known === numbers.size) {
        numbers.set(sql, known);
        texts.push(sql);
      }
      return known;
    };
    const operations = running.map(({ operation }) =>
      operation.map(({ sql, cells }) => ({ id: numberOf(sql), cells })),
    );
    return { texts, operations };
  }

  #start(): Worker {
    this.#numbers = new Map();
    const worker = new Worker(new URL("./writer-worker.ts", import.meta.url), {
      workerData: this.#file,
      // It holds one batch at a time; left alone it would grow a heap as large as the server's.
      resourceLimits: { maxYoungGenerationSizeMb: 4 },
    });
    worker.on("message", (outcomes: readonly Outcome[]) => {
      const done = this.#running;
      this.#running = [];
      worker.unref();
      this.#schedule();
      for (const [index, { resolve }] of done.entries()) resolve(outcomes[index] ?? { error: "no outcome" });
    });
    worker.on("error", (error) => this.#lose(worker, error));
    worker.on("exit", () => this.#lose(worker, new Error("the writing thread ended")));
    worker.unref();
    return worker;
  }

  /** A dead thread takes its batch with it, unacknowledged; the next operation starts a new one. */
  #lose(worker: Worker, cause: Error): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    const lost = this.#running;
    this.#running = [];
    for (const { reject } of lost) reject(new UnavailableError("storage", "the writing thread died", { cause }));
    this.#schedule();
  }
}
