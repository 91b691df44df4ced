import { after, before, describe } from "node:test";
import { makeTestTls, tlsPrograms } from "../../../test/fake/certificates.ts";
import { type EtcdPeer, enableUsers, etcdPrograms, startEtcd } from "../../../test/peer/etcd.ts";
import { missing } from "../../../test/peer/peer.ts";
import { Secret } from "../../kernel/secret.ts";
import { runStorageConformance } from "../conformance/conformance.ts";
import { quietDeps } from "../conformance/quiet-deps.ts";
import { openEtcd } from "./etcd.ts";
import { etcdSettings } from "./testing/etcd-settings.ts";

describe("etcd", { skip: missing(etcdPrograms) }, () => {
  let peer: EtcdPeer;
  before(async () => {
    peer = await startEtcd();
  });
  after(() => peer.stop());
  runStorageConformance("etcd", () => openEtcd(etcdSettings([peer.endpoint]), quietDeps()));
});

describe("etcd with users and client certificates", { skip: missing({ ...etcdPrograms, ...tlsPrograms }) }, () => {
  let peer: EtcdPeer;
  const tls = makeTestTls();
  before(async () => {
    peer = await startEtcd({ tls });
    await enableUsers(peer, { name: "keeper", password: "s3cret", prefix: "dex/" });
  });
  after(async () => {
    await peer.stop();
    tls.remove();
  });
  runStorageConformance("etcd over TLS, as a user who may use one namespace", () => {
    const ssl = { serverName: "", caFile: tls.caFile, certFile: tls.clientCertFile, keyFile: tls.clientKeyFile };
    const user = { username: "keeper", password: new Secret("s3cret"), namespace: "dex/" };
    return openEtcd(etcdSettings([peer.endpoint], { ssl, ...user }), quietDeps());
  });
});
