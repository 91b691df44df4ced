import assert from "node:assert/strict";
import { test } from "node:test";
import { millis } from "./ports.ts";
import { systemClock, systemRandom } from "./system.ts";

test("gives as many bytes as were asked for, small or large", () => {
  for (const count of [0, 1, 12, 16, 32, 255, 256, 257, 4096, 70_000])
    assert.equal(systemRandom.bytes(count).length, count);
});

test("never gives the same bytes twice, also across a drained page", () => {
  const seen = new Set<string>();
  for (let count = 0; count < 20_000; count++) seen.add(Buffer.from(systemRandom.bytes(16)).toString("hex"));
  assert.equal(seen.size, 20_000);
});

test("what one caller does to its bytes no other caller sees", () => {
  const first = systemRandom.bytes(32);
  const second = systemRandom.bytes(32);
  const copy = second.slice();
  first.fill(0);
  assert.deepEqual(second, copy);
  assert.notEqual(first.buffer, second.buffer);
});

test("uses every value of a byte about as often", () => {
  const counts = new Array<number>(256).fill(0);
  for (let page = 0; page < 1000; page++)
    for (const byte of systemRandom.bytes(256)) counts[byte] = (counts[byte] ?? 0) + 1;
  // A thousand each is expected with a deviation of 32: ten times that is no accident.
  for (const count of counts) assert.ok(count > 680 && count < 1320, String(count));
});

test("refuses a count that is none", () => {
  for (const count of [-1, 1.5, Number.NaN]) assert.throws(() => systemRandom.bytes(count), RangeError, String(count));
});

test("a sleep ends by itself, or by the signal with the signal's own reason", async () => {
  const stop = new AbortController();
  await systemClock.sleep(millis(1), stop.signal);
  const reason = new Error("stopped");
  const sleeping = systemClock.sleep(millis(3_600_000), stop.signal);
  stop.abort(reason);
  await assert.rejects(sleeping, (error) => error === reason);
  await assert.rejects(systemClock.sleep(millis(1), stop.signal), (error) => error === reason);
});

test("a sleep of a month is not over at once", async () => {
  const stop = new AbortController();
  let isOver = false;
  const month = systemClock.sleep(millis(31 * 24 * 3_600_000), stop.signal).then(() => {
    isOver = true;
  });
  // Node's timer would have fired after one millisecond.
  await systemClock.sleep(millis(20), stop.signal);
  assert.equal(isOver, false);
  stop.abort(new Error("enough"));
  await assert.rejects(month, /enough/);
});
