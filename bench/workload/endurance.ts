/** Half of what the server can do, for long: what people wait then, and whether memory stays where it is. */
import { setTimeout as sleep } from "node:timers/promises";
import { drive } from "../driver.ts";
import { percentile } from "../numbers.ts";
import type { VirtualClient } from "../oidc/virtual-client.ts";
import { usageOf } from "../process-usage.ts";
import type { System } from "../system/contract.ts";
import { type Bench, failedRow, type Row, roll, type Workload } from "./contract.ts";
import { metersOf, stageFor } from "./rate.ts";

/** Of the whole, after each of which memory is looked at. */
const parts = 10;

export const endurance: Workload = {
  name: "endurance",
  operation: "code+pkce flows at half of the highest rate, each at its time: how long they take, and memory meanwhile",
  run: async (bench) => {
    const { only, systems } = bench.options;
    const { able, absent } = roll(bench.systems, ({ name }) => {
      if (only?.includes("endurance") !== true) return "takes half an hour: only when --only names it";
      return systems?.includes(name) === true ? undefined : "endures only when --systems names it";
    });
    const rows: Row[] = [];
    for (const system of able)
      rows.push(await measure(system, bench).catch((error: unknown) => failedRow(system.name, error)));
    return { workload: endurance.name, operation: endurance.operation, rows, absent };
  },
};

async function measure(system: System, { options, newDirectory, say }: Bench): Promise<Row> {
  const server = await system.start({ directory: newDirectory(), willRefresh: false });
  const { stage, clients: made } = stageFor(system, server, options);
  try {
    const usage = usageOf(server.pid);
    // More of them than work at once: one that is late must not make the next one late.
    const clients = stage.clients("instant", options.clients * 8);
    const members = clients.slice(0, options.clients).map((client) => async () => void (await client.logIn()));
    const peak = await drive(
      [{ name: "flow", members }],
      { warmUpMs: 5_000, measureMs: Math.max(10_000, options.measureMs) },
      metersOf(server),
    );
    const rate = (peak.crews.flow?.perSecond ?? Number.NaN) / 2;
    say(`endurance: ${system.name}: ${rate.toFixed(0)} flows/s, half of the highest rate, for ${options.minutes} min`);
    const latencies: number[] = [];
    const failed: string[] = [];
    const rss: number[] = [];
    const [cpuBefore, startedAt] = [usage.cpuMs(), performance.now()];
    for (let part = 0; part < parts; part++) {
      await pace(clients, rate, (options.minutes * 60_000) / parts, latencies, failed);
      rss.push(usage.rssMiB());
      say(`endurance: ${system.name}: ${((part + 1) * 100) / parts} %, ${rss.at(-1)?.toFixed(0)} MiB`);
    }
    const sorted = latencies.sort((a, b) => a - b);
    return {
      system: system.name,
      perSecond: (sorted.length * 1_000) / (performance.now() - startedAt),
      p50Ms: percentile(sorted, 0.5),
      p99Ms: percentile(sorted, 0.99),
      cpuMsPerOperation: (usage.cpuMs() - cpuBefore) / sorted.length,
      rssMiB: usage.rssMiB(),
      failures: failed.length,
      failed: failed.slice(0, 5),
      disturbance: peak.disturbance,
      more: { flows: sorted.length, minutes: options.minutes, "RSS after each tenth": rss.map(Math.round).join(" ") },
      rounds: [],
    };
  } finally {
    for (const client of made) client.close();
    await server.stop();
  }
}

/**
 * Open loop: flows begin by the clock, however long those before them take, and a flow's time counts from when it was to
 * begin. So what a pause of the server costs everybody who comes meanwhile is seen.
 */
async function pace(
  clients: readonly VirtualClient[],
  perSecond: number,
  duration: number,
  latencies: number[],
  failed: string[],
): Promise<void> {
  const idle = [...clients];
  const due: number[] = [];
  const running = new Set<Promise<void>>();
  const begin = (): void => {
    while (due.length > 0 && idle.length > 0) {
      const [at, client] = [due.shift(), idle.pop()];
      if (at === undefined || client === undefined) return;
      const flow = run(client, at);
      running.add(flow);
      void flow.then(() => running.delete(flow));
    }
  };
  const run = async (client: VirtualClient, at: number): Promise<void> => {
    try {
      await client.logIn();
      latencies.push(performance.now() - at);
    } catch (error) {
      failed.push(error instanceof Error ? error.message : String(error));
    }
    idle.push(client);
    begin();
  };
  const startedAt = performance.now();
  const total = Math.round((perSecond * duration) / 1_000);
  for (let count = 0; count < total; ) {
    const elapsed = performance.now() - startedAt;
    for (; count < total && (count * 1_000) / perSecond <= elapsed; count++)
      due.push(startedAt + (count * 1_000) / perSecond);
    begin();
    await sleep(1);
  }
  while (running.size > 0 || due.length > 0) await Promise.race([...running, sleep(5)]);
}
