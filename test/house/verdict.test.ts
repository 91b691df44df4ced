/**
 * `make test` is believed by everybody, so it is tested with files that fail in every way a test file can:
 * an assertion, a crash, a silent exit, a broken hook, nothing inside, a skip.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";

const root = join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "dex-verdict-"));
after(() => rmSync(folder, { recursive: true }));

interface Outcome {
  readonly last: string;
  readonly code: number | null;
  readonly output: string;
}

/** What `scripts/test.ts` says of one test file with this body. */
function verdictOf(body: string, env: Readonly<Record<string, string>> = {}): Outcome {
  const file = join(folder, "planted.test.ts");
  const imports = `import assert from "node:assert/strict";\nimport { before, describe, it, test } from "node:test";\n`;
  writeFileSync(file, imports + body);
  // Inside a test, node:test marks its children so that they run nothing by themselves.
  const { NODE_TEST_CONTEXT: _, CI: __, ...clean } = process.env;
  const { stdout, status } = spawnSync(process.execPath, [join(root, "scripts/test.ts"), "--timeout", "5000", file], {
    encoding: "utf8",
    env: { ...clean, ...env },
  });
  return { last: stdout.trimEnd().split("\n").at(-1) ?? "", code: status, output: stdout };
}

const cases: readonly (readonly [what: string, body: string, last: string, code: number])[] = [
  ["a passing test", `test("a", () => {});`, "1 passed, 0 failed", 0],
  ["a failing test", `test("a", () => {}); test("b", () => assert.equal(1, 2));`, "1 passed, 1 failed", 1],
  [
    "subtests, counted once",
    `test("a", async (t) => { await t.test("b", () => {}); await t.test("c", () => {}); });`,
    "2 passed, 0 failed",
    0,
  ],
  [
    "a failing subtest, counted once",
    `test("a", async (t) => { await t.test("b", () => assert.fail()); });`,
    "0 passed, 1 failed",
    1,
  ],
  [
    "a parent that fails after its subtest",
    `test("a", async (t) => { await t.test("b", () => {}); assert.fail(); });`,
    "1 passed, 1 failed",
    1,
  ],
  [
    "suites, not counted",
    `describe("s", () => { it("a", () => {}); describe("t", () => { it("b", () => {}); }); });`,
    "2 passed, 0 failed",
    0,
  ],
  [
    "a test after a suite",
    `describe("s", () => { it("a", () => {}); }); test("b", () => {});`,
    "2 passed, 0 failed",
    0,
  ],
  [
    "a suite that throws while it is built",
    `describe("s", () => { throw new Error("no"); });`,
    "0 passed, 1 failed",
    1,
  ],
  [
    "a broken hook",
    `describe("s", () => { before(() => { throw new Error("no"); }); it("a", () => {}); });`,
    "0 passed, 2 failed",
    1,
  ],
  ["a crash while loading", `test("a", () => {}); throw new Error("boom");`, "0 passed, 1 failed", 1],
  [
    "a crash after the tests",
    `test("a", () => { setTimeout(() => { throw new Error("late"); }, 20); });`,
    "1 passed, 1 failed",
    1,
  ],
  [
    "a silent exit",
    `test("a", () => {}); test("b", () => process.exit(0)); test("c", () => {});`,
    "0 passed, 1 failed",
    1,
  ],
  ["an empty file", ``, "0 passed, 1 failed", 1],
  ["a syntax error", `test("a", () => {`, "0 passed, 1 failed", 1],
  [
    "a skip with a reason",
    `test("a", () => {}); it("b", { skip: "no chromium" }, () => {});`,
    "1 passed, 0 failed, 1 skipped",
    0,
  ],
  [
    "a skipped suite",
    `test("a", () => {}); describe("s", { skip: "later" }, () => { it("b", () => {}); });`,
    "1 passed, 0 failed, 1 skipped",
    0,
  ],
];

describe("make test", () => {
  for (const [what, body, last, code] of cases) {
    it(`says of ${what}: ${last}`, () => {
      const outcome = verdictOf(body);
      assert.deepEqual({ last: outcome.last, code: outcome.code }, { last, code }, outcome.output);
    });
  }

  it("fails a skip in CI and names its reason", () => {
    const outcome = verdictOf(`test("a", () => {}); test("b", (t) => t.skip("no chromium"));`, { CI: "true" });
    assert.deepEqual([outcome.last, outcome.code], ["1 passed, 1 failed", 1]);
    assert.match(outcome.output, /no chromium/);
  });
  it("forgives a skip in CI that says it is optional", () => {
    const outcome = verdictOf(`test("a", () => {}); test("b", { skip: "optional: no etcd" }, () => {});`, {
      CI: "true",
    });
    assert.deepEqual([outcome.last, outcome.code], ["1 passed, 0 failed, 1 skipped", 0]);
  });
  it("kills a file that hangs, and counts it as failed", () => {
    const outcome = verdictOf(`test("a", () => {}); test("b", () => new Promise((done) => setTimeout(done, 60_000)));`);
    assert.deepEqual([outcome.last, outcome.code], ["1 passed, 1 failed", 1]);
  });
  it("fails when no file matches", () => {
    const { NODE_TEST_CONTEXT: _, ...clean } = process.env;
    const args = [join(root, "scripts/test.ts"), join(folder, "no-such.test.ts")];
    const { stdout, status } = spawnSync(process.execPath, args, { encoding: "utf8", env: clean });
    assert.deepEqual([stdout.trimEnd().split("\n").at(-1), status], ["0 passed, 1 failed", 1]);
  });
});
