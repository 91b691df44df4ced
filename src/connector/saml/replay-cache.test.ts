import assert from "node:assert/strict";
import { it } from "node:test";
import { handClock } from "../../../test/fake/hand-clock.ts";
import { createReplayCache } from "./replay-cache.ts";

it("takes an id once until its end, and again after it", async () => {
  const clock = handClock();
  const cache = createReplayCache(clock);
  const end = clock.now() + 60_000;
  assert.ok(cache.claim("a", end));
  assert.ok(!cache.claim("a", end));
  await clock.advance(59_999);
  assert.ok(!cache.claim("a", end));
  await clock.advance(1);
  assert.ok(cache.claim("a", end + 60_000));
});

it("remembers what is good for years for a day", async () => {
  const clock = handClock();
  const cache = createReplayCache(clock);
  assert.ok(cache.claim("a", Number.POSITIVE_INFINITY));
  await clock.advance(24 * 3_600_000 - 1);
  assert.ok(!cache.claim("a", Number.POSITIVE_INFINITY));
  await clock.advance(1);
  assert.ok(cache.claim("a", Number.POSITIVE_INFINITY));
});

it("stays within its size: the oldest are forgotten first", () => {
  const clock = handClock();
  const cache = createReplayCache(clock, 100);
  const end = clock.now() + 60_000;
  for (let index = 0; index < 150; index++) assert.ok(cache.claim(`${index}`, end));
  for (let index = 50; index < 150; index++) assert.ok(!cache.claim(`${index}`, end), `${index}`);
  assert.ok(cache.claim("49", end));
});
