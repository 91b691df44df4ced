/** Against the real API server, where there is one; what it taught us is in `test/fake/kube-api.ts`. */
import { after, before, describe } from "node:test";
import { type KubePeer, startKubeApiserver, withoutKubeApiserver } from "../../../test/peer/kube-apiserver.ts";
import { runStorageConformance } from "../conformance/conformance.ts";
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
});
