import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { BerReader } from "./ber.ts";
import { escapeFilterValue } from "./escape.ts";
import { FilterError, parseFilter } from "./filter.ts";

/** A filter read back from its bytes, written another way: prefix notation, values in hex where they are not plain. */
function shown(bytes: Buffer): string {
  const reader = new BerReader(bytes);
  const tag = reader.nextTag ?? 0;
  if (tag === 0x87) return `present ${reader.text(0x87)}`;
  const inner = reader.enter(tag);
  const value = (at?: number): string => inner.octets(at).toString("latin1");
  const rest: string[] = [];
  switch (tag) {
    case 0xa0:
    case 0xa1:
    case 0xa2: {
      while (!inner.isAtEnd) {
        const next = inner.nextTag ?? 0;
        const content = inner.octets(next);
        const header =
          content.length < 128 ? [next, content.length] : [next, 0x82, content.length >> 8, content.length & 255];
        rest.push(shown(Buffer.concat([Buffer.from(header), content])));
      }
      return `${["and", "or", "not"][tag - 0xa0]}[${rest.join("; ")}]`;
    }
    case 0xa4: {
      const name = inner.text();
      for (const parts = inner.enter(); !parts.isAtEnd; ) {
        const part = parts.nextTag ?? 0;
        rest.push(`${["initial", "any", "final"][part - 0x80]} ${parts.octets(part).toString("latin1")}`);
      }
      return `${name} like ${rest.join(", ")}`;
    }
    case 0xa9: {
      while (!inner.isAtEnd) {
        const part = inner.nextTag ?? 0;
        rest.push(part === 0x84 ? `dn ${inner.octets(part)[0] !== 0}` : `${part - 0x80} ${value(part)}`);
      }
      return `rule ${rest.join(", ")}`;
    }
    default:
      return `${inner.text()} ${{ 163: "is", 165: "atLeast", 166: "atMost", 168: "near" }[tag]} ${value()}`;
  }
}

describe("a filter", () => {
  for (const [text, expected] of [
    ["(uid=jane)", "uid is jane"],
    ["(uid=)", "uid is "],
    ["(uid=*)", "present uid"],
    ["(cn=J*)", "cn like initial J"],
    ["(cn=*e)", "cn like final e"],
    ["(cn=a*b*c)", "cn like initial a, any b, final c"],
    ["(cn=*b*)", "cn like any b"],
    ["(cn=a\\2ab)", "cn is a*b"],
    ["(cn=a=b>=c)", "cn is a=b>=c"],
    ["(uidNumber>=5)", "uidNumber atLeast 5"],
    ["(uidNumber<=5)", "uidNumber atMost 5"],
    ["(cn~=jim)", "cn near jim"],
    ["(cn;lang-de=x)", "cn;lang-de is x"],
    ["(2.5.4.3=x)", "2.5.4.3 is x"],
    ["(cn=J\\c3\\bcrgen)", "cn is J\u00c3\u00bcrgen"],
    ["(cn=Jürgen)", "cn is J\u00c3\u00bcrgen"],
    ["(&)", "and[]"],
    ["(!(cn=x))", "not[cn is x]"],
    ["(&(a=1)(|(b=2)(!(c=3))))", "and[a is 1; or[b is 2; not[c is 3]]]"],
    ["  (& (a=1)\n  (b=2) ) ", "and[a is 1; b is 2]"],
    ["(member:1.2.840.113556.1.4.1941:=cn=x)", "rule 1 1.2.840.113556.1.4.1941, 2 member, 3 cn=x"],
    ["(ou:dn:=Seattle)", "rule 2 ou, 3 Seattle, dn true"],
    ["(ou:dn:2.4.6:=x)", "rule 1 2.4.6, 2 ou, 3 x, dn true"],
    ["(:2.4.6:=x)", "rule 1 2.4.6, 3 x"],
    ["(sn:=a:=b)", "rule 2 sn, 3 a:=b"],
  ] as const) {
    it(`${text.trim()} means ${expected}`, () => assert.equal(shown(parseFilter(text)), expected));
  }

  for (const text of [
    "",
    "uid=jane",
    "(uid=jane",
    "(uid=jane))",
    "(uid)",
    "(=x)",
    "(uid=a(b)",
    "(uid=a\\)",
    "(uid=a\\2)",
    "(uid=a\\zz)",
    "(u id=x)",
    "(uid=**)",
    "(!)",
    "(:=x)",
    "(a=1)(b=2)",
    "((a=1))",
    `${"(!".repeat(200)}(a=1)${")".repeat(200)}`,
  ]) {
    it(`${text.slice(0, 20)} is none`, () => assert.throws(() => parseFilter(text), FilterError));
  }

  it("is a filter or an error, whatever the text", () => {
    const piece = fc.constantFrom(
      "(",
      ")",
      "&",
      "|",
      "!",
      "=",
      "*",
      "\\",
      "\\2a",
      ":",
      ":=",
      "<=",
      " ",
      "a",
      "é",
      "\0",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.array(piece).map((all) => all.join("")),
        ),
        (text) => {
          try {
            shown(parseFilter(text));
          } catch (error) {
            assert.ok(error instanceof FilterError, String(error));
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe("an escaped value", () => {
  it("stands for itself, once", () => {
    const value = fc.oneof(fc.uint8Array(), fc.string({ unit: "binary" }), fc.stringMatching(/^[\\*()\0 a2]*$/));
    fc.assert(
      fc.property(value, (raw) => {
        const wanted = Buffer.from(typeof raw === "string" ? Buffer.from(raw) : raw).toString("latin1");
        const text = `(&(objectClass=person)(uid=${escapeFilterValue(raw)}))`;
        assert.equal(shown(parseFilter(text)), `and[objectClass is person; uid is ${wanted}]`);
      }),
      { numRuns: 2_000 },
    );
  });

  it("is what RFC 4515 §4 shows", () => {
    assert.equal(
      escapeFilterValue("Parens R Us (for all your parenthetical needs)"),
      "Parens R Us \\28for all your parenthetical needs\\29",
    );
    assert.equal(escapeFilterValue("C:\\MyFile"), "C:\\5cMyFile");
    assert.equal(escapeFilterValue(Buffer.from([0, 0, 0, 4])), "\\00\\00\\00\u0004");
    assert.equal(escapeFilterValue("Lučić"), "Lu\\c4\\8di\\c4\\87");
  });
});
