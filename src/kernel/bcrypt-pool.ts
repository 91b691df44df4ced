import { Worker } from "node:worker_threads";
import type { BcryptAnswer, BcryptJob } from "./bcrypt-worker.ts";
import { UnavailableError } from "./errors.ts";
import type { Secret } from "./secret.ts";

/** bcrypt away from the event loop and away from libuv's pool, which signs: there a login storm would starve every token. */
export interface BcryptPool {
  /** Whether `password` made `hash`. Only its first 72 bytes count. @throws {UnavailableError} Too many wait already. */
  compare(password: Secret, hash: string, signal: AbortSignal): Promise<boolean>;
  /** A new `$2b$` hash. */
  hash(password: Secret, cost: number): Promise<string>;
  /** How many wait for a thread now. */
  waiting(): number;
  close(): Promise<void>;
}

export interface BcryptPoolOptions {
  /** At most this many run, each started when first needed and kept. One is right for two cores. */
  readonly threads: number;
  /** How many may wait; the next is turned away at once instead of timing out later. */
  readonly maxQueue: number;
  /** What a thread runs. Ours, unless a test needs one that dies. */
  readonly entry?: URL;
}

interface Waiting {
  readonly job: BcryptJob;
  resolve(value: boolean | string): void;
  reject(error: unknown): void;
}

interface Thread {
  readonly worker: Worker;
  current: Waiting | undefined;
}

/** What a caller is told. The edge answers 503. */
const away = (message: string, cause?: unknown) => new UnavailableError("bcrypt", message, { cause });

const ownEntry = new URL("./bcrypt-worker.ts", import.meta.url);

export function createBcryptPool({ threads: size, maxQueue, entry = ownEntry }: BcryptPoolOptions): BcryptPool {
  const threads = new Set<Thread>();
  const queue = new Set<Waiting>();
  let nextId = 1;
  let isClosed = false;

  function start(): Thread {
    const thread: Thread = { worker: new Worker(entry), current: undefined };
    thread.worker.unref();
    thread.worker.on("message", (answer: BcryptAnswer) => finish(thread, answer));
    thread.worker.on("error", (error) => lose(thread, error));
    thread.worker.on("exit", () => lose(thread, new Error("it ended")));
    threads.add(thread);
    return thread;
  }

  function finish(thread: Thread, answer: BcryptAnswer): void {
    const done = thread.current;
    thread.current = undefined;
    // An idle thread keeps nobody from exiting.
    thread.worker.unref();
    if (answer.ok) done?.resolve(answer.value);
    else done?.reject(new Error(answer.message));
    assign();
  }

  /** A thread that died takes its own job with it and no other; the next job starts a new one. */
  function lose(thread: Thread, cause: Error): void {
    if (!threads.delete(thread)) return;
    thread.current?.reject(away("a bcrypt thread died", cause));
    thread.current = undefined;
    assign();
  }

  function assign(): void {
    for (const next of queue) {
      const idle = [...threads].find(({ current }) => current === undefined);
      if (isClosed || (idle === undefined && threads.size >= size)) return;
      queue.delete(next);
      try {
        const thread = idle ?? start();
        thread.current = next;
        thread.worker.ref();
        thread.worker.postMessage(next.job);
      } catch (error) {
        // The system refuses another thread: this login fails, the server does not.
        next.reject(away("no bcrypt thread could be started", error));
      }
    }
  }

  function submit(job: BcryptJob, signal?: AbortSignal): Promise<boolean | string> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      if (isClosed) throw away("the server is stopping");
      if (queue.size >= maxQueue) throw away("too many logins at once");
      // Who goes away leaves the queue at once: the gone must not turn away the living. What runs, runs on.
      const leave = (): void => {
        if (queue.delete(waiting)) waiting.reject(signal?.reason);
      };
      const settled = (): void => signal?.removeEventListener("abort", leave);
      const waiting: Waiting = {
        job,
        resolve: (value) => {
          settled();
          resolve(value);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      };
      signal?.addEventListener("abort", leave, { once: true });
      queue.add(waiting);
      assign();
    });
  }

  return {
    async compare(password, hash, signal) {
      // bcrypt's own C string would end here, and the rest of the password would count for nothing.
      if (password.reveal().includes("\0")) return false;
      const job = { id: nextId++, kind: "compare", password: password.reveal(), hash: withKnownMinor(hash) } as const;
      return (await submit(job, signal)) === true;
    },
    async hash(password, cost) {
      if (password.reveal().includes("\0")) throw new RangeError("a password may not hold a NUL");
      return String(await submit({ id: nextId++, kind: "hash", password: password.reveal(), cost }));
    },
    waiting: () => queue.size,
    async close() {
      isClosed = true;
      for (const waiting of queue) waiting.reject(away("the server is stopping"));
      queue.clear();
      await Promise.all([...threads].map(({ worker }) => worker.terminate()));
    },
  };
}

/** compat(dex): Go's bcrypt accepts any minor version, or none, and computes the same (server/passwords). */
const withKnownMinor = (hash: string): string => hash.replace(/^\$2[^$]?\$/, () => "$2b$");
