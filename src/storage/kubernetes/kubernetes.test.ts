import { after, before, describe } from "node:test";
import { runStorageConformance } from "../conformance/conformance.ts";
import { quietDeps } from "../conformance/quiet-deps.ts";
import { openKubernetes } from "./kubernetes.ts";
import { type FakeClusterUnderTest, fakeCluster } from "./testing/fake-cluster.ts";

describe("kubernetes", () => {
  let cluster: FakeClusterUnderTest;
  before(async () => {
    cluster = await fakeCluster();
  });
  after(() => cluster.close());
  runStorageConformance("kubernetes", () => openKubernetes(cluster.settings(), quietDeps()), {
    versionsConnectors: true,
  });
});
