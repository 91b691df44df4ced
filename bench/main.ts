/**
 * `make bench`: this server beside others on this machine, in one run, in turns.
 * What the numbers mean, and where the peers differ, is told in docs/guide/benchmarks.md.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Ceiling, measureCeiling } from "./ceiling.ts";
import { describeMachine, type Machine } from "./machine.ts";
import { type Options, parseOptions, UsageError, usage } from "./options.ts";
import { renderReport, shown } from "./report.ts";
import type { System } from "./system/contract.ts";
import { dex, ours } from "./system/dex.ts";
import { oidcProvider } from "./system/oidc-provider.ts";
import type { Report, Workload } from "./workload/contract.ts";
import { workloads } from "./workload/table.ts";

const resultsDirectory = fileURLToPath(new URL("results/", import.meta.url));

interface Results {
  readonly startedAt: string;
  readonly machine: Machine;
  readonly options: Options;
  readonly systems: readonly { readonly name: string; readonly version: string; readonly missing?: string }[];
  readonly generator: Readonly<Record<string, Ceiling>>;
  readonly reports: readonly Report[];
}

const allSystems = (): readonly System[] => [
  ours("sqlite"),
  ours("memory"),
  oidcProvider(),
  dex("sqlite"),
  dex("memory"),
  ...(["postgres", "mariadb", "etcd", "kubernetes"] as const).flatMap((store) => [ours(store), dex(store)]),
];

async function bench(options: Options): Promise<number> {
  const chosen = pick("workload", workloads, options.only);
  const systems = pick("system", allSystems(), options.systems);
  const root = newFolder(options.directory ?? tmpdir(), "bench-");
  try {
    const results = await measure(options, chosen, systems, root);
    mkdirSync(resultsDirectory, { recursive: true });
    const file = join(resultsDirectory, `${results.startedAt.replaceAll(/[:.]/g, "-")}.json`);
    writeFileSync(file, `${JSON.stringify(results, undefined, 2)}\n`);
    console.log(`\nSaved to ${file}`);
    const failures = results.reports.flatMap(({ rows }) => rows).reduce((sum, row) => sum + row.failures, 0);
    if (failures > 0) console.log(`${failures} operations failed: see (!) above.`);
    return failures > 0 ? 1 : 0;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function measure(
  options: Options,
  chosen: readonly Workload[],
  systems: readonly System[],
  root: string,
): Promise<Results> {
  const newDirectory = (): string => newFolder(root, "server-");
  const say = (text: string): void => console.error(`  ${text}`);
  const startedAt = new Date().toISOString();
  const machine = describeMachine(root);
  console.log(
    `${machine.cores} cores (${machine.processor}), shared by generator and server; Node ${machine.node}; commit ${machine.commit}; files on ${machine.fileSystem}`,
  );
  console.log(
    `${options.clients} virtual clients, ${options.rounds} × ${options.measureMs / 1000} s per system and workload, interleaved; medians`,
  );
  for (const system of systems)
    console.log(
      `${system.name}: ${system.missing === undefined ? system.version || "version unknown" : `not measured, ${system.missing}`}`,
    );
  const generator = await measureCeiling(newDirectory(), options);
  for (const [what, one] of Object.entries(generator)) {
    console.log(
      `ceiling, ${what}: ${shown(one.perSecond)} requests/s, ${shown(one.driverCpuUsPerOperation)} µs of the generator's CPU each`,
    );
  }
  const reports: Report[] = [];
  for (const workload of chosen) {
    const report = await workload.run({ systems, options, newDirectory, say });
    console.log(`\n${renderReport(report)}`);
    reports.push(report);
  }
  const described = systems.map(({ name, version, missing }) => ({
    name,
    version,
    ...(missing === undefined ? {} : { missing }),
  }));
  return { startedAt, machine, options, systems: described, generator, reports };
}

/** One that databases may pass through, which will not run as root. */
function newFolder(parent: string, name: string): string {
  const folder = mkdtempSync(join(parent, name));
  chmodSync(folder, 0o711);
  return folder;
}

/** @throws {UsageError} A name that is none. */
function pick<T extends { readonly name: string }>(
  what: string,
  all: readonly T[],
  names: readonly string[] | undefined,
): readonly T[] {
  const unknown = names?.find((name) => all.every((one) => one.name !== name));
  if (unknown !== undefined)
    throw new UsageError(`unknown ${what} ${unknown}; known: ${all.map(({ name }) => name).join(", ")}`);
  return names === undefined ? all : all.filter(({ name }) => names.includes(name));
}

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options.ask === "help") console.log(usage);
  if (options.ask === "list") {
    for (const { name, operation } of workloads) console.log(`workload  ${name.padEnd(16)} ${operation}`);
    for (const { name, missing } of allSystems()) console.log(`system    ${name.padEnd(16)} ${missing ?? "available"}`);
  }
  return options.ask === "run" ? bench(options) : 0;
}

// The bundle brings no Node: it runs on the one that runs this.
process.env.PATH = `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ""}`;
try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof UsageError ? `${error.message}\n\n${usage}` : error);
  process.exitCode = 2;
}
