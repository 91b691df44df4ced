import { after, before, describe } from "node:test";
import { type EtcdPeer, etcdPrograms, startEtcd } from "../../../test/peer/etcd.ts";
import { missing } from "../../../test/peer/peer.ts";
import { runStorageConformance } from "../conformance/conformance.ts";
import { quietDeps } from "../sqlite/testing/quiet-deps.ts";
import { openEtcd } from "./etcd.ts";
import { etcdSettings } from "./testing/etcd-settings.ts";

describe("etcd", { skip: missing(etcdPrograms) }, () => {
  let peer: EtcdPeer;
  before(async () => {
    peer = await startEtcd();
  });
  after(() => peer.stop());
  runStorageConformance("etcd", () => openEtcd(etcdSettings([peer.endpoint], { namespace: "dex/" }), quietDeps()));
});
