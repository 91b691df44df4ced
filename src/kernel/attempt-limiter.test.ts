import assert from "node:assert/strict";
import { test } from "node:test";
import { handClock } from "../../test/fake/hand-clock.ts";
import { createAttemptLimiter } from "./attempt-limiter.ts";
import { millis } from "./ports.ts";

test("so many failures block their maker until the window ends, and nobody else", async () => {
  const clock = handClock();
  const limiter = createAttemptLimiter(3, millis(1_000), clock);
  for (let count = 0; count < 3; count++) {
    assert.equal(limiter.isBlocked("a"), false);
    limiter.failed("a");
    await clock.advance(100);
  }
  assert.equal(limiter.isBlocked("a"), true);
  assert.equal(limiter.isBlocked("b"), false);
  await clock.advance(699);
  assert.equal(limiter.isBlocked("a"), true);
  await clock.advance(1);
  assert.equal(limiter.isBlocked("a"), false);
  limiter.failed("a");
  assert.equal(limiter.isBlocked("a"), false);
});

test("a flood of makers forgets the oldest and takes no more room", () => {
  const limiter = createAttemptLimiter(1, millis(1_000), handClock(), 100);
  for (let key = 0; key < 1_000; key++) limiter.failed(String(key));
  assert.equal(limiter.isBlocked("0"), false);
  assert.equal(limiter.isBlocked("900"), true);
  assert.equal(limiter.isBlocked("999"), true);
});
