import assert from "node:assert/strict";
import { test } from "node:test";
import { firstText, guidText, sidText, valuesOf } from "./entry-text.ts";

const entry = {
  dn: "cn=Jane,dc=x",
  attributes: [
    { name: "mail", values: [Buffer.from("a"), Buffer.from("b")] },
    { name: "Mail", values: [Buffer.from("c")] },
    { name: "empty", values: [] },
    { name: "photo", values: [Buffer.from([0xff, 0xd8])] },
    { name: "objectGUID", values: [Buffer.from("00112233445566778899aabbccddeeff", "hex")] },
    { name: "__proto__", values: [Buffer.from("p")] },
  ],
};

test("the exact spelling of an attribute wins, then any case, then the entry's own name", () => {
  assert.equal(firstText(entry, "mail"), "a");
  assert.equal(firstText(entry, "Mail"), "c");
  assert.equal(firstText(entry, "MAIL"), "a");
  assert.equal(firstText(entry, "DN"), "cn=Jane,dc=x");
  assert.equal(firstText(entry, "__proto__"), "p");
  for (const name of ["empty", "absent", "", "constructor"]) assert.equal(firstText(entry, name), "");
  assert.deepEqual(valuesOf(entry, ""), []);
});

test("bytes that are no text are no user id", () => {
  assert.throws(() => firstText(entry, "photo"), /ldap: attribute "photo" of "cn=Jane,dc=x" is not text/);
});

test("Active Directory's identifiers have their usual spelling", () => {
  assert.equal(firstText(entry, "objectguid"), "33221100-5544-7766-8899-aabbccddeeff");
  const sid = Buffer.from("010500000000000515000000a065cf7e784b9b5fe77c8770091c0100", "hex");
  assert.equal(sidText(sid), "S-1-5-21-2127521184-1604012920-1887927527-72713");
  assert.equal(sidText(Buffer.from("0101000000000000", "hex")), undefined);
  assert.equal(sidText(Buffer.alloc(0)), undefined);
  assert.equal(guidText(Buffer.alloc(15)), undefined);
});
