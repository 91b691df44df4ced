import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { handClock } from "../../test/fake/hand-clock.ts";
import type { CountedElsewhere, OtherCounters } from "../kernel/attempt-limiter.ts";
import { millis } from "../kernel/ports.ts";
import { keepLimiters } from "./limits.ts";

const limit = { most: 6, window: millis(60_000) };

/** Counters of `count` threads, and all that they tell each other. */
function threads(count: number) {
  const clock = handClock();
  const told: CountedElsewhere[] = [];
  const listeners: ((counted: readonly CountedElsewhere[]) => void)[] = [];
  const limiters = Array.from({ length: count }, (_, own) => {
    const others: OtherCounters = {
      tell(counted) {
        told.push(...counted);
        for (const [at, listen] of listeners.entries()) if (at !== own) listen(structuredClone(counted));
      },
      hear: (listener) => void listeners.push(listener),
    };
    return keepLimiters(clock, others)("client", limit);
  });
  return { limiters, told, clock };
}

test("threads count together: spread over three of them there are as many tries as at one", async () => {
  const { limiters, clock } = threads(3);
  let made = 0;
  for (let n = 0; n < 30; n++) {
    if (limiters[n % 3]?.begin("198.51.100.7") === 0) made += 1;
    await setImmediate();
  }
  assert.equal(made, limit.most);
  for (const limiter of limiters) assert.ok(limiter.begin("198.51.100.7") > 0);
  for (const limiter of limiters) assert.equal(limiter.begin("198.51.100.8"), 0);
  await clock.advance(limit.window + 1);
  for (const limiter of limiters) assert.equal(limiter.begin("198.51.100.7"), 0);
});

test("a try that is taken back is none at the others either, and within one turn nobody hears of it", async () => {
  const { limiters, told } = threads(2);
  const [one, two] = limiters;
  for (let n = 0; n < 100; n++) {
    assert.equal(one?.begin("right"), 0);
    one?.takeBack("right");
  }
  await setImmediate();
  assert.deepEqual(told, []);
  for (let n = 0; n < limit.most; n++) one?.begin("wrong");
  await setImmediate();
  assert.ok((two?.begin("wrong") ?? 0) > 0);
  one?.takeBack("wrong");
  await setImmediate();
  assert.equal(two?.begin("wrong"), 0);
  assert.deepEqual(
    told.map(({ count }) => count),
    [limit.most, -1],
  );
});
