import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseEmailAddress } from "./email-address.ts";

test("an address is lower-cased", () => {
  for (const [text, key] of [
    ["Ada@Example.COM", "ada@example.com"],
    [" ada@example.com ", "ada@example.com"],
    ["a.b+c@x-y.example", "a.b+c@x-y.example"],
    ["o'neil@example.com", "o'neil@example.com"],
    ["root@localhost", "root@localhost"],
  ]) {
    assert.equal(parseEmailAddress(text ?? ""), key);
  }
});

test("what two programs could read differently is refused", () => {
  for (const text of [
    ...["", "@", "ada", "ada@", "@example.com", "a@b@c", "a..b@example.com", ".a@example.com", "a.@example.com"],
    ...['"a b"@example.com', "a(comment)@example.com", "Ada <ada@example.com>", "a@example.com, b@example.com"],
    ...[
      "a@example.com\r\nBcc: b@example.com",
      "a@example.com\n",
      "\ta@example.com",
      "a@example.com\0",
      "a b@example.com",
    ],
    ...["a@[127.0.0.1]", "a@-x.example", "a@x-.example", "a@x..example", "a@example.com.", "a@exa_mple.com"],
    ...["ädä@example.com", "a@exämple.com", "a@example.com\u2028", "a\u212A@example.com", "a;b@example.com"],
    ...[`${"a".repeat(65)}@example.com`, `a@${"b".repeat(64)}.example`, `a@${"b.".repeat(130)}example`],
  ]) {
    assert.equal(parseEmailAddress(text), undefined, JSON.stringify(text));
  }
});

test("whatever passes is one plain address, and passes again as itself", () => {
  const hostile = fc.string({ unit: fc.constantFrom(..."aZ0.@-+ <>\",;:()[]\\\r\n\t\0éK%'") });
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), hostile, fc.emailAddress()), (text) => {
      const address = parseEmailAddress(text);
      if (address === undefined) return;
      assert.match(address, /^[\x21-\x7e]+$/);
      assert.doesNotMatch(address, /["(),:;<>[\\\]A-Z]/);
      assert.equal(address.split("@").length, 2);
      assert.equal(address, text.replace(/^ +| +$/g, "").toLowerCase());
      assert.equal(parseEmailAddress(address), address);
    }),
    { numRuns: 3000 },
  );
});

test("usual addresses pass", () => {
  const word = fc.stringMatching(/^[a-z0-9]{1,20}$/);
  fc.assert(
    fc.property(word, word, word, (name, host, top) => {
      assert.equal(parseEmailAddress(`${name}@${host}.${top}`), `${name}@${host}.${top}`);
    }),
  );
});

test("a megabyte of spaces is refused at once", () => {
  const began = process.cpuUsage();
  assert.equal(parseEmailAddress(`a${" ".repeat(1_000_000)}b`), undefined);
  const { user } = process.cpuUsage(began);
  assert.ok(user < 1_000_000, `${user} microseconds`);
});
