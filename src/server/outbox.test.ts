import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type HandClock, handClock } from "../../test/fake/hand-clock.ts";
import { createOutbox } from "../kernel/outbox.ts";
import { quietDeps } from "../storage/conformance/quiet-deps.ts";
import type { MailDelivery } from "../storage/records.ts";
import { openSqlite } from "../storage/sqlite/sqlite.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
const heap = (): number => {
  collect();
  return process.memoryUsage().heapUsed;
};

const many = 10_000;
const minute = 60_000;

/** Some 80 MB of mails. */
async function aFullStore(clock: HandClock, dueAt: (index: number) => number) {
  const storage = await openSqlite("", quietDeps());
  const store = storage.mailDeliveries;
  const start = clock.now();
  for (let at = 0; at < many; at += 1000) {
    const some = Array.from({ length: 1000 }, (_, index) => at + index);
    await Promise.all(
      some.map((index) => {
        const times = { createdAt: start, nextAttempt: start + dueAt(index), expiry: start + 72 * 60 * minute };
        return store.create({ id: `m${index}`, content: `${index}`.padEnd(8_000, "."), attempts: 0, ...times });
      }),
    );
  }
  return { storage, store };
}

test("ten thousand that wait, or are tried in vain, are all delivered once, and few of them are in memory", async (t) => {
  const clock = handClock();
  // A third is due, a third soon, a third after the next look.
  const { storage, store } = await aFullStore(clock, (index) => (index % 3) * 4 * minute);
  t.after(() => storage.close());
  const before = heap();
  let most = 0;
  let calls = 0;
  const tries = new Map<string, number>();
  const delivered = new Map<string, number>();
  const pages: number[] = [];
  const outbox = createOutbox<MailDelivery>({
    store: {
      page: async (from, size) => {
        const page = await store.page(from, size);
        pages.push(page.records.length);
        return page;
      },
      update: (id, change) => store.update(id, change),
      delete: (id) => store.delete(id),
    },
    handOver: async ({ id }) => {
      const count = (tries.get(id) ?? 0) + 1;
      tries.set(id, count);
      if (++calls % 500 === 0) most = Math.max(most, heap() - before);
      // Whoever is away at first: far more than are kept in mind.
      if (count === 1 && Number(id.slice(1)) % 2 === 0) return false;
      delivered.set(id, (delivered.get(id) ?? 0) + 1);
      return true;
    },
    secondsBetween: [30, 60],
    lookInterval: 5 * minute,
    mostAtOnce: 200,
    postponed: (_, error) => assert.fail(String(error)),
    unreadable: (error) => assert.fail(String(error)),
    clock,
  });
  const end = new AbortController();
  const running = outbox.run(end.signal);
  await clock.asleep(1);
  assert.equal(tries.size, Math.ceil(many / 3), "what is due is tried at once");
  await clock.advance(4 * minute + 40_000, 1);
  assert.equal(delivered.size, Math.ceil((many * 2) / 3), "what is due before the next look is not forgotten");
  await clock.advance(6 * minute, 1);
  end.abort();
  await running;
  assert.equal(delivered.size, many);
  assert.ok([...delivered.values()].every((count) => count === 1));
  assert.ok(Math.max(...pages) <= 100);
  assert.ok(most < 30e6, `${Math.round(most / 1e6)} MB`);
  assert.deepEqual((await store.page("", 10)).records, []);
});

test("a stop is not held up by ten thousand that are due", async (t) => {
  const clock = handClock();
  const { storage, store } = await aFullStore(clock, () => 0);
  t.after(() => storage.close());
  const end = new AbortController();
  let tried = 0;
  const outbox = createOutbox<MailDelivery>({
    store,
    handOver: async () => {
      if (++tried === 20) end.abort();
      return true;
    },
    secondsBetween: [30],
    lookInterval: 5 * minute,
    mostAtOnce: 16,
    postponed: (_, error) => assert.fail(String(error)),
    unreadable: (error) => assert.fail(String(error)),
    clock,
  });
  await outbox.run(end.signal);
  assert.ok(tried <= 32, `${tried} were tried`);
});
