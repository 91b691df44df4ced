import { median } from "../numbers.ts";
import { usageOf } from "../process-usage.ts";
import type { System } from "../system/contract.ts";
import { failedRow, type Row, roll, type Workload } from "./contract.ts";

type Ready = { readonly discovery: number; readonly health?: number; readonly rssMiB: number };

/** How long an operator waits: from starting the process to its first good answer. */
export const start: Workload = {
  name: "start",
  operation: "from starting the process to the first 200; 'fresh' makes its tables and its RSA key, 'again' finds them",
  run: async (bench) => {
    const { able, absent } = roll(bench.systems, () => undefined);
    const fresh = new Map(able.map((system) => [system.name, [] as Ready[]]));
    const again = new Map(able.map((system) => [system.name, [] as Ready[]]));
    const broken = new Map<string, unknown>();
    for (let round = 0; round < bench.options.starts; round++) {
      for (const system of able.filter(({ name }) => !broken.has(name))) {
        try {
          const directory = bench.newDirectory();
          fresh.get(system.name)?.push(await startOnce(system, directory));
          if (system.store === "sqlite") again.get(system.name)?.push(await startOnce(system, directory));
        } catch (error) {
          broken.set(system.name, error);
        }
      }
      bench.say(`start: round ${round + 1}`);
    }
    const rows = able.map(({ name }) =>
      broken.has(name) ? failedRow(name, broken.get(name)) : rowOf(name, fresh.get(name) ?? [], again.get(name) ?? []),
    );
    return { workload: start.name, operation: start.operation, rows, absent };
  },
};

async function startOnce(system: System, directory: string): Promise<Ready> {
  const server = await system.start({ directory, willRefresh: false });
  const rssMiB = usageOf(server.pid).rssMiB();
  await server.stop();
  return { ...server.readyAfterMs, rssMiB };
}

function rowOf(system: string, fresh: readonly Ready[], again: readonly Ready[]): Row {
  const shown = (values: readonly (number | undefined)[]): number | string => {
    const known = values.filter((value) => value !== undefined);
    return known.length === 0 ? "-" : median(known);
  };
  return {
    system,
    perSecond: Number.NaN,
    p50Ms: Number.NaN,
    p99Ms: Number.NaN,
    cpuMsPerOperation: Number.NaN,
    rssMiB: median(fresh.map(({ rssMiB }) => rssMiB)),
    failures: 0,
    failed: [],
    disturbance: Number.NaN,
    more: {
      "fresh: discovery ms": shown(fresh.map(({ discovery }) => discovery)),
      "fresh: healthz ms": shown(fresh.map(({ health }) => health)),
      "again: discovery ms": shown(again.map(({ discovery }) => discovery)),
      "again: healthz ms": shown(again.map(({ health }) => health)),
    },
    rounds: [],
  };
}
