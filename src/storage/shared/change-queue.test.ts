import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { UnavailableError } from "../../kernel/errors.ts";
import { ChangeQueue } from "./change-queue.ts";

/** One number under compare-and-swap. `disturb` is another process, which may write before a swap. */
function aCell(disturb: (value: number) => number = (value) => value) {
  const cell = { value: 0, writes: 0 };
  const swap = async (change: (current: number) => number): Promise<number> => {
    for (;;) {
      const read = cell.value;
      const next = change(read);
      await turn();
      cell.value = disturb(cell.value);
      if (cell.value !== read) continue;
      cell.value = next;
      cell.writes++;
      return next;
    }
  };
  return { cell, swap };
}

test("what waits goes together, in order, each seeing what the one before it made", async () => {
  const { cell, swap } = aCell();
  const queue = new ChangeQueue<number>();
  const results = await Promise.all(
    Array.from({ length: 100 }, () => queue.update("a", (current) => current + 1, swap)),
  );
  assert.deepEqual(
    results,
    Array.from({ length: 100 }, (_, index) => index + 1),
  );
  assert.equal(cell.value, 100);
  assert.equal(cell.writes, 2);
});

test("whoever throws is refused alone, and changes nothing", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }), { maxLength: 30 }),
      fc.integer({ min: 0, max: 3 }),
      async (steps, others) => {
        let left = others;
        const { cell, swap } = aCell((value) => (left-- > 0 ? value + 1_000 : value));
        const queue = new ChangeQueue<number>();
        const results = await Promise.allSettled(
          steps.map((step) =>
            queue.update(
              "a",
              (current) => {
                if (step === undefined) throw new RangeError("refused");
                return current + step;
              },
              swap,
            ),
          ),
        );
        assert.deepEqual(
          results.map(({ status }) => status),
          steps.map((step) => (step === undefined ? "rejected" : "fulfilled")),
        );
        const added = steps.reduce<number>((sum, step) => sum + (step ?? 0), 0);
        assert.equal(cell.value % 1_000, added % 1_000);
      },
    ),
  );
});

test("a record that is gone is gone for all", async () => {
  const queue = new ChangeQueue<number>();
  const results = await Promise.all(
    [1, 2].map(() =>
      queue.update(
        "a",
        (it) => it,
        async () => undefined,
      ),
    ),
  );
  assert.deepEqual(results, [undefined, undefined]);
});

test("what cannot be written takes no other with it", async () => {
  const queue = new ChangeQueue<string>();
  let stored = "";
  const swap = async (change: (current: string) => string): Promise<string> => {
    const next = change(stored);
    await turn();
    if (next.includes("\0")) throw new TypeError("no NUL in a text");
    stored = next;
    return next;
  };
  const results = await Promise.allSettled(
    ["a", "b", "\0", "c"].map((letter) => queue.update("k", (current) => current + letter, swap)),
  );
  assert.deepEqual(
    results.map(({ status }) => status),
    ["fulfilled", "fulfilled", "rejected", "fulfilled"],
  );
  assert.equal(stored, "abc");
});

test("a store that is away may have written: nothing is tried a second time", async () => {
  const queue = new ChangeQueue<number>();
  let calls = 0;
  const swap = async (change: (current: number) => number): Promise<number> => {
    calls++;
    change(0);
    await turn();
    throw new UnavailableError("storage", "the connection broke");
  };
  const results = await Promise.allSettled([1, 2, 3].map((step) => queue.update("a", (it) => it + step, swap)));
  assert.ok(results.every(({ status }) => status === "rejected"));
  assert.equal(calls, 2);
});
