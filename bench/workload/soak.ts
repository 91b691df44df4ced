import { drive } from "../driver.ts";
import { usageOf } from "../process-usage.ts";
import type { System } from "../system/contract.ts";
import { type Bench, failedRow, type Row, roll, type Workload } from "./contract.ts";
import { databaseShare, metersOf, stageFor } from "./rate.ts";

/** Logins enough to show a leak. Others are soaked only when `--systems` asks for them: it takes minutes each. */
export const soak: Workload = {
  name: "soak",
  operation: "code+pkce flows, very many, to see whether memory comes to rest",
  run: async (bench) => {
    const isAsked = (system: System): boolean => system.family === "ours" || bench.options.systems !== undefined;
    const { able, absent } = roll(bench.systems, (system) =>
      isAsked(system) ? undefined : "soaked only when --systems names it",
    );
    const rows: Row[] = [];
    for (const system of able)
      rows.push(await measure(system, bench).catch((error: unknown) => failedRow(system.name, error)));
    return { workload: soak.name, operation: soak.operation, rows, absent };
  },
};

async function measure(system: System, { options, newDirectory, say }: Bench): Promise<Row> {
  const server = await system.start({ directory: newDirectory(), willRefresh: false });
  const { stage, clients: made } = stageFor(system, server, options);
  try {
    const usage = usageOf(server.pid);
    const meters = metersOf(server);
    const rssBefore = usage.rssMiB();
    const clients = stage.clients("instant", options.clients);
    const members = clients.map((client) => async () => void (await client.logIn()));
    // In two halves: what matters is not what the first logins cost but whether the later ones cost more.
    const half = Math.ceil(options.flows / 2);
    const first = await drive([{ name: "flow", members }], { operations: half }, meters);
    const rssHalfway = usage.rssMiB();
    const second = await drive([{ name: "flow", members }], { operations: options.flows - half }, meters);
    const [before, after] = [first.crews.flow, second.crews.flow];
    if (before === undefined || after === undefined) throw new Error("nothing was measured");
    say(`soak: ${system.name}: ${before.perSecond.toFixed(0)}, then ${after.perSecond.toFixed(0)} flows/s`);
    return {
      system: system.name,
      perSecond: after.perSecond,
      p50Ms: after.p50,
      p99Ms: after.p99,
      cpuMsPerOperation: second.serverCpuMs / after.operations,
      rssMiB: usage.rssMiB(),
      failures: before.failures + after.failures,
      failed: [...before.failed, ...after.failed].slice(0, 5),
      disturbance: Math.max(first.disturbance, second.disturbance),
      more: {
        flows: before.operations + after.operations,
        "RSS before": rssBefore,
        "RSS halfway": rssHalfway,
        "RSS peak": usage.peakRssMiB(),
        ...databaseShare(server, second, after.operations),
      },
      rounds: [before.perSecond, after.perSecond],
    };
  } finally {
    for (const client of made) client.close();
    await server.stop();
  }
}
