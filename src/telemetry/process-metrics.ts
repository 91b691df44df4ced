import { readFileSync } from "node:fs";
import type { Counter, Gauge, Registry } from "prom-client";

interface Constructors {
  readonly Counter: typeof Counter;
  readonly Gauge: typeof Gauge;
}

/**
 * What Dex's dashboards read of the process and prom-client does not tell: Go's names for what Node has as well, and
 * the process's own from Linux. Elsewhere those are absent, as with Dex.
 */
export function processMetrics(registry: Registry, runtime: string, { Counter, Gauge }: Constructors): void {
  const registers = [registry];
  const gauge = (name: string, help: string, read: () => number | undefined): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        const value = read();
        if (value !== undefined) this.set(value);
      },
    });
  };
  new Gauge({ name: "go_info", help: "The runtime.", labelNames: ["version"], registers }).set(
    { version: `node${runtime}` },
    1,
  );
  // compat(dex): what waits in the event loop stands for what waits in goroutines.
  gauge("go_goroutines", "Resources that keep the event loop busy.", () => process.getActiveResourcesInfo().length);
  gauge("go_threads", "Threads of the process.", () => numberIn("/proc/self/status", /^Threads:\s+(\d+)$/m));
  gauge("go_memstats_alloc_bytes", "Heap in use.", () => process.memoryUsage().heapUsed);
  gauge("go_memstats_heap_alloc_bytes", "Heap in use.", () => process.memoryUsage().heapUsed);
  gauge("go_memstats_heap_inuse_bytes", "Heap in use.", () => process.memoryUsage().heapUsed);
  gauge("go_memstats_heap_sys_bytes", "Heap taken from the system.", () => process.memoryUsage().heapTotal);
  gauge("go_memstats_heap_idle_bytes", "Heap taken and not in use.", () => {
    const { heapTotal, heapUsed } = process.memoryUsage();
    return heapTotal - heapUsed;
  });
  gauge("go_memstats_sys_bytes", "Memory taken from the system.", () => process.memoryUsage.rss());
  gauge(
    "process_virtual_memory_max_bytes",
    "Maximum amount of virtual memory available in bytes.",
    // Without a limit Go shows the largest unsigned number there is.
    () => numberIn("/proc/self/limits", /^Max address space\s+(\d+)/m) ?? 2 ** 64,
  );
  for (const [name, column] of [
    ["receive", 0],
    ["transmit", 8],
  ] as const) {
    new Counter({
      name: `process_network_${name}_bytes_total`,
      help: `Bytes of the network of the process: ${name}.`,
      registers,
      collect() {
        const total = networkBytes(column);
        if (total === undefined) return;
        this.reset();
        this.inc(total);
      },
    });
  }
}

/** Files of `/proc` are made when they are read, from memory: no disk is waited for. */
function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // Not Linux, or hidden by the container.
    return undefined;
  }
}

function numberIn(file: string, pattern: RegExp): number | undefined {
  const found = pattern.exec(contentOf(file) ?? "")?.[1];
  return found === undefined ? undefined : Number(found);
}

/** Of all interfaces, as Go's library adds them up. */
function networkBytes(column: number): number | undefined {
  const lines = contentOf("/proc/self/net/dev")?.split("\n").slice(2);
  return lines?.reduce((total, line) => total + Number(line.split(":")[1]?.trim().split(/\s+/)[column] ?? 0), 0);
}
