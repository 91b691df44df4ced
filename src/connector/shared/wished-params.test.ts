import assert from "node:assert/strict";
import { test } from "node:test";
import { listed, promptWith, wishedParams } from "./wished-params.ts";

const none = { uiLocales: [], acrValues: [], mustProve: false, mustChoose: false };

test("what the client did not ask for is not sent", () => {
  for (const wishes of [undefined, none]) {
    assert.deepEqual(Object.values(wishedParams(wishes)), [undefined, undefined, undefined]);
    assert.equal(promptWith(undefined, wishes), undefined);
    assert.equal(promptWith("", wishes), "");
    assert.equal(promptWith("none", wishes), "none");
  }
  assert.equal(listed([]), undefined);
});

test("what it asked for is", () => {
  const wishes = { ...none, loginHint: "jane&x=1", uiLocales: ["de", "fr"], maxAge: 0 };
  assert.deepEqual(wishedParams(wishes), { login_hint: "jane&x=1", ui_locales: "de fr", max_age: "0" });
});

test("who must prove themselves again is not let in silently", () => {
  const wishes = { ...none, mustProve: true };
  assert.equal(promptWith(undefined, wishes), "login");
  assert.equal(promptWith("", wishes), "login");
  assert.equal(promptWith("none", wishes), "login");
  assert.equal(promptWith("login", wishes), "login");
  assert.equal(promptWith("consent", wishes), "consent login");
});
