import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FakeKube, startFakeKube } from "../../../../test/fake/kube-api.ts";
import { kubeconfigText } from "../../../../test/peer/kube-apiserver.ts";
import type { KubernetesConfig } from "../credentials.ts";

export interface FakeClusterUnderTest {
  readonly kube: FakeKube;
  /** Settings of a user of that token; the default may do everything. */
  settings(token?: string, change?: Partial<KubernetesConfig>): KubernetesConfig;
  close(): Promise<void>;
}

/** A fake API server, and kubeconfig files for it. */
export async function fakeCluster(): Promise<FakeClusterUnderTest> {
  const kube = await startFakeKube();
  const folder = mkdtempSync(join(tmpdir(), "dex-kube-"));
  return {
    kube,
    settings(token = "admin", change = {}) {
      const kubeConfigFile = join(folder, `${token}.kubeconfig`);
      writeFileSync(kubeConfigFile, kubeconfigText(kube.url, "", { token }));
      return { inCluster: false, kubeConfigFile, crdHandling: "", ...change };
    },
    async close() {
      await kube.close();
      rmSync(folder, { recursive: true });
    },
  };
}
