import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { mayRedirectTo, parseRedirectUri } from "./redirect-uri.ts";

const open = { registered: [], isPublic: true };

const accepted = [
  "http://localhost",
  "http://localhost:991/bar",
  "http://127.0.0.1:8080/",
  "http://127.9.9.9:1",
  "http://[::1]:80/",
  "http://[::1]/cb",
  "http://user@localhost/",
  "http://localhost?x=1",
  "http://localhost#f",
  "urn:ietf:wg:oauth:2.0:oob",
  "/device/callback",
];
const refused = [
  "",
  "https://localhost:1",
  "http://LOCALHOST",
  "http://localhost.localhost:8080/",
  "http://localhost:abc",
  "http://foo.com/bar",
  "myapp://callback",
  "http://localhost:99999/",
  "http://127.0.0.1.evil.example/",
  "http://127.0.0.256/",
  "http://localhost@evil.example/",
  "http://evil.example\\@localhost/",
  "http://localhost\\.evil.example/",
  "http://localhost:80@evil.example/",
  "http:localhost",
  "http:///localhost",
  "http://127.1/",
  "http://0177.0.0.1/",
  "http://[::2]/",
  "http://[0:0:0:0:0:0:0:1%25lo]/",
  "http://localhost /",
  "http://localhost\r\nX: y",
  " http://localhost",
  "javascript:alert(1)//http://localhost",
  "/device/callback/",
  "/device/callback?x",
  "urn:ietf:wg:oauth:2.0:oob:auto",
];

for (const uri of accepted) {
  test(`a public client without registered URIs may use ${JSON.stringify(uri)}`, () =>
    assert.equal(mayRedirectTo(uri, open), true));
}
for (const uri of refused) {
  test(`a public client without registered URIs may not use ${JSON.stringify(uri)}`, () =>
    assert.equal(mayRedirectTo(uri, open), false));
}

test("a registered URI counts letter by letter, for confidential and public clients", () => {
  const registered = ["https://app.example/cb?x=1"];
  for (const isPublic of [true, false]) {
    assert.equal(mayRedirectTo("https://app.example/cb?x=1", { registered, isPublic }), true);
    for (const near of [
      "https://app.example/cb",
      "https://app.example/cb?x=1&",
      "https://APP.example/cb?x=1",
      "https://app.example/cb/?x=1",
      "http://localhost",
    ]) {
      assert.equal(mayRedirectTo(near, { registered, isPublic }), false, near);
    }
  }
});

test("a confidential client without registered URIs may use none", () => {
  for (const uri of accepted) assert.equal(mayRedirectTo(uri, { registered: [], isPublic: false }), false, uri);
});

test("whatever is taken for loopback, a URL parser sends to this machine too", () => {
  const piece = fc.constantFrom(
    "http://",
    "localhost",
    "127.0.0.1",
    "[::1]",
    ":80",
    "@",
    "/",
    "\\",
    ".",
    "evil.example",
    "#",
    "?",
    " ",
    "\t",
    "%2e",
    "user",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const uri = pieces.join("");
      if (!mayRedirectTo(uri, open) || !uri.startsWith("http")) return;
      const host = new URL(uri).hostname;
      assert.match(host, /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/);
    }),
    { numRuns: 3000 },
  );
});

test("an address that runs script is no redirect URI, registered or not", () => {
  for (const uri of [
    "javascript:alert(1)",
    "JAVASCRIPT:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "no url",
  ]) {
    assert.equal(parseRedirectUri(uri), undefined, uri);
  }
  assert.equal(parseRedirectUri("com.example.app:/cb")?.protocol, "com.example.app:");
});
