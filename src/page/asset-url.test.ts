import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { assetUrl } from "./asset-url.ts";

const table = [
  ["/", "/auth", "/theme/main.css", "theme/main.css"],
  ["/dex", "/dex/auth", "/theme/main.css", "theme/main.css"],
  ["/dex", "/dex/auth/connector", "assets/css/main.css", "../assets/css/main.css"],
  ["/dex", "/dex", "static/main.css", "dex/static/main.css"],
  // Fixed: Dex answers "dex/idp/theme/styles.css", which a browser on /dex/idp reads as /dex/dex/idp/….
  ["/dex/idp", "/dex/idp", "theme/styles.css", "idp/theme/styles.css"],
  ["/", "/", "static/main.css", "static/main.css"],
  [
    "/dex",
    "/dex/auth/connector",
    "https://kubernetes.io/images/favicon.png",
    "https://kubernetes.io/images/favicon.png",
  ],
  ["", "/auth/local/login", "static/main.css", "../../static/main.css"],
] as const;

for (const [server, request, asset, result] of table) {
  test(`${asset} on ${request} below ${server} is ${result}`, () => {
    assert.equal(assetUrl(server, request, asset), result);
  });
}

const segments = fc.array(fc.constantFrom("dex", "idp", "auth", "static", "theme", "a%2Fb", "~x"), { maxLength: 4 });

test("a browser that follows the result always arrives below the issuer", () => {
  fc.assert(
    fc.property(segments, segments, segments, (server, request, asset) => {
      const serverPath = `/${server.join("/")}`;
      const requestPath = `/${[...server, ...request].join("/")}`;
      const target = [...server, ...asset, "main.css"].join("/");
      const url = assetUrl(serverPath, requestPath, [...asset, "main.css"].join("/"));
      assert.equal(new URL(url, `https://host.example${requestPath}`).pathname, `/${target}`);
    }),
  );
});

test("the request path only gives its depth", () => {
  assert.equal(assetUrl("/", "//evil.example/x", "static/main.css"), "../../static/main.css");
  assert.equal(assetUrl("/dex", '/dex/"><script>/x', "static/main.css"), "../static/main.css");
});
