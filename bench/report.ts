/** Turns measurements into tables that are read in a terminal and paste as Markdown. */
import type { Report, Row } from "./workload/contract.ts";

/** Above this share, what other processes did shows in the rates. */
const tolerated = 0.1;

/** A number with about three digits that matter; "-" when there is none. */
export function shown(value: number | string): string {
  if (typeof value === "string") return value;
  if (!Number.isFinite(value)) return "-";
  if (Number.isInteger(value) || Math.abs(value) >= 100) return value.toFixed(0);
  if (Math.abs(value) >= 10) return value.toFixed(1);
  return Math.abs(value) >= 1 ? value.toFixed(2) : value.toFixed(3);
}

/** The table of one workload, its absentees and its failures. */
export function renderReport(report: Report): string {
  const { workload, operation, rows, absent } = report;
  const extra = [...new Set(rows.flatMap((row) => Object.keys(row.more)))];
  const columns: readonly [string, (row: Row) => string][] = [
    ["system", (row) => (row.part === undefined ? row.system : `${row.system}: ${row.part}`)],
    ["ops/s", (row) => shown(row.perSecond) + (row.failures > 0 ? " (!)" : "")],
    ["p50 ms", (row) => shown(row.p50Ms)],
    ["p99 ms", (row) => shown(row.p99Ms)],
    ["CPU ms/op", (row) => shown(row.cpuMsPerOperation)],
    ["RSS MiB", (row) => shown(row.rssMiB)],
    ["others", (row) => (Number.isFinite(row.disturbance) ? `${(row.disturbance * 100).toFixed(0)} %` : "-")],
    ["ours is", (row) => ratio(rows, row)],
    ...extra.map((name): [string, (row: Row) => string] => [name, (row) => shown(row.more[name] ?? "-")]),
  ];
  // A column in which nobody has anything to say (start has no rate) is left out.
  const told = columns.filter(([, cell], index) => index === 0 || rows.some((row) => cell(row) !== "-"));
  const table = renderTable(
    told.map(([name]) => name),
    rows.map((row) => told.map(([, cell]) => cell(row))),
  );
  const disturbance = Math.max(0, ...rows.map((row) => row.disturbance).filter(Number.isFinite));
  const warnings =
    disturbance > tolerated
      ? [`Others used up to ${(disturbance * 100).toFixed(0)} % of the machine: do not trust the rates, run again.`]
      : [];
  const notes = Object.entries(absent).map(([system, reason]) => `${system}: not measured, ${reason}.`);
  const failures = rows
    .filter((row) => row.failures > 0)
    .map(
      (row) =>
        `(!) ${row.system}${row.part === undefined ? "" : `: ${row.part}`}: ${row.failures} failed; the numbers do not count. ${reasonsOf(row)}`,
    );
  return [
    `### ${workload}`,
    `One operation: ${operation}.`,
    "",
    ...(rows.length === 0 ? [] : [table, ""]),
    ...warnings,
    ...notes,
    ...failures,
  ]
    .join("\n")
    .trimEnd();
}

/** Each different failure once, on one line. */
function reasonsOf({ failed }: Row): string {
  return [...new Set(failed)].map((text) => text.replaceAll(/\s+/g, " ").slice(0, 400)).join(" | ");
}

/**
 * How many times as fast as `row` our server is, on the same database; in memory, where the other has none. A run with
 * failures is compared with nothing.
 */
function ratio(rows: readonly Row[], row: Row): string {
  const ours = rows.filter(({ system, part }) => system.startsWith("ours-") && part === row.part);
  const named = (name: string): Row | undefined => ours.find(({ system }) => system === name);
  const own = named(row.system.replace(/^[^-]+/, "ours")) ?? named("ours-memory");
  const isComparable = own !== undefined && !ours.includes(row) && own.failures === 0 && row.failures === 0;
  const factor = isComparable ? own.perSecond / row.perSecond : Number.NaN;
  return Number.isFinite(factor) ? `${factor.toFixed(2)}×` : "-";
}

function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, column) => Math.max(name.length, 3, ...rows.map((row) => (row[column] ?? "").length)));
  // Names to the left, numbers to the right.
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => (column === 0 ? (cells[column] ?? "").padEnd(width) : (cells[column] ?? "").padStart(width))).join(" | ")} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}
