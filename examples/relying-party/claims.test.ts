import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { changed, decode, relativeTime, textOf } from "./claims.ts";

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

describe("decode", () => {
  it("reads header and claims", () => {
    const jwt = `${part({ alg: "RS256" })}.${part({ sub: "ä" })}.c2ln`;
    assert.deepEqual(decode(jwt), { header: { alg: "RS256" }, claims: { sub: "ä" } });
  });
  it("is undefined for anything else", () => {
    for (const text of ["", "opaque", "a.b", "a.b.c.d", `${part([])}.${part({})}.x`, `${part({})}.${part(null)}.x`]) {
      assert.equal(decode(text), undefined, text);
    }
  });
  it("never throws", () => {
    fc.assert(fc.property(fc.string(), (text) => void decode(text)));
    fc.assert(fc.property(fc.array(fc.base64String()), (parts) => void decode(parts.join("."))));
  });
});

describe("textOf", () => {
  it("says a time in words too", () => {
    assert.deepEqual(textOf("exp", 1_700_000_000, 1_700_000_000 - 86_400), {
      text: "2023-11-14 22:13:20 UTC",
      note: "tomorrow",
    });
    assert.equal(relativeTime(-120), "2 minutes ago");
    assert.equal(relativeTime(0), "now");
  });
  it("shows lists, booleans and objects, and survives an absurd time", () => {
    assert.equal(textOf("groups", ["a", "b"], 0).text, "a, b");
    assert.equal(textOf("email_verified", true, 0).text, "true");
    assert.equal(textOf("federated_claims", { connector_id: "x" }, 0).text, '{"connector_id":"x"}');
    assert.equal(textOf("exp", 1e300, 0).text, "1e+300");
  });
});

describe("changed", () => {
  it("names what differs, appeared or went", () => {
    assert.deepEqual(changed({ iat: 1, sub: "x", c_hash: "y" }, { iat: 2, sub: "x", at_hash: "z" }), [
      "iat",
      "c_hash",
      "at_hash",
    ]);
  });
});
