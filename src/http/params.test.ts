import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MalformedError } from "./contract.ts";
import { parseForm, parseParams, parseQuery } from "./params.ts";

const pairsOf = (text: string): readonly (readonly [string, readonly string[]])[] => {
  const params = parseParams(text);
  return params.names.map((name) => [name, params.all(name)]);
};

test("reads names, values and their order", () => {
  const cases: readonly (readonly [string, ReturnType<typeof pairsOf>])[] = [
    ["", []],
    ["a=1", [["a", ["1"]]]],
    ["a=1&b=2&a=3", [["a", ["1", "3"]], ["b", ["2"]]]], // biome-ignore format: a table.
    ["a", [["a", [""]]]],
    ["=x", [["", ["x"]]]],
    ["&&a=1&", [["a", ["1"]]]],
    ["a=b=c", [["a", ["b=c"]]]],
    ["scope=openid+email", [["scope", ["openid email"]]]],
    ["a=%2B%26%3D%3B%25", [["a", ["+&=;%"]]]],
    ["a%20b=c%0Ad", [["a b", ["c\nd"]]]],
    ["n=%E2%82%AC&m=%f0%9f%94%91", [["n", ["€"]], ["m", ["🔑"]]]], // biome-ignore format: a table.
    ["__proto__=1&constructor=2", [["__proto__", ["1"]], ["constructor", ["2"]]]], // biome-ignore format: a table.
  ];
  for (const [text, pairs] of cases) assert.deepEqual(pairsOf(text), pairs, text);
});

test("tells which names are repeated", () => {
  const params = parseParams("client_id=a&state=x&client_id=b&scope=&scope=");
  assert.deepEqual(params.repeated, ["client_id", "scope"]);
  assert.equal(params.get("client_id"), "a");
  assert.equal(params.get("missing"), undefined);
  assert.deepEqual(params.all("missing"), []);
});

test("refuses what two parsers could read differently", () => {
  const cases = [
    "a=%",
    "a=%4",
    "a=%zz",
    "a=1;b=2",
    "%ff=1",
    "a=%c0%80",
    "a=%ed%a0%80",
    "a=%f4%90%80%80",
    "a=%00",
    "\0=1",
  ];
  for (const text of cases) assert.throws(() => parseParams(text), MalformedError, text);
});

test("refuses more than 200 parameters", () => {
  const some = Array.from({ length: 200 }, (_, index) => `p${index}=${index}`);
  assert.equal(parseParams(some.join("&")).names.length, 200);
  assert.throws(() => parseParams([...some, "one=more"].join("&")), MalformedError);
});

test("a body must be UTF-8; a query may hold raw UTF-8", () => {
  assert.equal(parseForm(Buffer.from("name=Zoë")).get("name"), "Zoë");
  assert.throws(() => parseForm(Buffer.from([0x61, 0x3d, 0xff])), MalformedError);
  assert.equal(parseQuery(Buffer.from("name=Zoë").toString("latin1")).get("name"), "Zoë");
  assert.throws(() => parseQuery("a=\xff"), MalformedError);
});

const text = fc.string({ unit: "binary" }).filter((value) => !value.includes("\0") && value.isWellFormed());

test("property: whatever URLSearchParams writes is read back", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(text, text), { maxLength: 20 }), (pairs) => {
      const written = new URLSearchParams();
      for (const [name, value] of pairs) written.append(name, value);
      const params = parseParams(written.toString());
      for (const [name] of pairs) {
        const values = pairs.filter(([other]) => other === name).map(([, value]) => value);
        assert.deepEqual(params.all(name), values);
        assert.equal(params.repeated.includes(name), values.length > 1);
      }
      assert.deepEqual(params.names, [...new Set(pairs.map(([name]) => name))]);
    }),
  );
});

test("property: any input is parsed as URLSearchParams would, or refused as malformed", () => {
  const piece = fc.oneof(fc.string(), fc.constantFrom("%", "%41", "%c3%a9", "%c3", "+", "&", "=", ";", "a"));
  fc.assert(
    fc.property(
      fc.array(piece).map((pieces) => pieces.join("")),
      (input) => {
        let params: ReturnType<typeof parseParams>;
        try {
          params = parseParams(input);
        } catch (error) {
          assert.ok(error instanceof MalformedError);
          return;
        }
        // The leading "&" keeps URLSearchParams from dropping a question mark.
        const expected = new URLSearchParams(`&${input}`);
        for (const name of params.names) assert.deepEqual(params.all(name), expected.getAll(name));
        assert.deepEqual(params.names, [...new Set(expected.keys())]);
      },
    ),
    { numRuns: 500 },
  );
});
