/**
 * Every write of the API, as those see it that did not hear it: a second process on the same database, the other threads
 * of one process. One is told, the others are asked right before the write and one second after its answer.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { loadServices } from "../../src/admin/services.ts";
import { type AdminClient, openAdminClient } from "../../src/server/admin-client.ts";
import { allFlags } from "../admin/stage.ts";
import { missing } from "../peer/peer.ts";
import { type PostgresPeer, postgresPrograms, startPostgres } from "../peer/postgres.ts";
import { totp } from "../spec/mfa.ts";
import { appClient, issuer, mockConnector } from "../spec/server-under-test.ts";
import { UserAgent } from "../spec/user-agent.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { clientScenes, connectorScenes, keyScenes, passwordScenes } from "./writes/objects.ts";
import { attempts, factorScenes, guarded, keyed, personScenes, sessionScenes, tokenScenes } from "./writes/people.ts";
import type { Scene, Stage } from "./writes/scene.ts";

const scenes = {
  ...clientScenes,
  ...connectorScenes,
  ...passwordScenes,
  ...personScenes,
  ...sessionScenes,
  ...tokenScenes,
  ...factorScenes,
  ...keyScenes,
};

const securityKey = {
  id: "key",
  type: "WebAuthn",
  config: { rpID: "localhost", rpOrigins: ["http://localhost:5556"] },
};

/** A configuration in which everything can be written and seen. */
const common = {
  enablePasswordDB: true,
  oauth2: { passwordConnector: "local" },
  staticClients: [
    appClient,
    { id: guarded.id, name: "Guarded", public: true, redirectURIs: [guarded.redirectUri], mfaChain: ["totp"] },
    { id: keyed.id, name: "Keyed", public: true, redirectURIs: [keyed.redirectUri], mfaChain: ["key"] },
  ],
  connectors: [mockConnector],
  mfa: { authenticators: [totp, securityKey] },
  lockout: { attempts, attemptsPerAddress: 10_000, firstLock: "10m" },
};

test("every method that writes has a scene", () => {
  const { dex, admin } = loadServices();
  const writing = [...Object.keys(dex), ...Object.keys(admin)].filter((name) => !/^(Get|List|Verify)/.test(name));
  const shown = new Set(Object.keys(scenes).map((name) => name.split(",")[0]));
  assert.deepEqual(
    writing.filter((name) => !shown.has(name)),
    [],
  );
  assert.ok(writing.length >= 24);
});

/** `looks`: how often the others are asked, each time over a new connection, so that each of them is asked. */
function playAll(start: () => Promise<Cluster>, looks: number): void {
  let cluster: Cluster;
  let api: AdminClient;
  const agents: UserAgent[] = [];
  before(async () => {
    cluster = await start();
    api = openAdminClient({ address: cluster.replicas[0]?.grpc ?? "", timeout: 20_000 });
  });
  after(async () => {
    api.close();
    for (const agent of agents) agent.close();
    await cluster.stop();
  });
  const stage: Stage = {
    get api() {
      return api;
    },
    newAgent() {
      const agent = new UserAgent({ issuer, port: cluster.replicas.at(-1)?.port ?? 0 });
      agents.push(agent);
      return agent;
    },
  };
  const sees = async ({ look }: Scene, expected: unknown): Promise<void> => {
    for (let count = 0; count < looks; count++) assert.deepEqual(await look(), expected);
  };
  for (const [name, set] of Object.entries(scenes)) {
    test(name, async () => {
      const scene = await set(stage);
      await sees(scene, scene.was);
      await scene.write();
      await wait(1_000);
      await sees(scene, scene.is);
    });
  }
}

describe("two processes on one SQLite file", { timeout: 240_000, concurrency: 4 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "dex-writes-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const storage = { type: "sqlite3", config: { file: join(folder, "dex.db") } };
  playAll(() => startCluster(2, { ...common, storage }, allFlags), 1);
});

describe("on one PostgreSQL", { skip: missing(postgresPrograms), timeout: 480_000 }, () => {
  let peer: PostgresPeer;
  before(async () => {
    peer = await startPostgres();
  });
  after(() => peer.stop());
  const storage = async () => ({ type: "postgres", config: peer.config(await peer.createDatabase()) });
  describe("two processes", { concurrency: 4 }, () => {
    playAll(async () => startCluster(2, { ...common, storage: await storage() }, allFlags), 1);
  });
  describe("two threads of one process", { concurrency: 4 }, () => {
    const web = { http: "127.0.0.1:0", workers: 2 };
    playAll(async () => startCluster(1, { ...common, web, storage: await storage() }, allFlags), 5);
  });
});
