import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatDuration, parseDuration } from "./duration.ts";
import { millis } from "./ports.ts";

const hour = 3_600_000;

test("reads what Go reads, to the millisecond and towards zero", () => {
  const cases: readonly (readonly [string, number])[] = [
    ["0", 0],
    ["-0", 0],
    ["+0", 0],
    ["0s", 0],
    ["5s", 5_000],
    ["+5s", 5_000],
    ["-5s", -5_000],
    ["5.0s", 5_000],
    ["5.6s", 5_600],
    ["5.s", 5_000],
    [".5s", 500],
    ["-.5s", -500],
    ["1.004s", 1_004],
    ["1.0040s", 1_004],
    ["100.00100s", 100_001],
    ["10ns", 0],
    ["11us", 0],
    ["1999us", 1],
    ["-1999us", -1],
    ["2500\u00b5s", 2],
    ["2500\u03bcs", 2],
    ["13ms", 13],
    ["14s", 14_000],
    ["15m", 15 * 60_000],
    ["16h", 16 * hour],
    ["24h", 24 * hour],
    ["3h30m", 3.5 * hour],
    ["1.5h", 1.5 * hour],
    ["10.5s4m", 4 * 60_000 + 10_500],
    ["-2m3.4s", -(2 * 60_000 + 3_400)],
    ["1h2m3s4ms5us6ns", hour + 2 * 60_000 + 3_000 + 4],
    ["39h9m14.425s", 39 * hour + 9 * 60_000 + 14_425],
    ["52763797000ns", 52_763],
    ["0.3333333333333333333h", 1_200_000],
    ["0.100000000000000000000h", 360_000],
    ["0.830103483285477580700h", 2_988_372],
    ["9223372036854775807ns", 9_223_372_036_854],
    ["-9223372036854775808ns", -9_223_372_036_854],
    ["000000000000000000000000000000001s", 1_000],
  ];
  for (const [text, expected] of cases) assert.equal(parseDuration(text) + 0, expected + 0, text);
});

test("refuses what Go refuses, in Go's words", () => {
  const invalid = (text: string, quoted = text) => [text, `time: invalid duration "${quoted}"`] as const;
  const cases: readonly (readonly [string, string])[] = [
    invalid(""),
    invalid("-"),
    invalid("+"),
    invalid("."),
    invalid("-."),
    invalid(".s"),
    invalid("+.s"),
    invalid("s"),
    invalid("h"),
    invalid(" 1h"),
    invalid("--1s"),
    invalid('"1s"', '\\"1s\\"'),
    invalid("\\1s", "\\\\1s"),
    invalid("\u00b5s", "\\xc2\\xb5s"),
    invalid("\ufffd", "\\xef\\xbf\\xbd"),
    invalid("\n1s", "\\x0a1s"),
    invalid("3000000h"),
    invalid("9223372036854775808ns"),
    invalid("9223372036854775.808us"),
    invalid("-9223372036854775809ns"),
    invalid("9223372036854ms775us808ns"),
    invalid("99999999999999999999999"),
    ["1", 'time: missing unit in duration "1"'],
    ["30", 'time: missing unit in duration "30"'],
    ["00", 'time: missing unit in duration "00"'],
    ["0.0", 'time: missing unit in duration "0.0"'],
    ["1h30", 'time: missing unit in duration "1h30"'],
    ["1.2.3s", 'time: missing unit in duration "1.2.3s"'],
    ["1d", 'time: unknown unit "d" in duration "1d"'],
    ["1H", 'time: unknown unit "H" in duration "1H"'],
    ["1h 30m", 'time: unknown unit "h " in duration "1h 30m"'],
    ["1h-30m", 'time: unknown unit "h-" in duration "1h-30m"'],
    ["1\u65e5", 'time: unknown unit "\\xe6\\x97\\xa5" in duration "1\\xe6\\x97\\xa5"'],
  ];
  for (const [text, message] of cases) assert.throws(() => parseDuration(text), { message }, JSON.stringify(text));
});

test("a number of a hundred thousand digits is refused like any other", () => {
  assert.throws(() => parseDuration(`${"9".repeat(100_000)}s`), /^Error: time: invalid duration/);
  assert.equal(parseDuration(`0.${"1".repeat(100_000)}s`), 111);
});

test("writes what Go writes", () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, "0s"],
    [-0, "0s"],
    [0.000001, "1ns"],
    [0.0011, "1.1\u00b5s"],
    [2.2, "2.2ms"],
    [250, "250ms"],
    [3_300, "3.3s"],
    [59_999, "59.999s"],
    [60_000, "1m0s"],
    [4 * 60_000 + 5_001, "4m5.001s"],
    [24 * hour, "24h0m0s"],
    [5 * hour + 6 * 60_000 + 7_001, "5h6m7.001s"],
    [-1_500, "-1.5s"],
    [-24 * hour, "-24h0m0s"],
    [9_223_372_036_854, "2562047h47m16.854s"],
  ];
  for (const [span, expected] of cases) assert.equal(formatDuration(millis(span)), expected);
});

test("what was written is read back", () => {
  const span = fc.integer({ min: -9_223_372_036_854, max: 9_223_372_036_854 });
  fc.assert(fc.property(span, (value) => assert.equal(parseDuration(formatDuration(millis(value))), value)));
});

test("a sum of parts is the sum of their spans", () => {
  const part = fc.tuple(
    fc.integer({ min: 0, max: 9_999 }),
    fc.constantFrom(["ms", 1] as const, ["s", 1_000] as const, ["m", 60_000] as const, ["h", hour] as const),
  );
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), (parts) => {
      const text = parts.map(([count, [unit]]) => `${count}${unit}`).join("");
      const sum = parts.reduce((total, [count, [, size]]) => total + count * size, 0);
      assert.equal(parseDuration(text), sum);
    }),
  );
});

test("any text is a whole number of milliseconds or an error of one line", () => {
  const text = fc.oneof(fc.string({ unit: "binary" }), fc.stringMatching(/^[-+]?[0-9.hmsun\u00b5 ]{0,12}$/));
  fc.assert(
    fc.property(text, (input) => {
      try {
        assert.ok(Number.isSafeInteger(parseDuration(input)));
      } catch (error) {
        assert.ok(error instanceof Error);
        assert.match(error.message, /^time: [ -~]*$/);
      }
    }),
  );
});
