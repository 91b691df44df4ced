import { DatabaseSync } from "node:sqlite";
import { drive } from "../driver.ts";
import { usageOf } from "../process-usage.ts";
import type { System } from "../system/contract.ts";
import { type Bench, failedRow, type Row, roll, type Workload } from "./contract.ts";
import { databaseShare, metersOf, stageFor } from "./rate.ts";

/** What strangers cost: nobody logs in, so nothing should be left behind. */
export const unauthenticated: Workload = {
  name: "unauthenticated",
  operation:
    "one anonymous GET /auth, followed as far as the login page; afterwards, how many rows it left in the database",
  run: async (bench) => {
    const { able, absent } = roll(bench.systems, () => undefined);
    const rows: Row[] = [];
    for (const system of able)
      rows.push(await measure(system, bench).catch((error: unknown) => failedRow(system.name, error)));
    return { workload: unauthenticated.name, operation: unauthenticated.operation, rows, absent };
  },
};

async function measure(system: System, { options, newDirectory, say }: Bench): Promise<Row> {
  const server = await system.start({ directory: newDirectory(), willRefresh: false });
  const { stage, clients: made } = stageFor(system, server, options);
  try {
    const usage = usageOf(server.pid);
    const rowsBefore = server.databaseFile === undefined ? undefined : countRows(server.databaseFile);
    const rssBefore = usage.rssMiB();
    const clients = stage.clients(system.login("password", 0) === undefined ? "instant" : "password", options.clients);
    const members = clients.map((client) => () => client.visit(system.isLoginAddress));
    const result = await drive([{ name: "visit", members }], { operations: options.hits }, metersOf(server));
    const rowsAfter = server.databaseFile === undefined ? undefined : countRows(server.databaseFile);
    const visit = result.crews.visit;
    if (visit === undefined) throw new Error("nothing was measured");
    say(
      `unauthenticated: ${system.name}: ${visit.perSecond.toFixed(0)} visits/s${visit.failures > 0 ? " WITH FAILURES" : ""}`,
    );
    return {
      system: system.name,
      perSecond: visit.perSecond,
      p50Ms: visit.p50,
      p99Ms: visit.p99,
      cpuMsPerOperation: result.serverCpuMs / visit.operations,
      rssMiB: usage.rssMiB(),
      failures: visit.failures,
      failed: visit.failed,
      disturbance: result.disturbance,
      more: {
        visits: visit.operations,
        "rows before": rowsBefore ?? "-",
        "rows after": rowsAfter ?? "-",
        "RSS before": rssBefore,
        ...databaseShare(server, result, visit.operations),
      },
      rounds: [visit.perSecond],
    };
  } finally {
    for (const client of made) client.close();
    await server.stop();
  }
}

/** Rows of all tables, read beside the running server. */
export function countRows(file: string): number {
  const database = new DatabaseSync(file, { readOnly: true, timeout: 10_000 });
  try {
    const tables = database
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
      .all();
    const count = (table: string): number =>
      Number(database.prepare(`SELECT count(*) AS rows FROM "${table.replaceAll('"', '""')}"`).get()?.rows ?? 0);
    return tables.reduce((sum, { name }) => sum + count(String(name)), 0);
  } finally {
    database.close();
  }
}
