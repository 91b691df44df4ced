import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import { type EtcdPeer, etcdPrograms, startEtcd } from "../../../test/peer/etcd.ts";
import { missing } from "../../../test/peer/peer.ts";
import { UnavailableError } from "../../kernel/errors.ts";
import { makers } from "../conformance/makers.ts";
import { quietDeps } from "../conformance/quiet-deps.ts";
import { AlreadyExistsError, type Storage } from "../contract.ts";
import { Connection } from "./connection.ts";
import { parseEndpoint } from "./endpoint.ts";
import { openEtcd } from "./etcd.ts";
import { loadMethods, type TxnRequest, type TxnResponse } from "./messages.ts";
import { Store } from "./store.ts";
import { etcdSettings } from "./testing/etcd-settings.ts";
import { readsTogether, TxnQueue, writesTogether } from "./txn-queue.ts";

class Refusal extends Error {}
const isRefusal = (error: unknown): boolean => error instanceof Refusal;

const put = (key: string, bytes = 1): TxnRequest => ({
  compare: [],
  success: [{ request_put: { key: Buffer.from(key), value: Buffer.alloc(bytes) } }],
});
const read = (...keys: readonly string[]): TxnRequest => ({
  compare: [],
  success: keys.map((key) => ({ request_range: { key: Buffer.from(key) } })),
});

/** Calls that are answered when the test says so. */
function heldCalls() {
  const calls: { readonly request: TxnRequest; answer(response: TxnResponse): void; fail(error: Error): void }[] = [];
  const send = (request: TxnRequest): Promise<TxnResponse> =>
    new Promise((answer, fail) => void calls.push({ request, answer, fail }));
  return { calls, send };
}

const turns = async (): Promise<void> => {
  for (let count = 0; count < 5; count++) await new Promise((resolve) => setImmediate(resolve));
};

const keysOf = ({ success }: TxnRequest): readonly string[] =>
  success.flatMap((operation) => {
    if ("request_txn" in operation) return keysOf(operation.request_txn);
    return "request_put" in operation ? [operation.request_put.key.toString()] : [];
  });
/** Every part succeeded. */
const done = ({ success }: TxnRequest): TxnResponse => ({
  succeeded: true,
  responses: success.map((operation) =>
    "request_txn" in operation ? { response_txn: { succeeded: true, responses: [] } } : {},
  ),
});

test("what one turn asks for goes in one call; what comes while two are under way goes in the next", async () => {
  const { calls, send } = heldCalls();
  const queue = new TxnQueue(send, writesTogether, isRefusal);
  const outcomes: Promise<TxnResponse>[] = [];
  for (const keys of [["a", "b"], ["c"], ["d", "e"], ["f"]]) {
    outcomes.push(...keys.map((key) => queue.txn(put(key))));
    await turns();
  }
  const sent = () => calls.map(({ request }) => keysOf(request).join());
  assert.deepEqual(sent(), ["a,b", "c"]);
  calls[0]?.answer(done(calls[0].request));
  await turns();
  assert.deepEqual(sent(), ["a,b", "c", "d,e,f"]);
  for (const { request, answer } of calls) answer(done(request));
  assert.ok((await Promise.all(outcomes)).every(({ succeeded }) => succeeded));
});

test("no call names a key twice, holds too much, or more than etcd takes", async () => {
  const { calls, send } = heldCalls();
  const queue = new TxnQueue(
    async (request) => {
      void send(request);
      return done(request);
    },
    writesTogether,
    isRefusal,
  );
  const big = 200 * 1024;
  const all = [put("a"), put("b"), put("a"), put("c", big), put("d", big), put("e", 4 * big), put("f")];
  await Promise.all(
    [...all, ...Array.from({ length: 100 }, (_, place) => put(`${place}`))].map((one) => queue.txn(one)),
  );
  const sent = calls.map(({ request }) => keysOf(request));
  assert.deepEqual(sent.slice(0, 4), [["a", "b"], ["a", "c"], ["d"], ["e"]]);
  assert.deepEqual(
    sent.slice(4).map(({ length }) => length),
    [64, 37],
  );
  for (const keys of sent) assert.equal(new Set(keys).size, keys.length);
});

test("reads stand side by side, and each gets its own part", async () => {
  let calls = 0;
  const echo = async ({ success }: TxnRequest): Promise<TxnResponse> => {
    calls++;
    const keys = success.map((operation) => ("request_range" in operation ? `${operation.request_range.key}` : ""));
    const responses = keys.map((count) => ({ response_range: { header: null, kvs: [], more: false, count } }));
    return { succeeded: true, responses };
  };
  const queue = new TxnQueue(echo, readsTogether, isRefusal);
  const answers = await Promise.all(
    [read("a", "b"), read(), read("c"), read("b", "c", "d")].map((one) => queue.txn(one)),
  );
  assert.deepEqual(
    answers.map(({ responses }) => responses.map(({ response_range: range }) => range?.count).join("")),
    ["ab", "", "c", "bcd"],
  );
  assert.equal(calls, 1);
});

