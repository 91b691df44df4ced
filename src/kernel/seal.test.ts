import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createSealer } from "./seal.ts";
import { Secret } from "./secret.ts";

const aRoot = (fill = 1): Secret<Uint8Array> => new Secret(new Uint8Array(32).fill(fill));
const sealer = createSealer(aRoot());
const text = fc.string({ unit: "grapheme", maxLength: 200 });

test("what was sealed for a purpose and a binding is opened by them, on any replica", () => {
  const replica = createSealer(aRoot());
  fc.assert(
    fc.property(text, text, text, (purpose, binding, plaintext) => {
      const sealed = sealer.seal(purpose, binding, plaintext);
      assert.match(sealed, /^1\.[A-Za-z0-9_-]{38,}$/);
      assert.equal(replica.open(purpose, binding, sealed), plaintext);
    }),
  );
});

test("another purpose, binding, root or a moved boundary between them opens nothing", () => {
  const sealed = sealer.seal("request", "browser", "value");
  assert.equal(sealer.open("remember", "browser", sealed), undefined);
  assert.equal(sealer.open("request", "other", sealed), undefined);
  assert.equal(sealer.open("request", "", sealed), undefined);
  assert.equal(sealer.open("requestb", "rowser", sealed), undefined);
  assert.equal(createSealer(aRoot(2)).open("request", "browser", sealed), undefined);
  assert.equal(sealer.open("request", "browser", sealed), "value");
});

test("any one changed character fails", () => {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n\u00e9";
  const sealed = sealer.seal("request", "browser", "a value of some length");
  for (let at = 0; at < sealed.length; at++) {
    for (const other of alphabet) {
      if (other === sealed[at]) continue;
      const changed = sealed.slice(0, at) + other + sealed.slice(at + 1);
      assert.equal(sealer.open("request", "browser", changed), undefined, changed);
    }
  }
});

test("a cut, lengthened, padded or re-versioned value fails", () => {
  const sealed = sealer.seal("request", "browser", "value");
  for (let end = 0; end < sealed.length; end++)
    assert.equal(sealer.open("request", "browser", sealed.slice(0, end)), undefined);
  for (const tail of ["A", "AA", "AAAA", "=", "==", "\n", " ", "."]) {
    assert.equal(sealer.open("request", "browser", sealed + tail), undefined, JSON.stringify(tail));
  }
  for (const version of ["", "0.", "2.", "1", "1..", "01.", " 1."]) {
    assert.equal(sealer.open("request", "browser", version + sealed.slice(2)), undefined, version);
  }
});

test("any foreign text opens to nothing and does not throw", () => {
  const foreign = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.base64String().map((value) => `1.${value}`),
  );
  fc.assert(fc.property(foreign, (value) => assert.equal(sealer.open("request", "browser", value), undefined)));
});

test("the same value is never sealed alike twice", () => {
  const seen = new Set<string>();
  for (let count = 0; count < 2_000; count++) seen.add(sealer.seal("request", "browser", "value").slice(0, 18));
  assert.equal(seen.size, 2_000);
});

test("neither the key nor the value shows in what is sealed", () => {
  const sealed = sealer.seal("request", "browser", "state=xyzzy");
  assert.ok(!Buffer.from(sealed.slice(2), "base64url").includes("xyzzy"));
});
