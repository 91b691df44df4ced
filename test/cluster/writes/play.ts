import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { type AdminClient, openAdminClient } from "../../../src/server/admin-client.ts";
import { allFlags } from "../../admin/stage.ts";
import { totp } from "../../spec/mfa.ts";
import { appClient, issuer, mockConnector } from "../../spec/server-under-test.ts";
import { UserAgent } from "../../spec/user-agent.ts";
import { type Cluster, startCluster } from "../cluster.ts";
import { clientScenes, connectorScenes, keyScenes, passwordScenes } from "./objects.ts";
import { attempts, factorScenes, guarded, keyed, personScenes, sessionScenes, tokenScenes } from "./people.ts";
import type { Scene, Scenes, Stage } from "./scene.ts";

export const allScenes = {
  ...clientScenes,
  ...connectorScenes,
  ...passwordScenes,
  ...personScenes,
  ...sessionScenes,
  ...tokenScenes,
  ...factorScenes,
  ...keyScenes,
} satisfies Scenes;

const securityKey = {
  id: "key",
  type: "WebAuthn",
  config: { rpID: "localhost", rpOrigins: ["http://localhost:5556"] },
};

/** A configuration in which everything can be written and seen. */
const file = {
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

export interface Played {
  /** Sections of the configuration beside what everything needs. */
  readonly file: () => Promise<object>;
  readonly processes: number;
  /** How often the others are asked, each time over a new connection, so that each of them is asked. */
  readonly looks: number;
}

/** Plays `scenes`, a test for each, on a cluster of their own. */
export function playScenes(scenes: Scenes, { file: more, processes, looks }: Played): void {
  let cluster: Cluster;
  let api: AdminClient;
  const agents: UserAgent[] = [];
  before(async () => {
    cluster = await startCluster(processes, { ...file, ...(await more()) }, allFlags);
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
