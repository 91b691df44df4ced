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
  "http://localhost:0/",
  "http://localhost:65535",
  "http://127.0.0.1",
  "http://127.0.0.1/",
  "http://127.255.255.255/",
  "http://[::1]",
  "http://[::1]:65535/a/b?c=d&e",
  "http://user:secret@127.0.0.1:1/",
  "http://localhost/%2e%2e/cb",
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
  "URN:ietf:wg:oauth:2.0:oob",
  "HTTP://localhost/",
  "http://localhost:/",
  "http://localhost:+1/",
  "http://localhost:1:2/",
  "http://[::1]:/",
  "http://[::1/",
  "http://::1/",
  "http://[::ffff:127.0.0.1]/",
  "http://128.0.0.1/",
  "http://0.0.0.0/",
  "http://2130706433/",
  "http://localhost./",
  "http://local\u00adhost/",
  "http://localhost%2eevil.example/",
  "http://a@b@localhost/",
  "https://127.0.0.1/",
  "ws://localhost/",
  "//localhost/",
  "localhost",
  "/other",
  "/dex/device/callback",
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

const native = [
  "http://127.0.0.1/cb",
  "http://[::1]:8000/cb?x=1",
  "http://localhost:1234/",
  "https://127.0.0.1/tls",
  "com.example.app:/cb",
];
const floats: readonly (readonly [uri: string, expected: boolean])[] = [
  ["http://127.0.0.1/cb", true],
  ["http://127.0.0.1:1/cb", true],
  ["http://127.0.0.1:65535/cb", true],
  ["http://127.0.0.1:65536/cb", false],
  ["http://127.0.0.1:80x/cb", false],
  ["http://127.0.0.1:/cb", false],
  ["http://127.0.0.1:1/cb/", false],
  ["http://127.0.0.1:1/CB", false],
  ["http://127.0.0.1:1/cb?x=1", false],
  ["http://127.0.0.1:1/cb#f", false],
  ["http://127.0.0.1:1", false],
  ["http://127.0.0.2:1/cb", false],
  ["http://localhost:1/cb", false],
  ["http://user@127.0.0.1:1/cb", false],
  ["http://127.0.0.1:1@evil.example/cb", false],
  ["http://[::1]/cb?x=1", true],
  ["http://[::1]:9/cb?x=1", true],
  ["http://[::1]:9/cb", false],
  ["http://[0:0:0:0:0:0:0:1]:9/cb?x=1", false],
  ["http://localhost/", true],
  ["http://localhost:9/", true],
  ["http://localhost:9", false],
  ["http://LOCALHOST:9/", false],
  ["https://127.0.0.1/tls", true],
  ["https://127.0.0.1:9/tls", false],
  ["com.example.app:/cb", true],
  ["com.example.app:1/cb", false],
  ["urn:ietf:wg:oauth:2.0:oob", false],
  ["/device/callback", false],
];
for (const [uri, expected] of floats) {
  test(`a native app that registered loopback addresses ${expected ? "may" : "may not"} use ${uri}`, () =>
    assert.equal(mayRedirectTo(uri, { registered: native, isPublic: true }), expected));
}

test("only a native app may change the port of what it registered", () => {
  assert.equal(mayRedirectTo("http://127.0.0.1:1/cb", { registered: native, isPublic: false }), false);
  assert.equal(mayRedirectTo("http://127.0.0.1/cb", { registered: native, isPublic: false }), true);
});

test("property: nothing but the port of a registered loopback address is free", () => {
  const registered = native.filter((uri) => uri.startsWith("http:"));
  const near = fc
    .constantFrom(...registered)
    .chain((uri) =>
      fc
        .record({ at: fc.nat(uri.length), put: fc.constantFrom(":1", "@", "/", ".", "#", "?", "\\", "x", ":", "9") })
        .map(({ at, put }) => uri.slice(0, at) + put + uri.slice(at)),
    );
  const withoutPort = (uri: string): string => uri.replace(/^(http:\/\/[^/]*?)(:\d+)?(?=[/?#]|$)/, "$1");
  fc.assert(
    fc.property(near, (uri) => {
      if (!mayRedirectTo(uri, { registered, isPublic: true })) return;
      assert.ok(registered.map(withoutPort).includes(withoutPort(uri)), uri);
      assert.ok(registered.map((entry) => new URL(entry).hostname).includes(new URL(uri).hostname), uri);
    }),
    { numRuns: 3000 },
  );
});

test("property: a confidential client gets its registered addresses, letter by letter, and no other", () => {
  const uris = fc.array(fc.oneof(fc.webUrl(), fc.constantFrom(...native, ...accepted)));
  fc.assert(
    fc.property(uris, fc.oneof(fc.webUrl(), fc.constantFrom(...native, ...accepted, ...refused)), (registered, uri) => {
      assert.equal(mayRedirectTo(uri, { registered, isPublic: false }), registered.includes(uri));
    }),
  );
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
