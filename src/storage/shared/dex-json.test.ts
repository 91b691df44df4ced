import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { unsetTime } from "../records.ts";
import {
  boolMember,
  bytesMember,
  formatTime,
  mapValues,
  member,
  numberMember,
  objectEntries,
  parseTime,
  textList,
  textMember,
  timeMember,
} from "./dex-json.ts";

/** Years 1 to 9999, which RFC 3339 can say. */
const times = fc.integer({ min: unsetTime, max: Date.UTC(9999, 11, 31, 23, 59, 59, 999) });

describe("times", () => {
  test("are written as Go writes them", () => {
    const written: readonly (readonly [number, string])[] = [
      [unsetTime, "0001-01-01T00:00:00Z"],
      [0, "1970-01-01T00:00:00Z"],
      [Date.UTC(2026, 7, 6, 15, 14, 24), "2026-08-06T15:14:24Z"],
      [Date.UTC(2026, 7, 6, 15, 14, 24, 120), "2026-08-06T15:14:24.12Z"],
      [Date.UTC(2026, 7, 6, 15, 14, 20, 3), "2026-08-06T15:14:20.003Z"],
    ];
    for (const [time, text] of written) assert.equal(formatTime(time), text);
  });

  test("are read with any fraction and in any zone, to the millisecond", () => {
    const time = Date.UTC(2026, 7, 6, 15, 14, 24, 123);
    for (const text of [
      "2026-08-06T15:14:24.123Z",
      "2026-08-06T15:14:24.123456789Z",
      "2026-08-06T17:14:24.1239+02:00",
      "2026-08-06T07:44:24.123-07:30",
    ])
      assert.equal(parseTime(text), time, text);
    assert.equal(parseTime("0001-01-01T00:00:00Z"), unsetTime);
  });

  test("anything else is the unset time", () => {
    for (const value of [
      undefined,
      null,
      1,
      {},
      "",
      "1",
      "2026",
      "2026-08-06",
      "2026-13-06T15:14:24Z",
      "Thu, 01 Jan 1970",
    ])
      assert.equal(parseTime(value), unsetTime, String(value));
  });

  test("come back as they were, whatever they are", () => {
    fc.assert(fc.property(times, (time) => assert.equal(parseTime(formatTime(time)), time)));
  });

  test("foreign text never throws and is always a time that can be written", () => {
    fc.assert(fc.property(fc.anything(), (value) => void formatTime(parseTime(value))));
    const almost = fc.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,12})?(Z|[+-]\d\d:\d\d)?$/);
    fc.assert(fc.property(almost, (text) => void formatTime(parseTime(text))));
  });
});

describe("members", () => {
  const object = {
    ClientID: "a",
    clientid: "b",
    CONFIRMED: true,
    LastUsed: "2026-08-06T15:14:24Z",
    count: 7,
    key: "AQL/",
  };

  test("are found by their exact name first, else in any letter case", () => {
    assert.equal(member(object, "ClientID"), "a");
    assert.equal(member(object, "clientid"), "b");
    assert.equal(member(object, "CLIENTID"), "a");
    assert.equal(boolMember(object, "confirmed"), true);
    assert.equal(timeMember(object, "lastUsed"), Date.UTC(2026, 7, 6, 15, 14, 24));
    assert.equal(numberMember(object, "Count"), 7);
    assert.deepEqual([...bytesMember(object, "key")], [1, 2, 255]);
  });

  test("that are missing or of another type are zero values", () => {
    for (const name of ["missing", "toString", "__proto__"]) assert.equal(member(object, name), undefined);
    assert.equal(textMember({ a: null }, "a"), "");
    assert.equal(boolMember({ a: "true" }, "a"), false);
    assert.equal(numberMember({ a: "1" }, "a"), 0);
    assert.equal(timeMember({}, "a"), unsetTime);
    assert.equal(bytesMember({ a: null }, "a").byteLength, 0);
  });
});

test("a list of texts is read past everything that is no text; no list is an empty one", () => {
  assert.deepEqual(textList(["a", 1, null, "b"]), ["a", "b"]);
  for (const value of [undefined, null, {}, "a"]) assert.deepEqual(textList(value), []);
});

test("a map is read past entries that are no objects", () => {
  assert.deepEqual(objectEntries({ a: { x: 1 }, b: null, c: [1], d: "text" }), { a: { x: 1 } });
  for (const value of [undefined, null, [], "a"]) assert.deepEqual(objectEntries(value), {});
});

test("a map is written in the byte order of its keys, as Go does", () => {
  const sorted = Object.keys(mapValues({ "\u{1f600}": 1, "\uffee": 1, b: 1, B: 1, "a-b": 1, a: 1 }, (value) => value));
  assert.deepEqual(sorted, ["B", "a", "a-b", "b", "\uffee", "\u{1f600}"]);
});

test("a map keeps every key and value, those of Object.prototype too", () => {
  const keys = fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "toString", "10", "2"));
  fc.assert(
    fc.property(fc.array(fc.tuple(keys, fc.integer())), (pairs) => {
      const map = Object.fromEntries(pairs);
      assert.deepEqual(new Map(Object.entries(mapValues(map, (value) => value))), new Map(Object.entries(map)));
    }),
  );
});
