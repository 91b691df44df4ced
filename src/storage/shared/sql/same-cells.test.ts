import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { hasSameCells } from "./same-cells.ts";

const cell = fc.oneof(
  fc.string(),
  fc.integer(),
  fc.bigInt(),
  fc.constant(null),
  fc.boolean(),
  fc.uint8Array({ maxLength: 8 }),
);
const row = fc.array(cell, { maxLength: 6 });
/** The same cells in places of their own. */
const copyOf = (cells: readonly unknown[]): readonly unknown[] =>
  cells.map((value) => (value instanceof Uint8Array ? Buffer.concat([value]) : value));

describe("two rows", () => {
  test("are the same where each cell is", () => {
    fc.assert(fc.property(row, (cells) => hasSameCells(cells, copyOf(cells))));
  });

  test("differ where one cell does", () => {
    fc.assert(
      fc.property(row, row, cell, cell, (before, after, one, other) => {
        fc.pre(!hasSameCells([one], [other]));
        return !hasSameCells([...before, one, ...after], [...before, other, ...after]);
      }),
    );
  });

  const differing = [
    { name: "length", row: ["a"], other: ["a", null] },
    { name: "null and text", row: [null], other: [""] },
    { name: "number and text", row: [1], other: ["1"] },
    { name: "number and bigint", row: [1], other: [1n] },
    { name: "bytes and text", row: [Buffer.from("a")], other: ["a"] },
    { name: "bytes", row: [Buffer.from("ab")], other: [Buffer.from("aa")] },
    { name: "the beginning of bytes", row: [Buffer.from("ab")], other: [Buffer.from("a")] },
    { name: "objects, which nobody looks into", row: [new Date(0)], other: [new Date(0)] },
  ];
  for (const { name, row: cells, other } of differing)
    test(`differ by ${name}`, () => {
      assert.equal(hasSameCells(cells, other), false);
      assert.equal(hasSameCells(other, cells), false);
    });
});
