import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { html, json, redirect, text } from "./answers.ts";

test("JSON is written as Go writes it, without a newline", () => {
  const cases: readonly (readonly [object, string])[] = [
    [{ error: "invalid_request" }, '{"error":"invalid_request"}'],
    [{ a: "<b>&</b>" }, '{"a":"\\u003cb\\u003e\\u0026\\u003c/b\\u003e"}'],
    [{ a: "\u2028\u2029" }, '{"a":"\\u2028\\u2029"}'],
    [{ a: "\ud800x" }, '{"a":"\\ufffdx"}'],
    [{ a: "\\ud800" }, '{"a":"\\\\ud800"}'],
    [{ a: 'é"\\\n\t\u0001' }, '{"a":"é\\"\\\\\\n\\t\\u0001"}'],
    [[1, true, null], "[1,true,null]"],
  ];
  for (const [value, body] of cases) assert.equal(json(200, value).body, body);
  fc.assert(
    fc.property(fc.object(), (value) => {
      const { body } = json(200, value);
      assert.ok(typeof body === "string" && !/[<>&\u2028\u2029]/.test(body));
      assert.equal(JSON.stringify(JSON.parse(body)).toWellFormed(), JSON.stringify(value).toWellFormed());
    }),
  );
});

test("content types are Dex's, and further headers are added", () => {
  assert.deepEqual(json(400, {}, { pragma: "no-cache" }).headers, {
    "content-type": "application/json",
    pragma: "no-cache",
  });
  assert.deepEqual(html(200, "x").headers, { "content-type": "text/html; charset=utf-8" });
  assert.deepEqual(text(200, "x").headers, { "content-type": "text/plain; charset=utf-8" });
});

test("a redirect cannot carry a second header", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["https://app.example/cb?code=a%20b&state=%3D#x", "https://app.example/cb?code=a%20b&state=%3D#x"],
    ["/dex/auth", "/dex/auth"],
    ["https://app.example/\r\nSet-Cookie: a=b", "https://app.example/%0D%0ASet-Cookie:%20a=b"],
    ["https://app.example/é", "https://app.example/%C3%A9"],
    ["/\ud800", "/%EF%BF%BD"],
  ];
  for (const [target, location] of cases) {
    assert.deepEqual(redirect(303, target), { status: 303, headers: { location }, body: "" });
  }
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (target) => {
      assert.match(String(redirect(302, target).headers.location), /^[\x21-\x7e]*$/);
    }),
  );
});
