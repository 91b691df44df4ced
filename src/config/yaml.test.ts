import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { plain } from "./tree.ts";
import { readYaml, YamlError } from "./yaml.ts";
import { keyText } from "./yaml-scalar.ts";

const read = (text: string): unknown => plain(readYaml(text).tree);

function meaning(scalar: string): unknown {
  const [value] = Object.values(Object(read(`k: ${scalar}`)));
  return value;
}

function refusal(text: string): YamlError {
  try {
    readYaml(text);
  } catch (error) {
    assert.ok(error instanceof YamlError);
    return error;
  }
  return assert.fail(`accepted: ${JSON.stringify(text)}`);
}

test("words for yes and no are booleans, in their listed cases only", () => {
  for (const word of "y Y yes Yes YES true True TRUE on On ON".split(" ")) assert.equal(meaning(word), true, word);
  for (const word of "n N no No NO false False FALSE off Off OFF".split(" ")) assert.equal(meaning(word), false, word);
  for (const word of "yEs oN tRUE nO oFF fAlse nUll ye".split(" ")) assert.equal(meaning(word), word);
});

test("nothing, a tilde and null are null", () => {
  for (const word of ["", "~", "null", "Null", "NULL"]) assert.equal(meaning(word), null, word);
});

test("numbers are read in every base Dex reads, underscores dropped", () => {
  const cases: readonly (readonly [string, number])[] = [
    ["12", 12],
    ["+12", 12],
    ["-5", -5],
    ["1_000", 1000],
    ["1__0_", 10],
    ["0x1F", 31],
    ["0X1f", 31],
    ["+0x1F", 31],
    ["0x_1F", 31],
    ["0b11", 3],
    ["-0b11", -3],
    ["0o17", 15],
    ["017", 15],
    ["0_7", 7],
    ["-0o17", -15],
    ["00", 0],
    ["-0", 0],
    ["08", 8],
    ["09", 9],
    ["0_8", 8],
    ["09.5", 9.5],
    ["1.2", 1.2],
    ["1.", 1],
    [".5", 0.5],
    ["+.5", 0.5],
    [".5e3", 500],
    ["1e3", 1000],
    ["1E3", 1000],
    ["1_e3", 1000],
    ["1e-3", 0.001],
    ["1_0.5_0", 10.5],
    ["18446744073709551615", 2 ** 64],
    ["18446744073709551616", 2 ** 64],
    ["0777777777777777777777777", 7.777777777777778e23],
  ];
  for (const [scalar, expected] of cases) assert.equal(meaning(scalar), expected, scalar);
});

test("what only looks like a number is text: base 60, dates, broken prefixes", () => {
  const texts = [
    "12:30",
    "12:30:00",
    "2020-01-02",
    "2020-1-2",
    "2001-12-14T21:59:43Z",
    "_1",
    "0b12",
    "0b",
    "0x",
    "0x1p3",
    "0o8",
    "00x1",
    "1e",
    "1.2.3",
    ".e3",
    ".",
    "+",
    "+Inf",
    "Inf",
    "nan",
    "infinity",
    "1e400",
    "<<",
    "x#y",
  ];
  for (const text of texts) assert.equal(meaning(text), text);
  assert.equal(meaning("._5"), "._5");
  assert.equal(meaning("x #y"), "x");
});

test("what JSON cannot hold is refused", () => {
  for (const scalar of [".inf", ".Inf", "+.INF", "-.inf", ".nan", ".NaN", ".NAN"]) {
    assert.match(refusal(`k: ${scalar}`).message, /^json: unsupported value: (?:[+-]Inf|NaN)$/);
  }
});

test("quotes make text, a tag decides, an unknown tag makes text", () => {
  assert.deepEqual(read(`a: "1"\nb: 'no'\nc: "\\x41\\u00e9\\n"\nd: 'it''s'`), {
    a: "1",
    b: "no",
    c: "Aé\n",
    d: "it's",
  });
  assert.deepEqual(
    read(`a: !!str 1.2\nb: !foo 12\nc: !foo [1]\nd: !!int "12"\ne: !!float 12\nf: !!bool "yes"\ng: ! 12`),
    {
      a: "1.2",
      b: "12",
      c: [1],
      d: 12,
      e: 12,
      f: true,
      g: "12",
    },
  );
  assert.deepEqual(read("a: !!str\nb: !!null ''\nc: !!timestamp 2020-01-02"), { a: "", b: null, c: "2020-01-02" });
  assert.equal(refusal("k: !!int x").message, "yaml: cannot decode !!str `x` as a !!int");
});

test("binary is decoded, and what is not UTF-8 in it replaced", () => {
  assert.deepEqual(read("a: !!binary aGVsbG8=\nb: !!binary /w=="), { a: "hello", b: "\ufffd" });
  assert.equal(refusal("k: !!binary '%%%'").message, "yaml: !!binary value contains invalid base64 data");
});

test("block scalars fold and keep", () => {
  assert.deepEqual(read("a: |\n  x\n  y\nb: >-\n  x\n  y"), { a: "x\ny\n", b: "x y" });
});

test("of several documents only the first is read, and that is said", () => {
  const { tree, surprises } = readYaml("a: 1\n---\nb: [");
  assert.deepEqual(plain(tree), { a: 1 });
  assert.match(surprises[0]?.message ?? "", /only the first/);
  assert.deepEqual(readYaml("---\na: 1\n...\n").surprises, []);
});

test("of duplicate keys the last wins, and that is said with its place", () => {
  const { tree, surprises } = readYaml("a: {b: 1,\n  b: 2}");
  assert.deepEqual(plain(tree), { a: { b: 2 } });
  assert.deepEqual(
    surprises.map(({ path, line, column }) => ({ path, line, column })),
    [{ path: "a.b", line: 2, column: 3 }],
  );
});

