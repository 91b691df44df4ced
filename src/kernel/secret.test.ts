import assert from "node:assert/strict";
import { test } from "node:test";
import { format, inspect } from "node:util";
import fc from "fast-check";
import { Secret } from "./secret.ts";
import { secretEqual } from "./secret-equal.ts";

const hidden = "hunter2";

test("a secret prints as [secret] wherever a value is printed", () => {
  const secret = new Secret(hidden);
  const printed = [
    String(secret),
    `${secret}`,
    `a${secret}`,
    JSON.stringify({ secret }),
    inspect(secret),
    inspect({ deep: { secret } }, { showHidden: true, depth: 9 }),
    format("%s %o %O %j", secret, secret, secret, secret),
    String(new Error(`bad ${secret}`)),
    Object.entries(secret).join(),
    JSON.stringify(Object.getOwnPropertyNames(secret)),
  ];
  for (const text of printed) assert.ok(!text.includes(hidden), text);
  assert.equal(`${secret}`, "[secret]");
  assert.equal(JSON.stringify({ secret }), '{"secret":"[secret]"}');
});

test("a failed assertion about a secret does not tell it", () => {
  try {
    assert.deepEqual(new Secret(hidden), { other: true });
    assert.fail("was equal");
  } catch (error) {
    assert.ok(error instanceof Error && !error.message.includes(hidden));
  }
});

test("bytes are hidden like text, and reveal gives back the very value", () => {
  const bytes = Buffer.from(hidden);
  const secret = new Secret<Uint8Array>(bytes);
  assert.equal(secret.reveal(), bytes);
  assert.ok(!inspect([secret], { showHidden: true }).includes("68"));
});

test("secretEqual is equality of bytes, for text and bytes alike", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 40 });
  fc.assert(
    fc.property(text, text, (left, right) => {
      const areEqual = Buffer.from(left).equals(Buffer.from(right));
      assert.equal(secretEqual(left, right), areEqual);
      assert.equal(secretEqual(Buffer.from(left), right), areEqual);
      assert.equal(secretEqual(left, new Uint8Array(Buffer.from(right))), areEqual);
      assert.ok(secretEqual(left, left));
    }),
  );
});

test("secretEqual tells a prefix, a case and a form of writing apart", () => {
  for (const [left, right] of [
    ["a", ""],
    ["", "a"],
    ["abc", "ab"],
    ["abc", "abC"],
    ["\u00e9", "e\u0301"],
    ["a", "a\0"],
  ] as const) {
    assert.equal(secretEqual(left, right), false);
  }
  assert.ok(secretEqual("", ""));
});

test("secretEqual does not take two broken texts for one: a lone surrogate has no bytes of its own", () => {
  assert.equal(secretEqual("\ud800", "\udbff"), false);
});
