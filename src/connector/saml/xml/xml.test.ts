import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { canonicalize } from "./canonicalize.ts";
import { parseXml, XmlError } from "./parse-xml.ts";
import { childrenOf, textOf, type XmlElement } from "./tree.ts";

/** Documents that are well formed, with everything that canonical forms are about. */
const name = fc.constantFrom("a", "b", "c-d", "é", "_x");
const prefix = fc.constantFrom("", "p:", "q:");
const text = fc
  .string({ unit: "binary", maxLength: 8 })
  .map((raw) => raw.replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD]/g, ""));
const escaped = (raw: string): string => raw.replace(/[&<>"\r\t\n]/g, (character) => `&#${character.codePointAt(0)};`);
const declarations = fc.constantFrom(
  "",
  ' xmlns="urn:one"',
  ' xmlns="urn:two"',
  ' xmlns=""',
  ' xmlns:p="urn:other"',
  ' xmlns:q="urn:one"',
);

const { element } = fc.letrec<{ element: string }>((tie) => ({
  element: fc
    .tuple(
      prefix,
      name,
      declarations,
      fc.option(fc.tuple(prefix, name, text)),
      fc.array(fc.oneof({ depthSize: "small" }, text.map(escaped), tie("element")), { maxLength: 4 }),
    )
    .map(([space, local, declared, attribute, children]) => {
      const written = attribute === null ? "" : ` ${attribute[0]}${attribute[1]}="${escaped(attribute[2])}"`;
      return `<${space}${local}${declared}${written}>${children.join("")}</${space}${local}>`;
    }),
}));
const document = element.map((inner) => `<r xmlns:p="urn:p" xmlns:q="urn:q">${inner}</r>`);

describe("the canonical forms", () => {
  it("can be read and written again without a change", () => {
    fc.assert(
      fc.property(document, (source) => {
        for (const canonical of [{ form: "exclusive", inclusivePrefixes: ["q"] }, { form: "inclusive" }] as const) {
          const once = canonicalize(parseXml(source), canonical);
          assert.equal(canonicalize(parseXml(once), canonical), once);
        }
      }),
    );
  });

  it("say the same as their source", () => {
    const shape = (at: XmlElement): unknown => [
      at.namespace,
      at.local,
      at.attributes.map(({ namespace, local, value }) => [namespace, local, value]).toSorted(),
      at.children.map((child) => (typeof child === "string" ? child : shape(child))),
    ];
    fc.assert(
      fc.property(document, (source) => {
        const root = parseXml(source);
        assert.deepEqual(
          shape(parseXml(canonicalize(root, { form: "exclusive", inclusivePrefixes: [] }))),
          shape(root),
        );
      }),
    );
  });

  const examples: Readonly<Record<string, readonly [string, string, string]>> = {
    "namespaces that are not used": ['<a xmlns:x="urn:x"><b/></a>', "<a><b></b></a>", '<a xmlns:x="urn:x"><b></b></a>'],
    "the order of attributes": [
      '<a xmlns:y="urn:1" xmlns:x="urn:2" x:b="1" y:c="2" z="3" b="4"/>',
      '<a xmlns:x="urn:2" xmlns:y="urn:1" b="4" z="3" y:c="2" x:b="1"></a>',
      '<a xmlns:x="urn:2" xmlns:y="urn:1" b="4" z="3" y:c="2" x:b="1"></a>',
    ],
    "a default that is undeclared": [
      '<a xmlns="urn:1"><b xmlns=""/></a>',
      '<a xmlns="urn:1"><b xmlns=""></b></a>',
      '<a xmlns="urn:1"><b xmlns=""></b></a>',
    ],
    characters: [
      '<a b="&#9;&#10;&#13;&lt;&quot;">&amp;&gt;\r\n&#13;]]&gt;<![CDATA[<&]]></a>',
      '<a b="&#x9;&#xA;&#xD;&lt;&quot;">&amp;&gt;\n&#xD;]]&gt;&lt;&amp;</a>',
      '<a b="&#x9;&#xA;&#xD;&lt;&quot;">&amp;&gt;\n&#xD;]]&gt;&lt;&amp;</a>',
    ],
  };
  for (const [what, [source, exclusive, inclusive]] of Object.entries(examples)) {
    it(`keep the rules of ${what}`, () => {
      assert.equal(canonicalize(parseXml(source), { form: "exclusive", inclusivePrefixes: [] }), exclusive);
      assert.equal(canonicalize(parseXml(source), { form: "inclusive" }), inclusive);
    });
  }

  it("draw into a part what its ancestors declare, where it is used or the form is inclusive", () => {
    const [part] = childrenOf(parseXml('<a xmlns="urn:d" xmlns:x="urn:x" xmlns:y="urn:y"><x:b>t</x:b></a>'));
    assert.ok(part !== undefined);
    assert.equal(canonicalize(part, { form: "exclusive", inclusivePrefixes: [] }), '<x:b xmlns:x="urn:x">t</x:b>');
    assert.equal(
      canonicalize(part, { form: "exclusive", inclusivePrefixes: ["", "y", "z"] }),
      '<x:b xmlns="urn:d" xmlns:x="urn:x" xmlns:y="urn:y">t</x:b>',
    );
    assert.equal(
      canonicalize(part, { form: "inclusive" }),
      '<x:b xmlns="urn:d" xmlns:x="urn:x" xmlns:y="urn:y">t</x:b>',
    );
  });
});

describe("the parser", () => {
  it("reads or refuses any text, by a rule", () => {
    const piece = fc.oneof(
      fc.constantFrom(
        "<",
        ">",
        "/",
        "a",
        "<a>",
        "</a>",
        "<!--",
        "-->",
        "<?",
        "?>",
        "<![CDATA[",
        "]]>",
        "&",
        "&lt;",
        ";",
        "'",
        '"',
        "=",
        " xmlns",
        ":",
        " ",
        "\n",
      ),
      fc.string({ unit: "binary" }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        try {
          assert.notEqual(parseXml(`<a>${pieces.join("")}</a>`).name, "");
        } catch (error) {
          assert.ok(error instanceof XmlError, String(error));
        }
      }),
    );
  });

  it("takes time that grows with the text and no faster", () => {
    // Each would be quadratic for a parser that copies scopes, texts or names.
    const hostile: Readonly<Record<string, (size: number) => string>> = {
      declarations: (size) =>
        `<a ${Array.from({ length: 200 }, (_, index) => `xmlns:p${index}="urn:${index}"`).join(" ")}>${'<b xmlns:x="urn:x"/>'.repeat(size)}</a>`,
      references: (size) => `<a>${"&#65;".repeat(size * 4)}</a>`,
      sections: (size) => `<a>${"<![CDATA[x]]>".repeat(size)}</a>`,
      blanks: (size) => `<a${" ".repeat(size * 20)}>x</a>`,
    };
    for (const [what, make] of Object.entries(hostile)) {
      const source = make(20_000);
      const before = process.cpuUsage();
      canonicalize(parseXml(source), { form: "exclusive", inclusivePrefixes: [] });
      const { user } = process.cpuUsage(before);
      assert.ok(user < 3_000_000, `${what}: ${user / 1000} ms`);
    }
  });

  it("joins what a dropped comment parted, as canonicalisation does", () => {
    assert.equal(textOf(parseXml("<a>x<!-- y -->z</a>", { comments: "drop" })), "xz");
    assert.throws(() => parseXml("<a><!-- -- --></a>", { comments: "drop" }), /malformed comment/);
  });
});
