import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { sameDn } from "./dn.ts";

for (const [a, b] of [
  ["cn=Jane,ou=People,dc=example,dc=org", "CN=jane, OU=people , DC=Example,DC=ORG"],
  ["cn=a\\,b,dc=x", "cn=a\\2cb,dc=x"],
  ["cn=\\20\\23a\\20,dc=x", "cn=\\ \\#a\\ ,dc=x"],
  ["cn=M\u00fcller,dc=x", "cn=M\\c3\\bcller,dc=x"],
  ["cn=a+sn=b,dc=x", "SN=B+CN=A,dc=x"],
  ["cn=a  b", "cn=a b"],
  ["cn=a;dc=x", "cn=a,dc=x"],
  ["", " "],
  ["no name at all", "no name at all"],
] as const) {
  test(`${a} is ${b}`, () => assert.ok(sameDn(a, b)));
}

for (const [a, b] of [
  ["cn=a,dc=x", "cn=b,dc=x"],
  ["cn=a,dc=x", "cn=a,dc=x,dc=y"],
  ["cn=a\\,dc=x", "cn=a,dc=x"],
  ["cn=a+sn=b", "cn=a,sn=b"],
  ["cn=a=b", "cn=a"],
  ["no name", "another"],
  ["cn=a,", "cn=a"],
  ['cn=["a"', "cn=a"],
] as const) {
  test(`${a} is not ${b}`, () => assert.ok(!sameDn(a, b)));
}

/** One way of many to write a value. RFC 4514 §2.4. */
const escaped = (value: string): string =>
  value.replace(/[\\,+"<>;=# ]/gu, (character) => `\\${Buffer.from(character).toString("hex")}`);

test("a name is the same however its characters are escaped, and another with another value", () => {
  const value = fc.string({ unit: "grapheme-ascii", minLength: 1 }).map((text) => `x${text.replaceAll(" ", "_")}x`);
  fc.assert(
    fc.property(value, value, (a, b) => {
      const dn = (text: string): string => `cn=${text},dc=x`;
      const backslashed = a.replace(/[\\,+"<>;=]/g, "\\$&");
      assert.ok(sameDn(dn(escaped(a)), dn(backslashed)));
      assert.equal(sameDn(dn(escaped(a)), dn(escaped(b))), a.toLowerCase() === b.toLowerCase());
    }),
  );
});

test("any text can be compared", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => sameDn(text, text)));
});
