import assert from "node:assert/strict";
import { test } from "node:test";
import { handClock } from "../../test/fake/hand-clock.ts";
import { createHealth } from "./health.ts";

test("any number of probes are one question, and the next is asked after five seconds", async () => {
  const clock = handClock();
  let asked = 0;
  const health = createHealth(async () => void asked++, clock);
  const reports = await Promise.all(Array.from({ length: 50 }, () => health.look()));
  assert.equal(asked, 1);
  assert.deepEqual(new Set(reports.map(({ error }) => error)), new Set([undefined]));
  await clock.advance(4_999);
  await health.look();
  assert.equal(asked, 1);
  await clock.advance(1);
  await health.look();
  assert.equal(asked, 2);
});

test("failures are counted from the first one on, and forgotten with the first success", async () => {
  const clock = handClock();
  const began = clock.now();
  let isAway = true;
  const health = createHealth(async () => {
    if (isAway) throw new Error("it is away");
  }, clock);
  await health.look();
  await clock.advance(5_000);
  const { error, contiguousFailures, firstFailureAt } = await health.look();
  assert.deepEqual([error, contiguousFailures, firstFailureAt], ["it is away", 2, began]);
  isAway = false;
  await clock.advance(5_000);
  const healed = await health.look();
  assert.deepEqual([healed.error, healed.contiguousFailures, healed.firstFailureAt], [undefined, 0, undefined]);
});

test("a database that hangs is away after two seconds, whether or not it hears the signal", async () => {
  const health = createHealth(() => new Promise(() => {}), handClock());
  // The deadline's timer keeps no process alive; a test needs one that does.
  const alive = setTimeout(() => {}, 10_000);
  const { error } = await health.look();
  clearTimeout(alive);
  assert.equal(error, "no answer within 2 s");
});
