/** What trails, clients and auditors may rely on stands in the reference, and nothing else does. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { checksInCode, errorCodesInCode } from "../../scripts/vocabulary-pages.ts";
import { auditEvents } from "../../src/telemetry/audit.ts";

const page = (name: string): string => readFileSync(join(import.meta.dirname, "../../docs/reference", name), "utf8");

/** What the first column of the tables of `text` names. */
const named = (text: string): readonly string[] =>
  text
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .flatMap((line) => [...(line.split(" | ")[0] ?? "").matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name));

test("every check in the code is on its page, and every one there is in the code", () => {
  const inCode = [...checksInCode().keys()];
  assert.ok(inCode.length > 60, `only ${inCode.length} were found`);
  assert.deepEqual(named(page("checks.md")), inCode);
});

test("every error code is on its page, and every one there is in the code", () => {
  assert.deepEqual(named(page("error-codes.md")), errorCodesInCode());
  assert.ok(errorCodesInCode().includes("invalid_grant"));
});

test("every audit event is on its page, every one there can happen, and each comes from a check that there is", () => {
  const events = page("audit-events.md").split("| Event | When |")[1] ?? "";
  const possible = new Set(Object.values(auditEvents).flatMap((byOutcome) => Object.values(byOutcome)));
  assert.deepEqual([...named(events)].toSorted(), [...possible, "api.called"].toSorted());
  const checks = checksInCode();
  assert.deepEqual(
    Object.keys(auditEvents).filter((check) => !checks.has(check)),
    [],
  );
});
