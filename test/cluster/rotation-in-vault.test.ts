/** A key that lies in a Vault, rotated there: two processes show the new version within a second. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { startFakeVault } from "../fake/vault.ts";
import { policyOf, startOpenbao, withoutOpenbao } from "../peer/openbao.ts";
import { startCluster } from "./cluster.ts";

interface Keeper {
  readonly addr: string;
  readonly token: string;
  rotate(): Promise<unknown>;
}

async function aFake(t: TestContext): Promise<Keeper> {
  const vault = await startFakeVault();
  t.after(() => vault.close());
  return { addr: vault.url, token: vault.issue(), rotate: async () => vault.keys.get("dex")?.rotate() };
}

async function anOpenbao(t: TestContext): Promise<Keeper> {
  const bao = await startOpenbao();
  t.after(() => bao.stop());
  await bao.must("POST", "transit/keys/dex", { body: { type: "ecdsa-p256" } });
  await bao.must("POST", "sys/policies/acl/dex", { body: { policy: policyOf("dex") } });
  const rotate = () => bao.must("POST", "transit/keys/dex/rotate");
  return { addr: bao.url, token: await bao.issue("dex"), rotate };
}

for (const [name, start, skip] of [
  ["a stand-in", aFake, false],
  ["a real OpenBao", anOpenbao, withoutOpenbao],
] as const) {
  test(`three rotations in ${name}`, { skip, timeout: 120_000 }, async (t) => {
    const { addr, token, rotate } = await start(t);
    const folder = mkdtempSync(join(tmpdir(), "dex-vault-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const cluster = await startCluster(2, {
      storage: { type: "sqlite3", config: { file: join(folder, "dex.db") } },
      signer: { type: "vault", config: { addr, token, keyName: "dex" } },
    });
    t.after(() => cluster.stop());
    const shown = (): Promise<readonly number[]> =>
      Promise.all(
        cluster.replicas.map(async ({ port }) => {
          const answer = await fetch(`http://127.0.0.1:${port}/dex/keys`);
          return JSON.parse(await answer.text()).keys.length;
        }),
      );
    for (const count of [1, 2, 3]) {
      assert.deepEqual(await shown(), [count, count]);
      await rotate();
      await wait(1_000);
    }
    assert.deepEqual(await shown(), [4, 4]);
  });
}
