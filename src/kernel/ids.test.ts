import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { idFromBytes, isId, newId, newLongId, newUuid } from "./ids.ts";
import type { Random } from "./ports.ts";
import { systemRandom } from "./system.ts";

const filled = (value: number): Random => ({ bytes: (count) => new Uint8Array(count).fill(value) });

/** RFC 4648 base32 of `bytes`, lower-case and unpadded, by way of a string of bits. */
function base32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const groups = bits.match(/.{1,5}/g) ?? [];
  return groups.map((group) => "abcdefghijklmnopqrstuvwxyz234567"[Number.parseInt(group.padEnd(5, "0"), 2)]).join("");
}

test("an id is a letter and the base32 of the rest", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (bytes) => {
      const letter = "abcdefghijklmnopqrstuvwxyz"[(bytes[0] ?? 0) % 26];
      assert.equal(idFromBytes(bytes), letter + base32(bytes.subarray(1)));
    }),
  );
});

test("RFC 4648's own examples, behind their letter", () => {
  assert.equal(idFromBytes(Buffer.from("\0foobar")), "amzxw6ytboi");
  assert.equal(idFromBytes(Buffer.from("\x1bfooba")), "bmzxw6ytb");
});

test("lengths and alphabets are Dex's", () => {
  for (let count = 0; count < 1000; count++) {
    assert.match(newId(systemRandom), /^[a-z][a-z2-7]{24}$/);
    assert.match(newLongId(systemRandom), /^[a-z][a-z2-7]{50}$/);
  }
  assert.equal(newId(filled(0)), "a".repeat(25));
});

test("isId takes what newId makes and nothing of another shape", () => {
  assert.ok(isId(newId(systemRandom)));
  const a24 = "a".repeat(24);
  for (const text of ["", a24, `${a24}aa`, `2${a24}`, `${a24}1`, `${a24}A`, `${a24}a\n`, ` ${a24}`]) {
    assert.equal(isId(text), false, JSON.stringify(text));
  }
});

test("a UUID is of version 4 and variant 10", () => {
  const form = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  for (let count = 0; count < 1000; count++) assert.match(newUuid(systemRandom), form);
  assert.equal(newUuid(filled(0)), "00000000-0000-4000-8000-000000000000");
  assert.equal(newUuid(filled(255)), "ffffffff-ffff-4fff-bfff-ffffffffffff");
});
