import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { handClock } from "../../test/fake/hand-clock.ts";
import { createAttemptLimiter } from "./attempt-limiter.ts";
import { millis } from "./ports.ts";

const second = { most: 3, window: millis(1_000) };

const spend = (limiter: ReturnType<typeof createAttemptLimiter>, key: string): void => {
  for (let count = 0; count < 3; count++) assert.equal(limiter.begin(key), 0);
};

/** Bytes, once what nobody holds is gone. */
function heapInUse(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  return process.memoryUsage().heapUsed;
}

test("so many tries, and then a wait; nobody else waits with them", async () => {
  const clock = handClock();
  const limiter = createAttemptLimiter(second, clock);
  spend(limiter, "a");
  assert.equal(limiter.begin("a"), 1_000);
  assert.equal(limiter.begin("b"), 0);
  await clock.advance(999);
  assert.equal(limiter.begin("a"), 1);
  await clock.advance(1);
  assert.equal(limiter.begin("a"), 0);
});

test("each further wait is twice as long, up to eight windows; who keeps within the limit is forgiven", async () => {
  const clock = handClock();
  const limiter = createAttemptLimiter(second, clock);
  for (const wait of [1, 2, 4, 8, 8]) {
    spend(limiter, "a");
    assert.equal(limiter.begin("a"), wait * 1_000);
    await clock.advance(wait * 1_000);
  }
  limiter.begin("a");
  await clock.advance(1_000);
  spend(limiter, "a");
  assert.equal(limiter.begin("a"), 1_000);
});

test("one that was right counts for nothing, also the last that was left", () => {
  const limiter = createAttemptLimiter(second, handClock());
  for (let count = 0; count < 10; count++) {
    assert.equal(limiter.begin("a"), 0);
    limiter.takeBack("a");
  }
  spend(limiter, "a");
  limiter.takeBack("a");
  assert.equal(limiter.begin("a"), 0);
  assert.equal(limiter.begin("a"), 1_000);
});

test("without a limit nobody waits", () => {
  const limiter = createAttemptLimiter({ most: Number.POSITIVE_INFINITY, window: millis(1_000) }, handClock());
  for (let count = 0; count < 1_000; count++) assert.equal(limiter.begin("a"), 0);
});

test("a flood of keys takes no more memory than it may: the idlest go, and long ones are hashed", () => {
  const limiter = createAttemptLimiter({ most: 1, window: millis(1_000) }, handClock(), 100);
  for (let key = 0; key < 1_000; key++) limiter.begin(String(key));
  assert.equal(limiter.begin("950"), 1_000);
  assert.equal(limiter.begin("0"), 0);
  const many = createAttemptLimiter(second, handClock());
  const long = (key: number): string => `${key}${"x".repeat(1_000_000)}`;
  const before = heapInUse();
  for (let key = 0; key < 100; key++) spend(many, long(key));
  assert.ok(heapInUse() - before < 10_000_000);
  assert.equal(many.begin(long(7)), 1_000);
});

test("however tries, returns and pauses follow each other, no window sees more wrong ones than the limit", async () => {
  const step = fc.record({ pause: fc.integer({ min: 0, max: 700 }), isRight: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const clock = handClock();
      const limiter = createAttemptLimiter(second, clock);
      const wrong: number[] = [];
      for (const { pause, isRight } of steps) {
        await clock.advance(pause);
        if (limiter.begin("a") > 0) continue;
        if (isRight) limiter.takeBack("a");
        else wrong.push(clock.now());
      }
      // Windows begin with a first try: two of them may touch.
      for (const at of wrong) assert.ok(wrong.filter((other) => other >= at && other < at + 1_000).length <= 6);
    }),
    { numRuns: 200 },
  );
});
