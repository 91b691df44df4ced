import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import { type FakeKube, startFakeKube } from "../fake/kube-api.ts";
import { kubeconfigText } from "../peer/kube-apiserver.ts";
import { peerFolder } from "../peer/peer.ts";
import { tellServerStory } from "./server-story.ts";

describe("a server on Kubernetes", () => {
  const folder = peerFolder("kube");
  const kubeConfigFile = join(folder.path, "kubeconfig");
  let kube: FakeKube;
  before(async () => {
    kube = await startFakeKube();
    writeFileSync(kubeConfigFile, kubeconfigText(kube.url, "", { token: "admin" }));
  });
  after(async () => {
    await kube.close();
    folder.remove();
  });
  tellServerStory({
    config: () => ({ type: "kubernetes", config: { kubeConfigFile } }),
    lose: () => kube.lose(),
    restore: () => kube.restore(),
  });
});
