import assert from "node:assert/strict";
import { test } from "node:test";
import { safeBackLink } from "./back-link.ts";

const table: readonly (readonly [string, string])[] = [
  ["", ""],
  ["/auth?prompt=select_account", "/auth?prompt=select_account"],
  ["/auth#frag", "/auth#frag"],
  ["https://evil.example", ""],
  ["//evil.example", ""],
  ["/\\evil.example", ""],
  ["/a\\..\\/evil.example", ""],
  ["javascript:alert(1)", ""],
  ["relative/path", ""],
  ["/\t/evil.example", ""],
  ["/\n/evil.example", ""],
  [" /auth", ""],
];

for (const [back, kept] of table) {
  test(`a back link ${JSON.stringify(back)} becomes ${JSON.stringify(kept)}`, () =>
    assert.equal(safeBackLink(back), kept));
}
