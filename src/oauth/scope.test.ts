import assert from "node:assert/strict";
import { test } from "node:test";
import { parseScope } from "./scope.ts";

test("a scope is there once, in the order of the request, whatever stands between and around", () => {
  assert.deepEqual(parseScope(" openid  email\topenid\nemail groups "), ["openid", "email", "groups"]);
  assert.deepEqual(parseScope("openid ".repeat(100_000)), ["openid"]);
  assert.deepEqual(parseScope(""), []);
});
