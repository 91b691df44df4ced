import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { responseModeIn } from "./request-object.ts";

const objectOf = (claims: unknown): string =>
  `eyJhbGciOiJub25lIn0.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.`;

test("tells the mode, and nothing where there is none", () => {
  assert.equal(responseModeIn(objectOf({ response_mode: "form_post", state: "s" })), "form_post");
  for (const claims of [{}, { response_mode: 1 }, [], null, "form_post", { other: "form_post" }])
    assert.equal(responseModeIn(objectOf(claims)), "", JSON.stringify(claims));
});

test("any text is read without a fault", () => {
  fc.assert(fc.property(fc.string(), (text) => typeof responseModeIn(text) === "string"));
  fc.assert(
    fc.property(
      fc.json(),
      (json) => typeof responseModeIn(`a.${Buffer.from(json).toString("base64url")}.b`) === "string",
    ),
  );
});
