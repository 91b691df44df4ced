import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CookieJar } from "./cookie-jar.ts";

const now = Date.parse("2026-01-01T00:00:00Z");

const jarWith = (lines: readonly string[], requestPath = "/dex/auth"): CookieJar => {
  const jar = new CookieJar();
  for (const line of lines) jar.store(line, requestPath, now);
  return jar;
};

describe("the cookie jar", () => {
  it("sends a cookie to its path and below, not beside", () => {
    const jar = jarWith(["a=1; Path=/dex; HttpOnly"]);
    assert.equal(jar.header("/dex"), "a=1");
    assert.equal(jar.header("/dex/auth"), "a=1");
    assert.equal(jar.header("/dexter"), "");
    assert.equal(jar.header("/"), "");
  });

  it("defaults the path to the folder of the request", () => {
    const jar = jarWith(["a=1"], "/dex/auth/local");
    assert.equal(jar.header("/dex/auth/mock"), "a=1");
    assert.equal(jar.header("/dex/token"), "");
  });

  it("sends the longest path first", () => {
    assert.equal(jarWith(["a=1; Path=/", "b=2; Path=/dex/auth"]).header("/dex/auth"), "b=2; a=1");
  });

  it("replaces a cookie of the same name and path, and keeps values with an equals sign", () => {
    assert.equal(jarWith(["a=1; Path=/", "a=x=y; Path=/"]).header("/"), "a=x=y");
  });

  for (const clearing of [
    "a=; Path=/; Max-Age=0",
    "a=; Path=/; expires=Thu, 01 Jan 1970 00:00:00 GMT",
    "a=; Path=/; Expires=Fri, 01 Jan 2027 00:00:00 GMT; Max-Age=0",
  ]) {
    it(`forgets on "${clearing}"`, () => assert.equal(jarWith(["a=1; Path=/", clearing]).header("/"), ""));
  }

  it("lets Max-Age win over an Expires that has passed", () => {
    const line = "a=1; Path=/; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT";
    assert.equal(jarWith([line]).header("/"), "a=1");
  });

  it("ignores a line without a name", () => {
    assert.equal(jarWith(["=1; Path=/", "nothing", ""]).header("/"), "");
  });
});
