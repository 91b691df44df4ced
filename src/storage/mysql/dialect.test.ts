import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { unsetTime } from "../records.ts";
import { formatTime, parseTime } from "./dialect.ts";

const latest = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

test("a moment comes back to the millisecond, and what is none is the unset time", () => {
  fc.assert(
    fc.property(fc.integer({ min: unsetTime, max: latest }), (time) =>
      assert.equal(parseTime(formatTime(time)), time <= 0 ? unsetTime : time),
    ),
  );
  for (const unset of [
    "0000-00-00 00:00:00",
    "0001-01-01 00:00:00",
    "1000-01-01 00:00:00.000",
    "1970-01-01 00:00:00.000",
  ])
    assert.equal(parseTime(unset), unsetTime, unset);
});

test("any other text is the unset time, never a moment that a person could rely on by accident", () => {
  const alike = fc.string({ unit: fc.constantFrom(..."0129-: .TZ+") });
  fc.assert(
    fc.property(fc.oneof(fc.string(), alike), (text) => {
      const time = parseTime(text);
      if (time === unsetTime) return;
      assert.ok(time > 0 && time <= latest);
      assert.match(text, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?$/);
    }),
  );
});
