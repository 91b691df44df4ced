import type { Registry } from "prom-client";

/** What became of every new reading of the configuration. `true`: the process goes on with it, all of it. */
export function reloadMetrics(
  { Counter, Gauge }: Pick<typeof import("prom-client"), "Counter" | "Gauge">,
  registers: Registry[],
): (isTaken: boolean) => void {
  const reloads = new Counter({
    name: "dex_config_reloads_total",
    help: "Readings of the configuration while running, by result: taken whole, or refused whole.",
    labelNames: ["result"],
    registers,
  });
  // From the start, at 0, so that the first refusal is an increase.
  for (const result of ["taken", "refused"]) reloads.inc({ result }, 0);
  const last = new Gauge({
    name: "dex_config_last_reload_successful",
    help: "1, or 0 while the server goes on with an older configuration than the one it was last given.",
    registers,
  });
  last.set(1);
  return (isTaken) => {
    reloads.inc({ result: isTaken ? "taken" : "refused" });
    last.set(Number(isTaken));
  };
}
