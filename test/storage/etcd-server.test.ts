import { after, before, describe } from "node:test";
import { type EtcdPeer, etcdPrograms, startEtcd } from "../peer/etcd.ts";
import { missing } from "../peer/peer.ts";
import { tellServerStory } from "./server-story.ts";

describe("a server on etcd", { skip: missing(etcdPrograms) }, () => {
  let peer: EtcdPeer;
  before(async () => {
    peer = await startEtcd();
  });
  after(() => peer.stop());
  tellServerStory({
    config: () => ({ type: "etcd", config: { endpoints: [peer.endpoint], namespace: "dex/" } }),
    lose: () => peer.kill(),
    restore: () => peer.start(),
  });
});
