import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { hkdf, joinUnambiguously, keyedHash } from "./derive.ts";

/** RFC 5869 §2.2 and §2.3, written out: extract with a zero salt, expand one block. */
function hkdfByHand(root: Uint8Array, purpose: string): string {
  const extracted = createHmac("sha256", Buffer.alloc(32)).update(root).digest();
  return createHmac("sha256", extracted)
    .update(purpose)
    .update(Buffer.from([1]))
    .digest("hex");
}

test("derives what RFC 5869 says, in 32 bytes", () => {
  const root = Buffer.alloc(32, 7);
  assert.equal(hkdf(root, "seal:request").toString("hex"), hkdfByHand(root, "seal:request"));
  assert.equal(hkdf(root, "").length, 32);
  assert.notDeepEqual(hkdf(root, "a"), hkdf(root, "b"));
  assert.notDeepEqual(hkdf(root, "a"), hkdf(Buffer.alloc(32, 8), "a"));
});

test("RFC 5869, appendix A.3: no salt, no info", () => {
  const okm = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d";
  assert.equal(hkdf(Buffer.alloc(22, 0x0b), "").toString("hex"), okm);
});

test("a keyed hash is HMAC-SHA-256 over length-prefixed parts", () => {
  const key = Buffer.alloc(32, 1);
  const message = Buffer.from("\0\0\0\x02ab\0\0\0\0\0\0\0\x02\u00e9");
  assert.deepEqual(keyedHash(key, "ab", "", "\u00e9"), createHmac("sha256", key).update(message).digest());
  assert.notDeepEqual(keyedHash(key, "ab", "c"), keyedHash(key, "a", "bc"));
  assert.notDeepEqual(keyedHash(key, "a"), keyedHash(key, "a", ""));
  assert.notDeepEqual(keyedHash(key, "a"), keyedHash(Buffer.alloc(32, 2), "a"));
});

test("joined parts can be read back, so no two lists join alike", () => {
  const texts = fc.array(fc.string({ unit: "grapheme" }), { maxLength: 5 });
  fc.assert(
    fc.property(texts, (parts) => {
      const joined = joinUnambiguously(parts);
      const read: string[] = [];
      for (let at = 0; at < joined.length; ) {
        const end = at + 4 + joined.readUInt32BE(at);
        read.push(joined.toString("utf8", at + 4, end));
        at = end;
      }
      assert.deepEqual(
        read,
        parts.map((part) => part.toWellFormed()),
      );
    }),
  );
});
