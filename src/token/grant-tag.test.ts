import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { systemRandom } from "../kernel/system.ts";
import { grantTagOf, newTokenId, tagOfTokenId } from "./grant-tag.ts";

const key = new Uint8Array(32).fill(7);
const uuid4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test("every token id is a UUID of version 4 that begins with its grant's tag", () => {
  fc.assert(
    fc.property(fc.string(), (id) => {
      const tag = grantTagOf(key, id);
      const jti = newTokenId(systemRandom, tag);
      assert.match(jti, uuid4);
      assert.equal(tagOfTokenId(jti), tag);
    }),
  );
  assert.match(newTokenId(systemRandom), uuid4);
});

test("tokens of one grant differ, grants differ, keys differ", () => {
  const tag = grantTagOf(key, "a");
  const ids = Array.from({ length: 1_000 }, () => newTokenId(systemRandom, tag));
  assert.equal(new Set(ids).size, ids.length);
  const tags = Array.from({ length: 1_000 }, (_, index) => grantTagOf(key, String(index)));
  assert.equal(new Set(tags).size, tags.length);
  assert.notEqual(grantTagOf(new Uint8Array(32), "a"), tag);
});
