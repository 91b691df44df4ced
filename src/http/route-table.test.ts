import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Route } from "./contract.ts";
import { routeTable } from "./route-table.ts";

const aRoute = (path: string): Route => ({
  path,
  surface: "page",
  handler: () => ({ status: 200, headers: {}, body: path }),
});
const paths = [
  "",
  "/auth",
  "/auth/{connector}",
  "/auth/{connector}/login",
  "/callback/{connector}",
  "/token",
  "/robots",
];
const dex = routeTable("/dex", paths.map(aRoute));
const bare = routeTable("", paths.map(aRoute));

test("matches anchored, case-sensitive, on the escaped path", () => {
  const cases: readonly (readonly [string, string | undefined, Record<string, string>?])[] = [
    ["/dex", ""],
    ["/dex/", undefined],
    ["/", undefined],
    ["", undefined],
    ["/auth", undefined],
    ["/dex/auth", "/auth"],
    ["/dex/auth/", undefined],
    ["/dex/Auth", undefined],
    ["/dex//auth", undefined],
    ["//dex/auth", undefined],
    ["/dex/authx", undefined],
    ["/dex/./auth", undefined],
    ["/dex/x/../auth", undefined],
    ["/dex/%61uth", undefined],
    ["/dex/auth/github", "/auth/{connector}", { connector: "github" }],
    ["/dex/auth/my%20ldap", "/auth/{connector}", { connector: "my ldap" }],
    ["/dex/auth/a%2Fb", "/auth/{connector}", { connector: "a/b" }],
    ["/dex/auth/a%252Fb", "/auth/{connector}", { connector: "a%2Fb" }],
    ["/dex/auth/a+b", "/auth/{connector}", { connector: "a+b" }],
    ["/dex/auth/%zz", undefined],
    ["/dex/auth/%ff", undefined],
    ["/dex/auth/a%00", undefined],
    ["/dex/auth/github/", undefined],
    ["/dex/auth//login", undefined],
    ["/dex/auth/github/login", "/auth/{connector}/login", { connector: "github" }],
    ["/dex/auth/a%2Flogin", "/auth/{connector}", { connector: "a/login" }],
    ["/dex/auth/__proto__", "/auth/{connector}", { connector: "__proto__" }],
  ];
  for (const [path, route, params = {}] of cases) {
    const match = dex(path);
    assert.equal(match?.route.path, route, path);
    if (match !== undefined) assert.deepEqual(match.params, params, path);
  }
});

test("without an issuer path the home page is the root", () => {
  assert.equal(bare("/")?.route.path, "");
  assert.equal(bare("/token")?.route.path, "/token");
  assert.equal(bare("//token"), undefined);
  assert.equal(routeTable("/", paths.map(aRoute))("/")?.route.path, "");
  assert.equal(routeTable("/dex/", paths.map(aRoute))("/dex/token")?.route.path, "/token");
});

test("a route at the root ignores the issuer's path", () => {
  const table = routeTable("/dex", [aRoute("/token"), { ...aRoute("/.well-known/x/dex"), isAtRoot: true }]);
  assert.equal(table("/.well-known/x/dex")?.route.path, "/.well-known/x/dex");
  assert.equal(table("/dex/.well-known/x/dex"), undefined);
  assert.equal(table("/token"), undefined);
});

test("refuses two routes for one path", () => {
  assert.throws(() => routeTable("", [aRoute("/a"), aRoute("/a")]), TypeError);
  assert.throws(() => routeTable("", [aRoute("/a/{x}"), aRoute("/a/{y}")]), TypeError);
});

test("property: a segment reaches the handler as it was before escaping, and only as one segment", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (value) => {
      fc.pre(!value.includes("\0"));
      assert.deepEqual(dex(`/dex/callback/${encodeURIComponent(value)}`)?.params, { connector: value });
      assert.equal(dex(`/dex/callback/${encodeURIComponent(value)}/`), undefined);
    }),
  );
});

test("property: no path throws", () => {
  const piece = fc.oneof(fc.constantFrom("/dex", "/auth", "/", "%", "%2", "%2F", "..", "login"), fc.string());
  fc.assert(fc.property(fc.array(piece), (pieces) => void dex(pieces.join(""))));
});
