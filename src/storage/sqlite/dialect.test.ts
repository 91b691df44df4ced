import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { unsetTime } from "../records.ts";
import { decode, decodeRow, encode, formatTime, parseTime } from "./dialect.ts";

const times = fc.integer({ min: unsetTime, max: Date.UTC(9999, 11, 31, 23, 59, 59, 999) });
const noon = Date.UTC(2026, 7, 6, 15, 14, 24, 123);

describe("times", () => {
  test("are written in UTC, the fraction without its zeros", () => {
    const written: readonly (readonly [number, string])[] = [
      [noon, "2026-08-06 15:14:24.123+00:00"],
      [noon - 3, "2026-08-06 15:14:24.12+00:00"],
      [noon - 123, "2026-08-06 15:14:24+00:00"],
      [Date.UTC(2026, 7, 6), "2026-08-06 00:00:00+00:00"],
      [unsetTime, "0001-01-01 00:00:00+00:00"],
    ];
    for (const [time, text] of written) assert.equal(formatTime(time), text);
  });

  test("are read in every layout that Dex's driver knows", () => {
    const read: readonly (readonly [string, number])[] = [
      ["2026-08-06 15:14:24.123456789+00:00", noon],
      ["2026-08-06 17:14:24.123+02:00", noon],
      ["2026-08-06T07:44:24.123-07:30", noon],
      ["2026-08-06 15:14:24.123", noon],
      ["2026-08-06T15:14:24.123", noon],
      ["2026-08-06 15:14:24.123Z", noon],
      ["2026-08-06T15:14:24.123456Z", noon],
      ["2026-08-06 15:14:24", noon - 123],
      ["2026-08-06T15:14:24", noon - 123],
      ["2026-08-06 15:14", noon - 24_123],
      ["2026-08-06T15:14", noon - 24_123],
      ["2026-08-06", Date.UTC(2026, 7, 6)],
      ["0001-01-01 00:00:00 UTC", unsetTime],
      ["1970-01-01 00:00:00", 0],
    ];
    for (const [text, time] of read) {
      assert.equal(parseTime(text), time, text);
      assert.equal(parseTime(Buffer.from(text)), time, `${text} as bytes`);
    }
  });

  test("are read from numbers: seconds, or milliseconds where seconds would be absurd", () => {
    assert.equal(parseTime(1_785_000_000), 1_785_000_000_000);
    assert.equal(parseTime(1_785_000_000_123), 1_785_000_000_123);
    assert.equal(parseTime(1_785_000_000n), 1_785_000_000_000);
    assert.equal(parseTime(0), 0);
  });

  test("anything else is the unset time", () => {
    for (const cell of [
      "",
      "now",
      "2026",
      "06.08.2026",
      "2026-08-06 25:00:00",
      "2026-08-06 15",
      1e300,
      -1e300,
      null,
      undefined,
    ])
      assert.equal(parseTime(cell), unsetTime, String(cell));
  });

  test("come back as they were, whatever they are", () => {
    fc.assert(fc.property(times, (time) => assert.equal(parseTime(formatTime(time)), time)));
  });

  test("sort as texts as they do as times, which collecting garbage relies on", () => {
    const near = fc.tuple(times, fc.integer({ min: -2000, max: 2000 }));
    fc.assert(
      fc.property(near, ([time, distance]) => {
        const other = Math.max(unsetTime, Math.min(time + distance, Date.UTC(9999, 0)));
        assert.equal(
          Math.sign(Buffer.compare(Buffer.from(formatTime(time)), Buffer.from(formatTime(other)))),
          Math.sign(time - other),
        );
      }),
    );
  });

  test("a foreign cell never throws and is always a time that can be written", () => {
    const cells = fc.oneof(fc.string(), fc.integer(), fc.double(), fc.bigInt(), fc.uint8Array(), fc.constant(null));
    const almost = fc.stringMatching(/^\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,12})?)?([+-]\d\d:\d\d|Z)?)?$/);
    fc.assert(fc.property(fc.oneof(cells, almost), (cell) => void formatTime(parseTime(cell))));
  });
});

describe("JSON", () => {
  test("is written as Go writes it", () => {
    assert.equal(encode(["<a> & b", "\u2028\u2029"], "json"), '["\\u003ca\\u003e \\u0026 b","\\u2028\\u2029"]');
    assert.equal(encode({ b: "ü", a: 'quote " \\' }, "json"), '{"b":"ü","a":"quote \\" \\\\"}');
    for (const nothing of [null, undefined]) assert.equal(encode(nothing, "json"), "null");
    assert.equal(encode([], "nullable_json"), "[]");
  });

  test("is read from text and from bytes; no cell is no value", () => {
    assert.deepEqual(decode('["a"]', "json", "scopes"), ["a"]);
    assert.deepEqual(decode(Buffer.from('["a"]'), "json", "scopes"), ["a"]);
    assert.equal(decode("null", "json", "scopes"), null);
    assert.equal(decode(null, "nullable_json", "scopes"), undefined);
  });

  test("that is none names its column, and quotes nothing of what may be a private key", () => {
    const read = (): unknown => decodeRow(['{"d": hunter2'], [{ name: "signing_key", type: "json" }]);
    assert.throws(read, (error: unknown) => {
      assert.ok(error instanceof Error);
      assert.equal(error.message, "the column signing_key holds no JSON");
      assert.equal(error.cause, undefined);
      return true;
    });
  });
});

test("bytes are read from text too, and none differs from empty", () => {
  assert.deepEqual(decode("abc", "bytes", "config"), Buffer.from("abc"));
  assert.deepEqual(decode(new Uint8Array([1]), "bytes", "config"), new Uint8Array([1]));
  assert.equal(decode(null, "bytes", "config"), undefined);
  assert.equal(encode(undefined, "bytes"), null);
  assert.deepEqual(encode(new Uint8Array(), "bytes"), new Uint8Array());
});

test("text is read from bytes too, and a missing cell as empty", () => {
  assert.equal(decode(Buffer.from("ü"), "text", "name"), "ü");
  assert.equal(decode(null, "text", "obsolete_token"), "");
  assert.equal(decode("token", "bytes_text", "token"), "token");
});

test("truth is a number, and an optional one may be unset", () => {
  assert.deepEqual([encode(true, "bool"), encode(false, "bool"), encode(undefined, "bool")], [1, 0, 0]);
  assert.deepEqual(
    [1, 0, null].map((cell) => decode(cell, "bool", "public")),
    [true, false, false],
  );
  assert.deepEqual(
    [true, false, undefined].map((value) => encode(value, "optional_bool")),
    [1, 0, null],
  );
  assert.deepEqual(
    [1, 0, null].map((cell) => decode(cell, "optional_bool", "email_verified")),
    [true, false, undefined],
  );
});
