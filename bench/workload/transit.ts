import { startFakeVault } from "../../test/fake/vault.ts";
import { startOpenbao, withoutOpenbao } from "../../test/peer/openbao.ts";
import { drive } from "../driver.ts";
import { usageOf } from "../process-usage.ts";
import type { System } from "../system/contract.ts";
import { type Bench, failedRow, type Row, roll, type Workload } from "./contract.ts";
import { metersOf, stageFor } from "./rate.ts";

type KeyType = "rsa-2048" | "ecdsa-p256";

const engineName: string =
  withoutOpenbao === false
    ? "an OpenBao on the same machine"
    : "a stand-in within the load generator, since OPENBAO_BIN names no OpenBao";

/** What it costs that the key lies elsewhere: with RSA mostly the engine's own signing, with P-256 mostly the way there. */
export const transitClientCredentials = transit("transit-client-credentials", "rsa-2048", "RS256, 2048 bits");
export const transitEs256 = transit("transit-es256", "ecdsa-p256", "ES256");

function transit(name: string, type: KeyType, algorithm: string): Workload {
  const operation = `one client_credentials grant whose token a Transit engine signs (${algorithm}); the engine is ${engineName}`;
  return {
    name,
    operation,
    run: async (bench) => {
      const { able, absent } = roll(bench.systems, reasonToStayAway);
      const rows: Row[] = [];
      for (const system of able)
        rows.push(
          await measure({ name, type }, system, bench).catch((error: unknown) => failedRow(system.name, error)),
        );
      return { workload: name, operation, rows, absent };
    },
  };
}

function reasonToStayAway({ family, store }: System): string | undefined {
  if (store !== "memory" || family === "oidc-provider") return "measured with ours and Dex, in memory";
  // It signs one by one, which the stand-in does not know.
  return family === "dex" && withoutOpenbao !== false ? withoutOpenbao : undefined;
}

/** What signs. */
interface Engine {
  readonly url: string;
  readonly token: string;
  /** Milliseconds of processor time so far; NaN where they are the generator's own. */
  cpuMs(): number;
  /** Signatures in one call, on average; NaN where nobody counts. */
  perCall(): number;
  stop(): Promise<void>;
}

async function startEngine(type: KeyType): Promise<Engine> {
  if (withoutOpenbao === false) {
    const bao = await startOpenbao();
    await bao.must("POST", "transit/keys/dex", { body: { type } });
    const usage = usageOf(bao.pid());
    const token = await bao.issue("dex");
    return { url: bao.url, token, cpuMs: () => usage.cpuMs(), perCall: () => Number.NaN, stop: bao.stop };
  }
  const fake = await startFakeVault({ type });
  const perCall = (): number => {
    const calls = fake.requests.filter(({ path }) => path === "transit/sign/dex");
    return calls.reduce((sum, { body }) => sum + body.split('"input":').length - 1, 0) / calls.length;
  };
  return { url: fake.url, token: fake.issue(), cpuMs: () => Number.NaN, perCall, stop: fake.close };
}

async function measure(
  { name, type }: { readonly name: string; readonly type: KeyType },
  system: System,
  { options, newDirectory, say }: Bench,
): Promise<Row> {
  const engine = await startEngine(type);
  try {
    const signer = { type: "vault", config: { addr: engine.url, token: engine.token, keyName: "dex" } };
    const server = await system.start({ directory: newDirectory(), willRefresh: false, signer });
    const { stage, clients: made } = stageFor(system, server, options);
    try {
      const members = stage.strangers(options.clients).map((client) => async () => void (await client.earn()));
      const meters = metersOf(server);
      // What is the engine's stands where that of a database does: it is nobody else's disturbance.
      const result = await drive([{ name: "grant", members }], options, {
        ...meters,
        database: () => engine.cpuMs() || 0,
      });
      const grant = result.crews.grant;
      if (grant === undefined) throw new Error("nothing was measured");
      say(`${name}: ${system.name}: ${grant.perSecond.toFixed(0)} tokens/s`);
      return {
        system: system.name,
        perSecond: grant.perSecond,
        p50Ms: grant.p50,
        p99Ms: grant.p99,
        cpuMsPerOperation: result.serverCpuMs / grant.operations,
        rssMiB: usageOf(server.pid).rssMiB(),
        failures: grant.failures,
        failed: grant.failed,
        disturbance: result.disturbance,
        more: {
          "engine CPU ms/op": Number.isNaN(engine.cpuMs()) ? Number.NaN : result.databaseCpuMs / grant.operations,
          "tokens a call": engine.perCall(),
        },
        rounds: [grant.perSecond],
      };
    } finally {
      for (const client of made) client.close();
      await server.stop();
    }
  } finally {
    await engine.stop();
  }
}
