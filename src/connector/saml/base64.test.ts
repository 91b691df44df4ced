import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeBase64, decodeWrappedBase64 } from "./base64.ts";

test("bytes come back as they were, broken into lines or not", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1 }), fc.integer({ min: 1, max: 80 }), (bytes, width) => {
      const encoded = Buffer.from(bytes).toString("base64");
      assert.deepEqual(decodeBase64(encoded), Buffer.from(bytes));
      const lines = encoded.match(new RegExp(`.{1,${width}}`, "g")) ?? [];
      assert.deepEqual(decodeWrappedBase64(`\n${lines.join("\r\n")}\t`), Buffer.from(bytes));
    }),
  );
});

test("any other text is none: two texts never mean the same bytes", () => {
  const alike = fc.string({ unit: fc.constantFrom(..."AQgw+/-_= \n\0é") });
  fc.assert(
    fc.property(fc.oneof(fc.string(), alike), (text) => {
      const bytes = decodeBase64(text);
      if (bytes !== undefined) assert.equal(bytes.toString("base64"), text);
    }),
  );
});
