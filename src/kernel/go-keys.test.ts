import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { z } from "zod";
import { asGoReads } from "./go-keys.ts";

const schema = z
  .object({
    clientID: z.string().default(""),
    nested: z.object({ userIDKey: z.string().default("") }).prefault({}),
    list: z.array(z.object({ Name: z.string() })).default([]),
  })
  .nullish();

test("keys are read in any case, and null is absent", () => {
  const written = { ClientID: "a", NESTED: { useridkey: "b", other: 1 }, list: [{ name: "c" }, null], unknown: null };
  assert.deepEqual(asGoReads(written, schema), {
    clientID: "a",
    nested: { userIDKey: "b", other: 1 },
    list: [{ Name: "c" }, null],
  });
  assert.deepEqual(schema.parse(asGoReads({ CLIENTID: null, Nested: null, List: null }, schema)), {
    clientID: "",
    nested: { userIDKey: "" },
    list: [],
  });
});

test("of several spellings the last counts", () => {
  assert.deepEqual(asGoReads({ clientID: "a", clientid: "b" }, schema), { clientID: "b" });
});

test("any JSON stays what the schema makes of it", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      asGoReads(value, schema);
      assert.deepEqual(asGoReads(value, { parse: () => value }), value);
    }),
  );
});
