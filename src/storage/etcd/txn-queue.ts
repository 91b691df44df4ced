import { UnavailableError } from "../../kernel/errors.ts";
import type { TxnRequest, TxnResponse } from "./messages.ts";

/** Calls that may be under way before others wait for one of them. */
const lanes = 2;
/** Milliseconds after which nobody waits any longer: a member that hangs must not hang what comes later. */
const maxWait = 100;
/** Operations and bytes of one call: half of what etcd allows, and a sixth. What is larger by itself goes alone. */
const maxOperations = 64;
const maxBytes = 256 * 1024;

interface Waiting {
  readonly request: TxnRequest;
  readonly size: Size;
  resolve(response: TxnResponse): void;
  reject(error: unknown): void;
}

interface Size {
  readonly operations: number;
  readonly bytes: number;
  readonly keys: readonly string[];
}

/** How several transactions become one, and its answer theirs again; undefined for one that has none. */
export interface Joining {
  /** Whether two of them may name the same key. */
  readonly canShareKeys: boolean;
  join(requests: readonly TxnRequest[]): TxnRequest;
  part(response: TxnResponse, requests: readonly TxnRequest[]): readonly (TxnResponse | undefined)[];
}

/** Reads stand side by side: a transaction inside another counts as a write. */
export const readsTogether: Joining = {
  canShareKeys: true,
  join: (requests) => ({ compare: [], success: requests.flatMap(({ success }) => success) }),
  part({ responses }, requests) {
    let end = 0;
    return requests.map(({ success }) => {
      const start = end;
      end += success.length;
      return end <= responses.length ? { succeeded: true, responses: responses.slice(start, end) } : undefined;
    });
  },
};

/** Writes keep their own comparisons. etcd makes them all before it writes anything, so no key may be named by two. */
export const writesTogether: Joining = {
  canShareKeys: false,
  join: (requests) => ({ compare: [], success: requests.map((request) => ({ request_txn: request })) }),
  part: ({ responses }, requests) => requests.map((_, place) => responses[place]?.response_txn),
};

/**
 * Transactions that come while others are under way go together in one call. etcd lets them wait for each other
 * anyway (a read for the last round of the majority, a write for the disk), and a call costs more than what it carries.
 */
export class TxnQueue {
  readonly #send: (request: TxnRequest) => Promise<TxnResponse>;
  readonly #joining: Joining;
  /** Whether etcd is known to have done nothing because of what it was asked. */
  readonly #isRefusal: (error: unknown) => boolean;
  readonly #waiting: Waiting[] = [];
  #underWay = 0;
  #isPlanned = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    send: (request: TxnRequest) => Promise<TxnResponse>,
    joining: Joining,
    isRefusal: (error: unknown) => boolean,
  ) {
    this.#send = send;
    this.#joining = joining;
    this.#isRefusal = isRefusal;
  }

  txn(request: TxnRequest): Promise<TxnResponse> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, size: sizeOf(request, this.#joining), resolve, reject });
      if (this.#isPlanned) return;
      this.#isPlanned = true;
      // What the same turn of the loop asks for goes along.
      setImmediate(() => {
        this.#isPlanned = false;
        this.#go();
      });
    });
  }

  #go(): void {
    while (this.#waiting.length > 0 && this.#underWay < lanes) this.#sendNext();
    if (this.#waiting.length === 0 || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#sendNext();
      this.#go();
    }, maxWait);
  }

  #sendNext(): void {
    const group = this.#waiting.splice(0, groupSize(this.#waiting));
    if (group.length === 0) return;
    this.#underWay++;
    void this.#carry(group).finally(() => {
      this.#underWay--;
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#go();
    });
  }

  /** Never rejects: every outcome goes to the one who waits for it. */
  async #carry(group: readonly Waiting[]): Promise<void> {
    const requests = group.map(({ request }) => request);
    const [first] = requests;
    if (first === undefined) return;
    try {
      const isAlone = group.length === 1;
      const response = await this.#send(isAlone ? first : this.#joining.join(requests));
      const parts = isAlone ? [response] : this.#joining.part(response, requests);
      for (const [place, { resolve, reject }] of group.entries()) {
        const part = parts[place];
        if (part === undefined) reject(new UnavailableError("storage", "etcd's answer lacks a part"));
        else resolve(part);
      }
    } catch (error) {
      // One that etcd refuses takes no other with it.
      if (group.length > 1 && this.#isRefusal(error)) await Promise.all(group.map((each) => this.#carry([each])));
      else for (const { reject } of group) reject(error);
    }
  }
}

/** How many of the first may go together. */
function groupSize(waiting: readonly Waiting[]): number {
  const taken = new Set<string>();
  let [operations, bytes] = [0, 0];
  for (const [place, { size }] of waiting.entries()) {
    operations += size.operations;
    bytes += size.bytes;
    const isTooMuch = operations > maxOperations || bytes > maxBytes || size.keys.some((key) => taken.has(key));
    if (place > 0 && isTooMuch) return place;
    for (const key of size.keys) taken.add(key);
  }
  return waiting.length;
}

function sizeOf(request: TxnRequest, { canShareKeys }: Joining): Size {
  const keys = new Set<string>();
  let [operations, bytes] = [0, 0];
  for (const { key, value } of named(request)) {
    if (!canShareKeys) keys.add(key.toString("latin1"));
    operations++;
    bytes += value?.length ?? 0;
  }
  return { operations, bytes, keys: [...keys] };
}

interface Named {
  readonly key: Buffer;
  readonly value?: Buffer;
}

/** Whatever a transaction compares, reads or writes. */
function* named({ compare, success, failure = [] }: TxnRequest): Generator<Named> {
  yield* compare;
  for (const operation of [...success, ...failure]) {
    if ("request_txn" in operation) yield* named(operation.request_txn);
    else if ("request_put" in operation) yield operation.request_put;
    else if ("request_range" in operation) yield operation.request_range;
    else yield operation.request_delete_range;
  }
}