test("an anchor may be bound again; an alias means the latest", () => {
  assert.deepEqual(read("a: &a 1\nb: *a\nc: &a 2\nd: *a"), { a: 1, b: 1, c: 2, d: 2 });
});

test("a merge takes its turn among the keys, the first of several sources wins", () => {
  assert.deepEqual(read("b: &b {p: 1, q: 2}\na: {<<: *b, p: 9}"), { b: { p: 1, q: 2 }, a: { p: 9, q: 2 } });
  assert.deepEqual(read("b: &b {p: 1, q: 2}\na: {p: 9, <<: *b}"), { b: { p: 1, q: 2 }, a: { p: 1, q: 2 } });
  assert.deepEqual(read("b: &b {p: 1}\nc: &c {p: 2, r: 3}\na: {<<: [*b, *c]}"), {
    b: { p: 1 },
    c: { p: 2, r: 3 },
    a: { p: 1, r: 3 },
  });
  assert.deepEqual(read("'<<': {z: 1}"), { "<<": { z: 1 } });
  assert.match(refusal("a: {<<: 5}").message, /map merge requires map or sequence of maps as the value$/);
});

test("keys that are no text become their text; null and collections are no keys", () => {
  assert.deepEqual(read("on: 1\n1.5: 2\n1: 3\n0x10: 4\n1e3: 7"), { true: 1, "1.5": 2, "1": 3, "16": 4, "1000": 7 });
  assert.equal(keyText(0.00001), "1e-05");
  assert.equal(keyText(1e23), "1e+23");
  assert.match(refusal("null: 5").message, /^Unsupported map key of type: /);
  assert.match(refusal("? [a]\n: 5").message, /invalid map key$/);
});

test("aliases that bomb, and one that contains itself, are refused", () => {
  const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
  for (let level = 1; level < 10; level++) {
    const alias = `*a${level - 1}`;
    lines.push(`a${level}: &a${level} [${Array(10).fill(alias).join(", ")}]`);
  }
  assert.match(refusal(lines.join("\n")).message, /document contains excessive aliasing$/);
  assert.match(refusal("a: &a [*a]").message, /anchor 'a' value contains itself$/);
  assert.match(refusal("a: *nope").message, /nope/);
});

test("nesting is bounded before it is a stack overflow", () => {
  assert.match(refusal("[".repeat(300) + "]".repeat(300)).message, /nested deeper than 200 levels$/);
  refusal("[".repeat(20_000));
});

test("empty files are null, JSON is YAML, a byte order mark is none", () => {
  for (const text of ["", "\n", "# only a comment", "---\n...\n"]) assert.equal(read(text), null);
  assert.deepEqual(read('{"a": [1, 2.5, "x", null, true]}'), { a: [1, 2.5, "x", null, true] });
  assert.deepEqual(read("- 1\n- 2"), [1, 2]);
  assert.equal(read("5"), 5);
  assert.deepEqual(read("\ufeffa: 1"), { a: 1 });
});

test("keys come out in byte order", () => {
  assert.deepEqual(Object.keys(Object(read("b: 1\na: 2\nB: 3\n\u{10000}: 4\n\ufffd: 5"))), [
    "B",
    "a",
    "b",
    "\ufffd",
    "\u{10000}",
  ]);
});

test("syntax errors name their line", () => {
  const cases: readonly (readonly [string, number])[] = [
    ["a: b\n\tc: d", 2],
    ["a:\n\t- b", 2],
    ["a: 1\nb: foo: bar", 2],
    ["a: @x", 1],
    ["a: `x`", 1],
    ["a: 1\nb: 'x' y", 2],
    ["a: 1\r\nb: \u0001", 2],
    ["a: \u007f", 1],
  ];
  for (const [text, line] of cases) {
    const { at, message } = refusal(text);
    assert.equal(at.line, line, text);
    assert.ok(message.startsWith(`yaml: line ${line}: `), message);
  }
});

test("any text is a value, or refused with a place inside it", () => {
  const fragment = fc.constantFrom(
    ..."a b : - ? [ ] { } , & * ! | > ' \" % @ ` # < = ~ 0 1 _ . e x".split(" "),
    ...[
      "\n",
      "  ",
      "\t",
      ": ",
      "- ",
      "&a ",
      "*a",
      "<<: ",
      "!!int ",
      "!!binary ",
      "---\n",
      "...\n",
      "\r\n",
      "\u0000",
      "é",
    ],
  );
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 200 }),
    fc.array(fragment, { maxLength: 40 }).map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(text, (input) => {
      try {
        JSON.stringify(read(input));
      } catch (error) {
        assert.ok(error instanceof YamlError, String(error));
        assert.ok(error.at.line >= 1 && error.at.line <= input.split(/\r\n|\r|\n/).length + 1);
        assert.ok(error.at.column >= 1);
      }
    }),
    { numRuns: 1000 },
  );
});

test("what JSON says, YAML says", () => {
  const printable = fc.string({
    unit: fc.constantFrom(..."aZ9 :-#{}[],&*!|>'\"%@`\\\n\té€😀".split("")),
    maxLength: 12,
  });
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      printable,
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie("value"), { maxLength: 4 }),
      fc.dictionary(
        printable.filter((key) => key !== "__proto__"),
        tie("value"),
        { maxKeys: 4 },
      ),
    ),
  })).value;
  fc.assert(
    fc.property(json, (value) => assert.deepEqual(read(JSON.stringify(value)), JSON.parse(JSON.stringify(value)))),
  );
});
