import { UnavailableError } from "../../kernel/errors.ts";
import { type Connection, type Intent, isRefusal } from "./connection.ts";
import type { Compare, KeyValue, Methods, RangeResponse, RequestOp, TxnRequest, TxnResponse } from "./messages.ts";
import { type Joining, readsTogether, TxnQueue, writesTogether } from "./txn-queue.ts";

/** Keys and transactions below the configured namespace, which is put before every key as it is. */
export class Store {
  readonly #connection: Connection;
  readonly #methods: Methods;
  readonly #namespace: string;
  readonly #reads: TxnQueue;
  readonly #writes: TxnQueue;

  constructor(connection: Connection, methods: Methods, namespace: string) {
    this.#connection = connection;
    this.#methods = methods;
    this.#namespace = namespace;
    const queue = (joining: Joining, intent: Intent): TxnQueue =>
      new TxnQueue((request) => connection.call(methods.txn, request, intent), joining, isRefusal);
    this.#reads = queue(readsTogether, "read");
    this.#writes = queue(writesTogether, "write");
  }

  /** A read that waits for no other, and that a majority has to agree on. */
  async probe(key: string, signal: AbortSignal): Promise<void> {
    await this.#connection.call(this.#methods.range, { key: this.bytes(key) }, "read", signal);
  }

  /** Up to `limit` keys below `prefix`, from `after` on. `isRelaxed`: what one member knows will do. */
  page(prefix: string, after: string, limit: number, options: PageOptions = {}): Promise<RangeResponse> {
    const request = {
      key: after === "" ? this.bytes(prefix) : this.bytes(`${after}\0`),
      range_end: pastPrefix(this.bytes(prefix)),
      limit,
      serializable: options.isRelaxed === true,
      keys_only: options.isKeysOnly === true,
    };
    return this.#connection.call(this.#methods.range, request, "read");
  }

  txn(request: TxnRequest): Promise<TxnResponse> {
    return this.#writes.txn(request);
  }

  async get(key: string): Promise<KeyValue | undefined> {
    return (await this.getAll([key]))[0];
  }

  /** Reads several keys at one moment, in their order. */
  async getAll(keys: readonly string[]): Promise<readonly (KeyValue | undefined)[]> {
    if (keys.length === 0) return [];
    return valuesIn(await this.#reads.txn({ compare: [], success: keys.map((key) => this.read(key)) }));
  }

  bytes(key: string): Buffer {
    return Buffer.from(this.#namespace + key);
  }

  /** A key as we call it. */
  nameOf(key: Buffer): string {
    return key.toString().slice(this.#namespace.length);
  }

  read(key: string): RequestOp {
    return { request_range: { key: this.bytes(key) } };
  }

  put(key: string, value: string): RequestOp {
    return { request_put: { key: this.bytes(key), value: Buffer.from(value) } };
  }

  remove(key: string): RequestOp {
    return { request_delete_range: { key: this.bytes(key) } };
  }

  /** The key has not been written since; "0": it is not there. */
  unchanged(key: string, revision: string): Compare {
    return { target: "MOD", result: "EQUAL", key: this.bytes(key), mod_revision: revision };
  }

  absent(key: string): Compare {
    return { target: "CREATE", result: "EQUAL", key: this.bytes(key), create_revision: "0" };
  }

  present(key: string): Compare {
    return { target: "CREATE", result: "GREATER", key: this.bytes(key), create_revision: "0" };
  }
}

interface PageOptions {
  readonly isRelaxed?: boolean;
  readonly isKeysOnly?: boolean;
}

/** What each read of a transaction found. @throws {UnavailableError} The answer is of another kind. */
export const valuesIn = ({ responses }: TxnResponse): readonly (KeyValue | undefined)[] =>
  responses.map(({ response_range: range }) => {
    if (range === undefined) throw new UnavailableError("storage", "etcd's answer has another form than was asked for");
    return range.kvs[0];
  });

/** The first key after all that begin with `prefix`. */
function pastPrefix(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix);
  for (let place = end.length - 1; place >= 0; place--) {
    const byte = end[place] ?? 0;
    if (byte < 0xff) {
      end[place] = byte + 1;
      return end.subarray(0, place + 1);
    }
  }
  return Buffer.from([0]);
}
