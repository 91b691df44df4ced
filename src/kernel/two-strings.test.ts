import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeTwoStrings, encodeTwoStrings } from "./two-strings.ts";

const vectors: readonly (readonly [string, string, string])[] = [
  ["2342749", "github", "CgcyMzQyNzQ5EgZnaXRodWI"],
  ["0-385-28089-0", "mock", "Cg0wLTM4NS0yODA4OS0wEgRtb2Nr"],
  ["08a8684b-db88-4b73-90a9-3cd1661f5466", "local", "CiQwOGE4Njg0Yi1kYjg4LTRiNzMtOTBhOS0zY2QxNjYxZjU0NjYSBWxvY2Fs"],
  ["foo", "bar", "CgNmb28SA2Jhcg"],
  ["1", "test", "CgExEgR0ZXN0"],
  ["example-app", "", "CgtleGFtcGxlLWFwcA"],
  ["test", "bar", "CgR0ZXN0EgNiYXI"],
  ["sessionid", "sessionid-secret", "CglzZXNzaW9uaWQSEHNlc3Npb25pZC1zZWNyZXQ"],
  ["", "", ""],
];

test("writes and reads what Dex writes", () => {
  for (const [first, second, text] of vectors) {
    assert.equal(encodeTwoStrings(first, second), text);
    assert.deepEqual(decodeTwoStrings(text), [first, second]);
  }
});

test("a length from 128 on takes two bytes", () => {
  const bytes = Buffer.from(encodeTwoStrings("x".repeat(200), "y"), "base64url");
  assert.equal(bytes.subarray(0, 3).toString("hex"), "0ac801");
});

test("whatever was written is read back, from one spelling only", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 400 });
  fc.assert(
    fc.property(text, text, (first, second) => {
      const encoded = encodeTwoStrings(first, second);
      assert.match(encoded, /^[A-Za-z0-9_-]*$/);
      assert.deepEqual(decodeTwoStrings(encoded), [first.toWellFormed(), second.toWellFormed()]);
      assert.equal(decodeTwoStrings(`${encoded}=`), undefined);
    }),
  );
});

const hex = (digits: string): string => Buffer.from(digits, "hex").toString("base64url");

test("accepts any order, unknown fields and repetition, as proto3 asks", () => {
  const cases: readonly (readonly [string, readonly [string, string]])[] = [
    ["1201620a0161", ["a", "b"]],
    ["0a01610a0162", ["b", ""]],
    ["0a01611801120162", ["a", "b"]], // field 3, varint
    ["0a01611a0263641201 62".replace(" ", ""), ["a", "b"]], // field 3, bytes
    ["0a0161190102030405060708120162", ["a", "b"]], // field 3, fixed64
    ["0a01611d01020304120162", ["a", "b"]], // field 3, fixed32
    ["0a00", ["", ""]],
    ["0a810061", ["a", ""]], // a length written longer than it needs to be
    ["0a01618a01017a", ["a", ""]], // field 17, whose tag takes two bytes
  ];
  for (const [digits, expected] of cases) assert.deepEqual(decodeTwoStrings(hex(digits)), expected, digits);
});

test("refuses what is no such message", () => {
  const cases = [
    "0a", // a tag alone
    "0a02", // no content
    "0a0261", // too short
    "0a0161ff", // half a tag
    "0a0161 0000".replace(" ", ""), // field 0
    "0a01611b", // a group
    "0a016119010203", // half a fixed64
    "0a01611d0102", // half a fixed32
    "0a016118", // a varint without a byte
    "0a0161 18ffffffffffffffffffff01".replace(" ", ""), // a varint of eleven bytes
    "0affffffffffffffffff7f61", // a length beyond the text
    "0a01ff", // not UTF-8
    "0a03eda080", // a lone surrogate
  ];
  for (const digits of cases) assert.equal(decodeTwoStrings(hex(digits)), undefined, digits);
});

test("a byte order mark is part of the text", () => {
  assert.deepEqual(decodeTwoStrings(encodeTwoStrings("\ufeffa", "\ufeff")), ["\ufeffa", "\ufeff"]);
});

test("a known field of another type is skipped or refused, never taken for text", () => {
  assert.deepEqual(decodeTwoStrings(hex("0801120162")), ["", "b"]);
});

test("any text gives two strings or nothing, and never throws", () => {
  const foreign = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString("base64url")),
  );
  fc.assert(
    fc.property(foreign, (text) => {
      const decoded = decodeTwoStrings(text);
      if (decoded !== undefined) for (const part of decoded) assert.equal(part, part.toWellFormed());
    }),
    { numRuns: 500 },
  );
});
