import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { proxyFrom } from "./proxy.ts";

const way = (env: Record<string, string>, url: string): string | undefined => proxyFrom(env)(new URL(url))?.href;
const both = { HTTPS_PROXY: "http://p:1", http_proxy: "q:2" };

test("each scheme has its own proxy, in capitals or not, with or without a scheme", () => {
  assert.equal(way(both, "https://idp.example/x"), "http://p:1/");
  assert.equal(way(both, "http://idp.example/x"), "http://q:2/");
  assert.equal(way({ HTTP_PROXY: "p:1" }, "https://idp.example/"), undefined);
  assert.equal(way({}, "https://idp.example/"), undefined);
});

test("this machine is never behind a proxy", () => {
  for (const host of ["localhost", "127.0.0.1", "127.9.9.9:8443", "[::1]"])
    assert.equal(way(both, `https://${host}/`), undefined, host);
});

test("NO_PROXY knows domains, addresses, networks and ports", () => {
  const exempt = (list: string, host: string) => way({ ...both, NO_PROXY: list }, `https://${host}/`) === undefined;
  const table: readonly (readonly [list: string, host: string, exempt: boolean])[] = [
    ["*", "any.example", true],
    ["idp.example", "idp.example", true],
    ["idp.example", "a.idp.example", true],
    ["idp.example", "otheridp.example", false],
    [".idp.example", "idp.example", false],
    [".idp.example", "a.idp.example", true],
    ["*.idp.example", "a.idp.example", true],
    ["x, IDP.example ,y", "idp.EXAMPLE", true],
    ["idp.example:8443", "idp.example", false],
    ["idp.example:8443", "idp.example:8443", true],
    ["idp.example:443", "idp.example", true],
    ["10.0.0.0/8", "10.1.2.3", true],
    ["10.0.0.0/8", "11.1.2.3", false],
    ["10.0.0.0/8", "ten.example", false],
    ["10.1.2.3", "10.1.2.3", true],
    ["10.1.2.3", "10.1.2.4", false],
    ["fd00::/8", "[fd12::1]", true],
    ["[fd12::1]:443", "[fd12::1]", true],
    ["10.0.0.0/99", "10.0.0.1", false],
    ["", "idp.example", false],
  ];
  for (const [list, host, expected] of table) assert.equal(exempt(list, host), expected, `${list} | ${host}`);
});

test("a proxy that is no address is refused, without quoting its password", () => {
  for (const text of ["http://user:hunter2@", "ftp://hunter2@x", "http://hunter2 x"])
    assert.throws(
      () => proxyFrom({ HTTPS_PROXY: text }),
      (error: Error) => /HTTPS_PROXY/.test(error.message) && !/hunter2/.test(error.message),
    );
});

test("no text in NO_PROXY makes it throw", () => {
  fc.assert(
    fc.property(fc.string(), fc.webUrl(), (list, url) => {
      proxyFrom({ ...both, NO_PROXY: list })(new URL(url));
    }),
  );
});
