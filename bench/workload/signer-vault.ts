import { type FakeVault, startFakeVault } from "../../test/fake/vault.ts";
import { drive } from "../driver.ts";
import { usageOf } from "../process-usage.ts";
import type { System } from "../system/contract.ts";
import { type Bench, failedRow, type Row, roll, type Workload } from "./contract.ts";
import { metersOf, stageFor } from "./rate.ts";

/** What it costs that the key lies elsewhere. */
export const signerVault: Workload = {
  name: "signer-vault",
  operation:
    "one client_credentials grant whose token a Transit engine signs (ES256); the engine is a stand-in within the load generator",
  run: async (bench) => {
    const reason = ({ family, store }: System) =>
      family === "ours" && store === "memory" ? undefined : "measured with ours, in memory";
    const { able, absent } = roll(bench.systems, reason);
    const rows: Row[] = [];
    for (const system of able)
      rows.push(await measure(system, bench).catch((error: unknown) => failedRow(system.name, error)));
    return { workload: signerVault.name, operation: signerVault.operation, rows, absent };
  },
};

async function measure(system: System, { options, newDirectory, say }: Bench): Promise<Row> {
  const vault = await startFakeVault();
  const signer = { type: "vault", config: { addr: vault.url, token: vault.issue(), keyName: "dex" } };
  const server = await system.start({ directory: newDirectory(), willRefresh: false, signer });
  const { stage, clients: made } = stageFor(system, server, options);
  try {
    const usage = usageOf(server.pid);
    const members = stage.strangers(options.clients).map((client) => async () => void (await client.earn()));
    const result = await drive([{ name: "grant", members }], options, metersOf(server));
    const grant = result.crews.grant;
    if (grant === undefined) throw new Error("nothing was measured");
    say(`signer-vault: ${system.name}: ${grant.perSecond.toFixed(0)} tokens/s`);
    return {
      system: system.name,
      perSecond: grant.perSecond,
      p50Ms: grant.p50,
      p99Ms: grant.p99,
      cpuMsPerOperation: result.serverCpuMs / grant.operations,
      rssMiB: usage.rssMiB(),
      failures: grant.failures,
      failed: grant.failed,
      disturbance: result.disturbance,
      more: { "tokens a call": perCall(vault).toFixed(1) },
      rounds: [grant.perSecond],
    };
  } finally {
    for (const client of made) client.close();
    await server.stop();
    await vault.close();
  }
}

/** How many signatures went in one call, on average. */
function perCall({ requests }: FakeVault): number {
  const calls = requests.filter(({ path }) => path === "transit/sign/dex");
  const signatures = calls.reduce((sum, { body }) => sum + body.split('"input":').length - 1, 0);
  return signatures / calls.length;
}
