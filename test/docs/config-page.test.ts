import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { configPage } from "../../scripts/config-page.ts";
import { everyKey } from "../../src/config/testing/every-key.ts";

/** Keys whose value has keys of its operator's own choosing, or those of a connector's type. */
const isOpen = (path: string): boolean => path === "frontend.extra" || path === "connectors[].config";

/** Blocks that depend on a type have a table of their own, without the path above them. */
const withoutBlock = (path: string): string => path.replace(/^(storage|signer|mfa\.authenticators\[\])\.config\./, "");

function pathsIn(value: unknown, path: string): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((item: unknown) => pathsIn(item, `${path}[]`));
  if (typeof value !== "object" || value === null || isOpen(path)) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const below = path === "" ? key : `${path}.${key}`;
    return [below, ...pathsIn(inner, below)];
  });
}

test("every key of the configuration is on its page, with a meaning", async () => {
  const page = await configPage();
  const rows = page.split("\n").filter((line) => line.startsWith("| `"));
  const shown = new Map(rows.map((row) => [/^\| `([^`]+)`/.exec(row)?.[1] ?? "", row]));
  const headings = [...page.matchAll(/^## `([^`]+)`/gm)].map(([, key]) => key);
  const missing = [...new Set(pathsIn(parse(everyKey), ""))].filter(
    (path) => !shown.has(withoutBlock(path)) && !headings.includes(path),
  );
  assert.deepEqual(missing, []);
  for (const row of rows) assert.doesNotMatch(row, /\|\s*\|$/, "a key without a meaning");
});
