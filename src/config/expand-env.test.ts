// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the dollar and the brace are what is tested.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { expandEnv, expandMapping } from "./expand-env.ts";
import { plain } from "./tree.ts";
import { readYaml } from "./yaml.ts";

const env = { A: "1", A_B: "ab", "a b": "spaced", DOLLAR: "$A" };

test("references are replaced as Go's os.ExpandEnv replaces them", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["$A", "1"],
    ["${A}", "1"],
    ["x${A}y", "x1y"],
    ["${A}${A}", "11"],
    ["$AB", ""],
    ["$UNSET", ""],
    ["$A_B", "ab"],
    ["$_", ""],
    ["$$", ""],
    ["$$A", "A"],
    ["pa$$word", "paword"],
    ["$1abc", "abc"],
    ["$12", "2"],
    ["$*a$#b$@c$!d$?e$-f", "abcdef"],
    ["${}", ""],
    ["${}A}", "A}"],
    ["${A", "A"],
    ["${", ""],
    ["${*", "*"],
    ["${$}x", "x"],
    ["${$A}", ""],
    ["${1}x", "x"],
    ["${1x}", ""],
    ["${a b}", "spaced"],
    ["${{A}}", "}"],
    ["${A${A}}", "}"],
    ["$ x", "$ x"],
    ["a$", "a$"],
    ["$A$", "1$"],
    ["^x$", "^x$"],
    ["a$|b$", "a$|b$"],
    ["$.x", "$.x"],
    ["$é", "$é"],
    ["\\$A", "\\1"],
    ["$DOLLAR", "$A"],
  ];
  for (const [text, expected] of cases) assert.equal(expandEnv(text, env), expected, text);
});

test("values are expanded at any depth; keys, numbers and lists inside lists are not", () => {
  const { tree } = readYaml(
    "$A: $A\nlist: [$A, {b: $A}, [$A]]\ndeep: {er: {still: '${A}'}}\nnumber: 5\nflag: yes\nnothing:\nquoted: \"$A: 'x'\"",
  );
  assert.ok(tree.kind === "map");
  assert.deepEqual(plain(expandMapping(tree, env)), {
    $A: "1",
    list: ["1", { b: "1" }, ["$A"]],
    deep: { er: { still: "1" } },
    number: 5,
    flag: true,
    nothing: null,
    quoted: "1: 'x'",
  });
});

test("an object's own names are no variables", () => {
  assert.equal(expandEnv("$toString${constructor}$__proto__", env), "");
});

test("any text expands to a text without throwing, and one without a dollar to itself", () => {
  const text = fc.oneof(fc.string({ unit: "binary" }), fc.stringMatching(/^[${}A_a1*# é]{0,20}$/));
  fc.assert(
    fc.property(text, (input) => {
      const expanded = expandEnv(input, env);
      assert.equal(typeof expanded, "string");
      if (!input.includes("$")) assert.equal(expanded, input);
    }),
  );
});
