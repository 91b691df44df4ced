import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hostService, parsePrincipal, usernameOf } from "./principal.ts";

test("a principal is a name and a realm", () => {
  assert.deepEqual(parsePrincipal("jane@EXAMPLE.ORG"), { name: "jane", realm: "EXAMPLE.ORG" });
  assert.deepEqual(parsePrincipal("jane/admin@EXAMPLE.ORG"), { name: "jane/admin", realm: "EXAMPLE.ORG" });
});

test("one that would read as another one's is none", () => {
  for (const text of ["jane", "jane@", "@R", "", "admin\\@x@R", "a\\/b@R", "a@b@R", "a\\"]) {
    assert.equal(parsePrincipal(text), undefined, text);
  }
});

test("the directory is asked for the name, or for all of it", () => {
  const jane = { name: "jane", realm: "EXAMPLE.ORG" };
  for (const way of ["", "localpart", "sAMAccountName"]) assert.equal(usernameOf(jane, way), "jane");
  assert.equal(usernameOf(jane, "UserPrincipalName"), "jane@EXAMPLE.ORG");
});

test("a service of a host has GSS-API's name", () => {
  assert.equal(hostService("HTTP/dex.example.com"), "HTTP@dex.example.com");
  assert.equal(hostService("HTTP/dex.example.com@EXAMPLE.ORG"), "HTTP@dex.example.com");
  for (const text of ["", "svc-dex", "svc-dex@EXAMPLE.ORG", "a/b/c"]) assert.equal(hostService(text), undefined);
});

test("whatever text comes, a name that is read is the whole text before its realm, and nothing was unescaped", () => {
  const hostile = fc.string({ unit: fc.constantFrom(..."ab/@\\ \n\0é") });
  fc.assert(
    fc.property(fc.oneof(fc.string(), hostile), (text) => {
      const read = parsePrincipal(text);
      if (read === undefined) return;
      assert.equal(`${read.name}@${read.realm}`, text);
      assert.doesNotMatch(read.name, /[@\\]/);
      assert.ok(read.name !== "" && read.realm !== "");
    }),
  );
});