test("who is refused is refused alone; what may have been done is not done again", async () => {
  let calls = 0;
  const queue = new TxnQueue(
    async (request) => {
      calls++;
      if (keysOf(request).includes("bad")) throw new Refusal();
      if (keysOf(request).includes("lost")) throw new UnavailableError("storage", "lost");
      return done(request);
    },
    writesTogether,
    isRefusal,
  );
  const outcomes = await Promise.allSettled(["a", "bad", "b"].map((key) => queue.txn(put(key))));
  assert.deepEqual(
    outcomes.map((outcome) => (outcome.status === "fulfilled" ? "done" : outcome.reason.constructor)),
    ["done", Refusal, "done"],
  );
  calls = 0;
  for (const outcome of await Promise.allSettled(["c", "lost", "d"].map((key) => queue.txn(put(key))))) {
    assert.ok(outcome.status === "rejected" && outcome.reason instanceof UnavailableError);
  }
  assert.equal(calls, 1);
});

test("an answer without a part fails the one whose part it is", async () => {
  const short = async (request: TxnRequest): Promise<TxnResponse> => ({
    ...done(request),
    responses: done(request).responses.slice(1),
  });
  for (const joining of [writesTogether, readsTogether]) {
    const queue = new TxnQueue(short, joining, isRefusal);
    const outcomes = await Promise.allSettled([queue.txn(put("a")), queue.txn(put("b"))]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ["fulfilled", "rejected"],
    );
  }
});

test("calls that hang hold nobody up for long", async () => {
  const { calls, send } = heldCalls();
  const queue = new TxnQueue(send, writesTogether, isRefusal);
  const outcomes: Promise<TxnResponse>[] = [];
  for (const key of ["hangs", "hangs too", "late", "later"]) {
    outcomes.push(queue.txn(put(key)));
    await turns();
  }
  assert.equal(calls.length, 2);
  const began = performance.now();
  while (calls.length < 3 && performance.now() - began < 5_000) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(keysOf(calls[2]?.request ?? put("none")), ["late", "later"]);
  for (const { request, answer } of calls) answer(done(request));
  await Promise.all(outcomes);
});

describe("a real etcd", { skip: missing(etcdPrograms) }, () => {
  let peer: EtcdPeer;
  let storage: Storage;
  before(async () => {
    peer = await startEtcd();
    storage = await openEtcd(etcdSettings([peer.endpoint]), quietDeps());
  });
  after(async () => {
    await storage.close();
    await peer.stop();
  });

  test("does with many at once what it does with one after the other", async () => {
    const verb = fc.constantFrom("create", "get", "update", "delete");
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(verb, { maxLength: 8 }), { maxLength: 40 }), async (lanes) => {
        run++;
        const told = await Promise.all(lanes.map((verbs, lane) => tellOf(storage, `${run}-${lane}`, verbs)));
        assert.deepEqual(told, lanes.map(expected));
      }),
      { numRuns: 20 },
    );
  });

  test("refuses one that it cannot take, and none of those that went with it", async (t) => {
    const methods = await loadMethods();
    const settings = { ...etcdSettings([]), endpoints: [parseEndpoint(peer.endpoint, false)] };
    const connection = await Connection.open(settings, methods, quietDeps().random);
    t.after(() => connection.close());
    const store = new Store(connection, methods, "raw/");
    const puts = (...keys: readonly string[]): TxnRequest => ({
      compare: [],
      success: keys.map((key) => store.put(key, key)),
    });
    const all = [puts("one"), puts("twice", "twice"), puts("two"), puts("three")];
    const outcomes = await Promise.allSettled(all.map((request) => store.txn(request)));
    assert.deepEqual(
      outcomes.map((outcome) => (outcome.status === "fulfilled" ? "done" : outcome.reason.message)),
      ["done", "etcd refuses: etcdserver: duplicate key given in txn request", "done", "done"],
    );
    const stored = await store.getAll(["one", "twice", "two", "three"]);
    assert.deepEqual(
      stored.map((value) => value?.value.toString()),
      ["one", undefined, "two", "three"],
    );
  });
});

/** What the verbs say, one after the other, of one record. */
async function tellOf(storage: Storage, id: string, verbs: readonly string[]): Promise<readonly string[]> {
  const told: string[] = [];
  for (const verb of verbs) {
    if (verb === "create") {
      const making = storage.refreshTokens.create(makers.refreshTokens({ id, nonce: "0" }));
      told.push(
        await making.then(
          () => "made",
          (error) => (error instanceof AlreadyExistsError ? "taken" : `${error}`),
        ),
      );
    } else if (verb === "get") told.push((await storage.refreshTokens.get(id))?.nonce ?? "none");
    else if (verb === "delete") told.push(String(await storage.refreshTokens.delete(id)));
    else {
      const next = await storage.refreshTokens.update(id, (now) => ({ ...now, nonce: `${Number(now.nonce) + 1}` }));
      told.push(next?.nonce ?? "none");
    }
  }
  return told;
}

function expected(verbs: readonly string[]): readonly string[] {
  let nonce: number | undefined;
  return verbs.map((verb) => {
    const before = nonce;
    if (verb === "create") nonce ??= 0;
    if (verb === "delete") nonce = undefined;
    if (verb === "update" && nonce !== undefined) nonce++;
    if (verb === "create") return before === undefined ? "made" : "taken";
    return verb === "delete" ? String(before !== undefined) : String(nonce ?? "none");
  });
}
