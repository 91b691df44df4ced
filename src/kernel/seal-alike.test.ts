import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { openAlike, sealAlike, sealedAlikeOverhead } from "./seal-alike.ts";

const key = new Uint8Array(32).fill(7);
const text = fc.string({ unit: "grapheme", maxLength: 60 });

test("what was sealed is read back, in its own context and under its own key alone", () => {
  fc.assert(
    fc.property(text, text, text, (context, other, value) => {
      const sealed = sealAlike(key, [context], value);
      assert.equal(sealed.length, Buffer.byteLength(value) + sealedAlikeOverhead);
      assert.deepEqual(sealAlike(key, [context], value), sealed);
      assert.equal(openAlike(key, [context], sealed), value);
      if (other !== context) assert.equal(openAlike(key, [other], sealed), undefined);
      assert.equal(openAlike(new Uint8Array(32).fill(8), [context], sealed), undefined);
    }),
  );
});

test("any changed bit, and any bytes of others, open nothing", () => {
  fc.assert(
    fc.property(text, fc.nat(), fc.nat(7), (value, at, bit) => {
      const sealed = sealAlike(key, [], value);
      const place = at % sealed.length;
      sealed.writeUInt8(sealed.readUInt8(place) ^ (1 << bit), place);
      assert.equal(openAlike(key, [], sealed), undefined);
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => assert.equal(openAlike(key, [], bytes), undefined)),
  );
});
