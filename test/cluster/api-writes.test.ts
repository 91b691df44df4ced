/**
 * Every write of the API, as those see it that did not hear it: a second process on the same database, the other threads
 * of one process. One is told, the others are asked right before the write and one second after its answer.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { loadServices } from "../../src/admin/services.ts";
import { type FakeKube, startFakeKube } from "../fake/kube-api.ts";
import type { DatabaseServer } from "../peer/database-server.ts";
import { type EtcdPeer, etcdPrograms, startEtcd } from "../peer/etcd.ts";
import { kubeconfigText } from "../peer/kube-apiserver.ts";
import { mariadbPrograms, startMariadb } from "../peer/mariadb.ts";
import { missing } from "../peer/peer.ts";
import { type PostgresPeer, postgresPrograms, startPostgres } from "../peer/postgres.ts";
import { allScenes, playScenes } from "./writes/play.ts";

test("every method that writes has a scene", () => {
  const { dex, admin } = loadServices();
  const writing = [...Object.keys(dex), ...Object.keys(admin)].filter((name) => !/^(Get|List|Verify)/.test(name));
  const shown = new Set(Object.keys(allScenes).map((name) => name.split(",")[0]));
  assert.deepEqual(
    writing.filter((name) => !shown.has(name)),
    [],
  );
  assert.ok(writing.length >= 24);
});

const options = { timeout: 300_000, concurrency: 4 };
const twoProcesses = { processes: 2, looks: 1 };
const folder = mkdtempSync(join(tmpdir(), "dex-writes-"));
after(() => rmSync(folder, { recursive: true, force: true }));

describe("two processes on one SQLite file", options, () => {
  const storage = { type: "sqlite3", config: { file: join(folder, "dex.db") } };
  playScenes(allScenes, { ...twoProcesses, file: async () => ({ storage }) });
});

describe("on one PostgreSQL", { skip: missing(postgresPrograms) }, () => {
  let peer: PostgresPeer;
  before(async () => {
    peer = await startPostgres();
  });
  after(() => peer.stop());
  const storage = async () => ({ type: "postgres", config: peer.config(await peer.createDatabase()) });
  describe("two processes", options, () => {
    playScenes(allScenes, { ...twoProcesses, file: async () => ({ storage: await storage() }) });
  });
  describe("two threads of one process", options, () => {
    const web = { http: "127.0.0.1:0", workers: 2 };
    playScenes(allScenes, { processes: 1, looks: 5, file: async () => ({ web, storage: await storage() }) });
  });
});

/** One of each way in which a replica learns of things: those that it reads, remembers for a second, looks at in the background. */
const { UpdateClient, UpdateConnector, UpdatePassword, SetBlockedUntil, RevokeRefreshToken, RotateKeys } = allScenes;
const some = { UpdateClient, UpdateConnector, UpdatePassword, SetBlockedUntil, RevokeRefreshToken, RotateKeys };

describe("two processes on one MariaDB", { ...options, skip: missing(mariadbPrograms) }, () => {
  let peer: DatabaseServer;
  before(async () => {
    peer = await startMariadb();
  });
  after(() => peer.stop());
  const storage = async () => ({ type: "mysql", config: peer.config(await peer.createDatabase()) });
  playScenes(some, { ...twoProcesses, file: async () => ({ storage: await storage() }) });
});

describe("two processes on one etcd", { ...options, skip: missing(etcdPrograms) }, () => {
  let peer: EtcdPeer;
  before(async () => {
    peer = await startEtcd();
  });
  after(() => peer.stop());
  const storage = () => ({ type: "etcd", config: { endpoints: [peer.endpoint] } });
  playScenes(some, { ...twoProcesses, file: async () => ({ storage: storage() }) });
});

describe("two processes on one Kubernetes API", options, () => {
  let kube: FakeKube;
  const kubeConfigFile = join(folder, "kubeconfig");
  before(async () => {
    kube = await startFakeKube();
    writeFileSync(kubeConfigFile, kubeconfigText(kube.url, "", { token: "admin" }));
  });
  after(() => kube.close());
  const storage = { type: "kubernetes", config: { kubeConfigFile } };
  playScenes(some, { ...twoProcesses, file: async () => ({ storage }) });
});
