import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { systemRandom } from "../kernel/system.ts";
import { newUserCode, readUserCode } from "./user-code.ts";

const form = /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/;

test("a user code has Dex's form, and every letter is as likely as the others", () => {
  const counts = new Map<string, number>();
  const rounds = 5_000;
  for (let round = 0; round < rounds; round++) {
    const code = newUserCode(systemRandom);
    assert.match(code, form);
    for (const letter of code.replace("-", "")) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  }
  assert.equal(counts.size, 20);
  // Expected 2000 of each, standard deviation 44: seven of them is chance in no lifetime.
  for (const [letter, count] of counts) assert.ok(Math.abs(count - 2_000) < 310, `${letter}: ${count}`);
});

test("a byte that would favour a letter is drawn again", () => {
  const bytes = [Uint8Array.from({ length: 16 }, () => 255), Uint8Array.from({ length: 16 }, () => 239)];
  assert.equal(newUserCode({ bytes: () => bytes.shift() ?? assert.fail() }), "ZZZZ-ZZZZ");
});

test("what a person types is read in any case and however it is spaced", () => {
  const typed = ["BCDF-GHJK", "bcdfghjk", " bcdf ghjk ", "b-c-d-f-g-h-j-k", "BCDF–GHJK", "Bcdf.Ghjk", "BCDF_GHJK\n"];
  for (const text of typed) assert.equal(readUserCode(text), "BCDF-GHJK", JSON.stringify(text));
  for (const text of [
    "",
    "BCDF-GHJ",
    "BCDF-GHJKL",
    "BCDA-GHJK",
    "ßCDF-GHJK",
    "BCDF/GHJK",
    "BCDF-GHJK\0",
    "B".repeat(999),
  ])
    assert.equal(readUserCode(text), undefined, JSON.stringify(text));
});

test("any text is either read as a well-formed code or as none", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (typed) => {
      const code = readUserCode(typed);
      assert.ok(code === undefined || form.test(code));
    }),
  );
  fc.assert(
    fc.property(fc.constant(null), () => {
      const code = newUserCode(systemRandom);
      assert.equal(readUserCode(code), code);
      assert.equal(readUserCode(code.toLowerCase().replace("-", "")), code);
    }),
  );
});
