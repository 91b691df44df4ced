import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseOptions, UsageError } from "./options.ts";
import { renderReport, shown } from "./report.ts";
import type { Row } from "./workload/contract.ts";

const aRow = (values: Partial<Row> & { readonly system: string }): Row => ({
  perSecond: 1_000,
  p50Ms: 1,
  p99Ms: 2,
  cpuMsPerOperation: 0.5,
  rssMiB: 100,
  failures: 0,
  failed: [],
  disturbance: 0,
  more: {},
  rounds: [],
  ...values,
});

const cellsOf = (rendered: string, system: string): readonly string[] =>
  rendered
    .split("\n")
    .find((line) => line.startsWith(`| ${system} `))
    ?.split("|")
    .map((cell) => cell.trim()) ?? [];

const render = (rows: readonly Row[], absent = {}): string =>
  renderReport({ workload: "refresh", operation: "one refresh", rows, absent });

describe("the table", () => {
  it("says how many times as fast ours is, and compares nobody with itself", () => {
    const table = render([
      aRow({ system: "ours-sqlite", perSecond: 2_000 }),
      aRow({ system: "dex-sqlite", perSecond: 800 }),
    ]);
    assert.ok(cellsOf(table, "dex-sqlite").includes("2.50×"));
    assert.ok(!cellsOf(table, "ours-sqlite").some((cell) => cell.includes("×")));
  });

  it("compares on the same database, and in memory where there is none", () => {
    const table = render([
      aRow({ system: "ours-postgres", perSecond: 1_500 }),
      aRow({ system: "ours-memory", perSecond: 3_000 }),
      aRow({ system: "dex-postgres", perSecond: 500 }),
      aRow({ system: "oidc-provider", perSecond: 2_000 }),
    ]);
    assert.ok(cellsOf(table, "dex-postgres").includes("3.00×"));
    assert.ok(cellsOf(table, "oidc-provider").includes("1.50×"));
    assert.ok(!cellsOf(table, "ours-postgres").some((cell) => cell.includes("×")));
  });

  it("compares the same part of a workload", () => {
    const table = render([
      aRow({ system: "ours-sqlite", part: "login", perSecond: 30 }),
      aRow({ system: "ours-sqlite", part: "refresh", perSecond: 900 }),
      aRow({ system: "dex-sqlite", part: "login", perSecond: 20 }),
    ]);
    assert.ok(cellsOf(table, "dex-sqlite: login").includes("1.50×"));
  });

  it("marks a run with failures, says why, and takes no ratio from it", () => {
    const table = render([
      aRow({ system: "ours-sqlite", failures: 2, failed: ["token: 500", "token: 500"] }),
      aRow({ system: "dex-sqlite" }),
    ]);
    assert.ok(cellsOf(table, "ours-sqlite").includes("1000 (!)"));
    assert.match(table, /^\(!\) ours-sqlite: 2 failed; the numbers do not count\. token: 500$/m);
    assert.doesNotMatch(table, /×/);
  });

  it("warns when the machine was not ours", () => {
    const row = aRow({ system: "dex-sqlite" });
    assert.match(render([row, { ...row, disturbance: 0.5 }]), /^Others used up to 50 % of the machine/m);
    assert.doesNotMatch(render([row, { ...row, disturbance: Number.NaN }]), /Others used/);
  });

  it("names who did not take part", () => {
    const table = render([], { "dex-sqlite": "DEX_BIN is not set" });
    assert.match(table, /dex-sqlite: not measured, DEX_BIN is not set\./);
  });

  it("shows about three digits, and a dash for what was not measured", () => {
    assert.deepEqual([1234.5, 99.94, 1.234, 0.016, 7, Number.NaN].map(shown), [
      "1235",
      "99.9",
      "1.23",
      "0.016",
      "7",
      "-",
    ]);
  });
});

describe("the command line", () => {
  it("has defaults, and shorter ones for --quick", () => {
    const [usual, quick] = [parseOptions([]), parseOptions(["--quick"])];
    assert.deepEqual([usual.clients, usual.rounds, usual.flows], [16, 3, 100_000]);
    assert.ok(quick.measureMs < usual.measureMs && quick.flows < usual.flows);
  });

  it("takes names apart", () => {
    assert.deepEqual(parseOptions(["--only", "refresh, storm", "--systems=dex-sqlite"]).only, ["refresh", "storm"]);
  });

  for (const args of [
    ["--seconds", "0"],
    ["--clients", "1.5"],
    ["--clients", "33"],
    ["--rounds", "x"],
    ["--nope"],
    ["stray"],
  ]) {
    it(`refuses ${args.join(" ")}`, () => assert.throws(() => parseOptions(args), UsageError));
  }
});
