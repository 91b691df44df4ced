import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { unsetTime } from "../records.ts";
import { parseTime } from "./dialect.ts";

const latest = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
test("a moment comes back to the millisecond", () => {
  fc.assert(
    fc.property(fc.integer({ min: Date.UTC(1, 0, 1), max: latest }), (time) => {
      const text = `${new Date(time).toISOString().slice(0, 23).replace("T", " ")}+00`;
      assert.equal(parseTime(text), time);
    }),
  );
  assert.equal(parseTime("2026-08-06 15:44:24+00"), Date.UTC(2026, 7, 6, 15, 44, 24));
  assert.equal(parseTime("2026-08-06 15:44:24.123457+00"), Date.UTC(2026, 7, 6, 15, 44, 24, 123));
});

test("any other text is the unset time: another zone, infinity, an era before ours", () => {
  for (const text of ["infinity", "-infinity", "2026-08-06 15:44:24+02", "0044-03-15 12:00:00+00 BC", ""])
    assert.equal(parseTime(text), unsetTime, text);
  const alike = fc.string({ unit: fc.constantFrom(..."0129-: .TZ+BC") });
  fc.assert(
    fc.property(fc.oneof(fc.string(), alike), (text) => {
      const time = parseTime(text);
      if (time !== unsetTime) assert.match(text, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?\+00$/);
    }),
  );
});
