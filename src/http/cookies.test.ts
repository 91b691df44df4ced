import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseCookies, setCookie } from "./cookies.ts";

test("reads cookies, skips what is none, and lets the first of two win", () => {
  const cases: readonly (readonly [string | undefined, Record<string, string>])[] = [
    [undefined, {}],
    ["", {}],
    ["a=1; b=2", { a: "1", b: "2" }],
    ["a=1;b=2;", { a: "1", b: "2" }],
    ["dex_session=mine; dex_session=planted", { dex_session: "mine" }],
    ['a="quoted"', { a: "quoted" }],
    ["a=b=c==", { a: "b=c==" }],
    ["a=%2F", { a: "%2F" }],
    ["junk; a=1; =x; b c=2; d=has space; e=\u00e9", { a: "1" }],
    ["__proto__=x; constructor=y", JSON.parse('{"__proto__":"x","constructor":"y"}')],
  ];
  for (const [header, cookies] of cases) assert.deepEqual({ ...parseCookies(header) }, { ...cookies }, header);
  assert.equal(parseCookies("a=1").toString, undefined);
});

test("writes the attributes in Go's order", () => {
  assert.equal(
    setCookie("dex_session", "abc", { path: "/dex", maxAge: 86_400, httpOnly: true, secure: true, sameSite: "Lax" }),
    "dex_session=abc; Path=/dex; Max-Age=86400; HttpOnly; Secure; SameSite=Lax",
  );
  assert.equal(setCookie("a", "", { path: "/" }), "a=; Path=/");
  assert.equal(setCookie("a", "", { path: "/", maxAge: 0 }), "a=; Path=/; Max-Age=0");
  assert.equal(setCookie("a", "", { path: "/", maxAge: -5 }), "a=; Path=/; Max-Age=0");
});

test("refuses a name, value or path that would break out", () => {
  assert.throws(() => setCookie("a b", "x", { path: "/" }), TypeError);
  assert.throws(() => setCookie("", "x", { path: "/" }), TypeError);
  for (const value of ["a;b", "a b", "a,b", 'a"b', "a\\b", "a\r\nSet-Cookie: x=y", "é"]) {
    assert.throws(() => setCookie("a", value, { path: "/" }), TypeError, value);
  }
  for (const path of ["", "dex", "/dex; Domain=example", "/a\nb"]) {
    assert.throws(() => setCookie("a", "x", { path }), TypeError, path);
  }
});

test("property: a cookie that can be written is read back, wherever it stands", () => {
  const name = fc.stringMatching(/^[A-Za-z0-9_.-]{1,12}$/);
  const value = fc.stringMatching(/^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]{0,30}$/);
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(name, value), { selector: ([key]) => key }), fc.string(), (pairs, noise) => {
      const written = pairs.map(([key, text]) => setCookie(key, text, { path: "/" }).split("; ")[0]);
      const cookies = parseCookies([...written, noise].join("; "));
      for (const [key, text] of pairs) assert.equal(cookies[key], text);
    }),
  );
});
