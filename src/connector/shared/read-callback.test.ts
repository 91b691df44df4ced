/** What a browser brings back is a stranger's text: it is a code, a person's "no", or an error of one short line. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readCallback } from "./read-callback.ts";

const callback = (parameters: Readonly<Record<string, string>>) => ({
  url: new URL(`https://dex.test/callback?${new URLSearchParams(parameters)}`),
});
const text = fc.string({ unit: "binary" });
const any = fc.record({ code: text, error: text, error_description: text, iss: text }, { requiredKeys: [] });
const ours = { issuers: ["https://up.test"], isAlwaysNamed: false };

test("whatever comes back is read or refused, and a refusal is one line that can be logged", () => {
  fc.assert(
    fc.property(any, fc.constantFrom(undefined, ours, { ...ours, isAlwaysNamed: true }), (parameters, expected) => {
      try {
        const outcome = readCallback(callback(parameters), expected);
        if (outcome.ok) assert.ok(outcome.code !== "" && (parameters.error ?? "") === "");
      } catch (error) {
        assert.ok(error instanceof Error);
        assert.match(error.message, /^\P{C}{1,3000}$/u);
      }
    }),
  );
});

test("a code of another issuer is never taken: RFC 9207 §2.4", () => {
  fc.assert(
    fc.property(
      text.filter((iss) => iss.toWellFormed() !== "https://up.test"),
      text,
      (iss, code) => {
        assert.throws(() => readCallback(callback({ iss, code: `c${code}` }), ours), /of another issuer/);
      },
    ),
  );
  assert.deepEqual(readCallback(callback({ iss: "https://up.test", code: "c" }), ours), { ok: true, code: "c" });
  assert.throws(() => readCallback(callback({ code: "c" }), { ...ours, isAlwaysNamed: true }), /does not name/);
});

test("an error beside a code wins", () => {
  fc.assert(
    fc.property(
      text.filter((error) => error !== ""),
      (error) => {
        let read: unknown;
        try {
          read = readCallback(callback({ error, code: "c" })).ok;
        } catch {
          read = false;
        }
        assert.equal(read, false);
      },
    ),
  );
});
