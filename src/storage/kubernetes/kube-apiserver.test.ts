/** Against the real API server, where there is one; what it taught us is in `test/fake/kube-api.ts`. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { parseAllDocuments } from "yaml";
import {
  type KubePeer,
  kubeTokens,
  startKubeApiserver,
  withoutKubeApiserver,
} from "../../../test/peer/kube-apiserver.ts";
import { runStorageConformance } from "../conformance/conformance.ts";
import { makers } from "../conformance/makers.ts";
import { quietDeps } from "../conformance/quiet-deps.ts";
import { openKubernetes } from "./kubernetes.ts";

describe("kube-apiserver", { skip: withoutKubeApiserver }, () => {
  let peer: KubePeer;
  before(async () => {
    peer = await startKubeApiserver();
  });
  after(() => peer.stop());
  const open = () =>
    openKubernetes({ inCluster: false, kubeConfigFile: peer.kubeconfig, crdHandling: "" }, quietDeps());
  runStorageConformance("kubernetes", open, { versionsConnectors: true });

  test("the role that is deployed is enough, and without it the start says what is missing", async () => {
    const file = join(import.meta.dirname, "../../../deploy/kubernetes/role.yaml");
    const [role] = parseAllDocuments(readFileSync(file, "utf8")).map((document) => document.toJS());
    const ofDex = { inCluster: false, kubeConfigFile: peer.kubeconfigOf(kubeTokens.dex), crdHandling: "check" };
    await assert.rejects(openKubernetes(ofDex, quietDeps()), /403 to GET \w+: .*cannot list resource/);
    const rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default";
    const metadata = { name: "dex", namespace: "default" };
    assert.equal((await peer.call("POST", `${rbac}/roles`, { ...role, metadata })).status, 201);
    const binding = {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "dex" },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "dex" }],
    };
    assert.equal((await peer.call("POST", `${rbac}/rolebindings`, binding)).status, 201);
    const storage = await untilAllowed(() => openKubernetes(ofDex, quietDeps()));
    await storage.refreshTokens.create(makers.refreshTokens({ id: "of-a-role" }));
    await storage.refreshTokens.update("of-a-role", (current) => ({ ...current, nonce: "x" }));
    assert.equal(await storage.refreshTokens.delete("of-a-role"), true);
    await storage.collectGarbage(1, 10);
    await storage.close();
  });
});

/** The server learns of a role after a moment. */
async function untilAllowed<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
