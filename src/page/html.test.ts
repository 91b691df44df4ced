import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { attributes, escapeHtml, type Html, html } from "./html.ts";
import { blockedUrl, isShownLogo, safeImageUrl, safeUrl } from "./safe-url.ts";

/** The characters that attacks are made of, among any others. */
const nasty = fc.oneof(
  fc.string({ unit: "binary" }),
  fc
    .array(
      fc.constantFrom(
        "<",
        ">",
        '"',
        "'",
        "&",
        "`",
        "=",
        "/",
        " ",
        "\0",
        "\n",
        "&#34;",
        "&quot",
        "<!--",
        "-->",
        "</script>",
        "onload",
        "javascript:",
        "é",
        "\u202e",
      ),
    )
    .map((parts) => parts.join("")),
);

const named: Readonly<Record<string, string>> = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&#34;": '"', "&#39;": "'" };
const unescapeHtml = (text: string): string =>
  text.replace(/&(?:amp|lt|gt|#34|#39);/g, (entity) => named[entity] ?? "");

test("an escaped string holds no delimiter and decodes to what it was", () => {
  fc.assert(
    fc.property(nasty, (text) => {
      const escaped = escapeHtml(text);
      assert.doesNotMatch(escaped, /[<>"']/);
      assert.doesNotMatch(escaped.replace(/&(?:amp|lt|gt|#34|#39);/g, ""), /&/);
      assert.equal(unescapeHtml(escaped), text);
    }),
  );
});

test("no value breaks out of text or out of an attribute in either quote", () => {
  fc.assert(
    fc.property(nasty, nasty, nasty, (a, b, c) => {
      const out = String(html`<p title="${a}" lang='${b}'>${c}</p>`);
      const found = /^<p title="([^"<>]*)" lang='([^'<>]*)'>([^<>]*)<\/p>$/.exec(out);
      assert.deepEqual(found?.slice(1).map(unescapeHtml), [a, b, c]);
    }),
  );
});

test("no value of attributes() breaks out", () => {
  fc.assert(
    fc.property(nasty, (value) => {
      const out = String(
        html`<input id="x"${attributes({ value, checked: true, disabled: false, title: undefined })}>`,
      );
      assert.equal(unescapeHtml(/^<input id="x" value="([^"<>]*)" checked>$/.exec(out)?.[1] ?? ""), value);
    }),
  );
});

test("markup and lists pass, undefined and false render nothing, zero renders", () => {
  const item = (text: string): Html => html`<li>${text}</li>`;
  assert.equal(
    String(html`<ul>${["<a>", "b"].map(item)}${undefined}${false}${0}${["&", [html`<b></b>`]]}</ul>`),
    "<ul><li>&lt;a&gt;</li><li>b</li>0&amp;<b></b></ul>",
  );
  assert.equal(String(html`<p title="${undefined}" lang="${7}"></p>`), '<p title="" lang="7"></p>');
});

test("an object that looks like markup is not markup", () => {
  const forged: unknown = { toString: () => "<script>" };
  assert.throws(() => html`<p>${forged as string}</p>`, TypeError);
});

test("markup is refused inside an attribute, and a string among attributes", () => {
  assert.throws(() => html`<p title="${html`<b title="x"></b>`}"></p>`, TypeError);
  assert.throws(() => html`<p id="x" ${"onclick=alert(1)"}></p>`, TypeError);
  assert.throws(() => html`<p>${attributes({ id: "x" })}</p>`, TypeError);
});

test("a template with a hole in an unsafe place throws", () => {
  const v = "x";
  assert.throws(() => html`<p title=${v}></p>`, /a hole in beforeValue/);
  assert.throws(() => html`<p title=x></p>`, /unquoted/);
  assert.throws(() => html`<${v}></p>`, /a hole in open/);
  assert.throws(() => html`<p ${v}="a"></p>`, TypeError);
  assert.throws(() => html`<p onclick="${v}"></p>`, /onclick/);
  assert.throws(() => html`<p style="${v}"></p>`, /style/);
  assert.throws(() => html`<iframe srcdoc="${v}"></iframe>`, /srcdoc/);
  assert.throws(() => html`<script>${v}</script>`, /a hole in raw/);
  assert.throws(() => html`<script>alert(1)</script>`, /with content/);
  assert.throws(() => html`<style>p{}</style>`, /with content/);
  assert.throws(() => html`<!-- ${v} -->`, /comment/);
  assert.throws(() => html`<a href="java${v}">x</a>`, /part of a URL/);
  assert.throws(() => html`<a href="${v}script:">x</a>`, /part of a URL/);
  assert.throws(() => html`<a href="${v}`, TypeError);
  assert.throws(() => html`<p`, /ends in/);
  assert.throws(() => attributes({ onclick: v }), /onclick/);
  assert.throws(() => attributes({ "a b": v }), TypeError);
});

test("a URL that is let through never runs script", () => {
  const schemes = fc.constantFrom(
    "javascript:",
    "JaVa\tscript:",
    "\u0001javascript:",
    "data:text/html,",
    "vbscript:",
    "//evil.example/",
    "https://a/",
    "./",
    "\\",
    "",
  );
  fc.assert(
    fc.property(schemes, nasty, (start, rest) => {
      const url = start + rest;
      const out = String(html`<a href="${url}"></a>`);
      const href = unescapeHtml(/^<a href="([^"<>]*)"><\/a>$/.exec(out)?.[1] ?? "");
      if (href === blockedUrl) return;
      assert.equal(href, url);
      const base = "https://base.example/dir/page";
      if (URL.canParse(url, base)) assert.match(new URL(url, base).protocol, /^https?:$/);
    }),
  );
});

test("ordinary URLs pass, others are blocked", () => {
  for (const url of ["/dex/auth?a=b:c", "auth", "../x", "", "?a=b", "#x", "https://a.example/", "HTTP://a.example/"])
    assert.equal(safeUrl(url), url);
  for (const url of [
    "javascript:alert(1)",
    " javascript:1",
    "java\nscript:1",
    "data:text/html,x",
    "com.app:/cb",
    "blob:x",
  ])
    assert.equal(safeUrl(url), blockedUrl);
  assert.equal(safeImageUrl("data:image/png;base64,AA=="), "data:image/png;base64,AA==");
  assert.equal(safeImageUrl("data:text/html,x"), blockedUrl);
  assert.equal(safeUrl("data:image/svg+xml,x"), blockedUrl);
  assert.ok(isShownLogo("https://a.example/x.png") && !isShownLogo("http://a.example/x.png"));
});

test("URLs in attributes() and in img pass the same checker", () => {
  assert.equal(
    String(html`<a id="x"${attributes({ href: "javascript:1" })}></a>`),
    `<a id="x" href="${blockedUrl}"></a>`,
  );
  assert.equal(String(html`<img src="${"javascript:1"}">`), `<img src="${blockedUrl}">`);
});
