import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { loginFormOf } from "./login-form.ts";

const fields = `<input name="login" type="text"><input type=password name='password' required/>`;

describe("the login form", () => {
  it("is the one that posts, with its action unescaped", () => {
    const html = `<form action="/search"></form><form method="post" action="/dex/auth?a=1&amp;b=&#43;&#x2f;">${fields}</form>`;
    assert.deepEqual(loginFormOf(html), { action: "/dex/auth?a=1&b=+/", hidden: [] });
  });

  it("brings the hidden fields that the page wants back", () => {
    const html = `<form method=POST>${fields}<input type="hidden" name="csrf" value="a&quot;b"><input type=hidden name=empty></form>`;
    assert.deepEqual(loginFormOf(html), {
      action: "",
      hidden: [
        { name: "csrf", value: 'a"b' },
        { name: "empty", value: "" },
      ],
    });
  });

  it("does not take a data attribute for the real one", () => {
    assert.equal(loginFormOf(`<form method="post" data-action="/a" action="/b">${fields}</form>`).action, "/b");
  });

  it("reads back any hidden value that was escaped", () => {
    const escaped = (text: string): string =>
      text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
    fc.assert(
      fc.property(fc.string(), (value) => {
        const html = `<form method="post">${fields}<input type="hidden" name="x" value="${escaped(value)}"></form>`;
        assert.deepEqual(loginFormOf(html).hidden, [{ name: "x", value }]);
      }),
    );
  });

  for (const page of [
    "",
    "<p>Welcome</p>",
    `<form method="post"><input name="login"></form>`,
    `<form>${fields}</form>`,
  ]) {
    it(`refuses a page without one: ${page || "(empty)"}`, () =>
      assert.throws(() => loginFormOf(page), /no login form/));
  }
});
