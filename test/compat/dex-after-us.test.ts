/**
 * The way back: a real Dex, where DEX_BIN names one, starts on a database of Dex's that this server has used, and goes
 * on with what is Dex's in it.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { handClock } from "../fake/hand-clock.ts";
import { findProgram, freePort, peerFolder, startPeer } from "../peer/peer.ts";
import { startServerUnderTest } from "../spec/server-under-test.ts";
import type { Backend, RunningBackend } from "./backends.ts";
import { fixturesFolder, withoutFixtures } from "./fixtures.ts";
import { etcd } from "./load-etcd.ts";
import { kubeApiserver } from "./load-kubernetes.ts";

const dex = process.env.DEX_BIN ?? "";
const withoutDex = dex === "" || findProgram(dex) === undefined ? "optional: DEX_BIN names no Dex" : false;

const shape = z.object({
  env: z.record(z.string(), z.string()).optional(),
  clients: z.record(z.string(), z.object({ secret: z.string().optional() })),
  users: z.record(z.string(), z.object({ sub: z.string() })),
  keys: z.object({ signing: z.string() }),
  refresh: z.array(z.object({ user: z.string(), client: z.string(), current: z.string() })),
});
const answerShape = z.object({ id_token: z.string() });
const partOf = (jwt: string, part: 0 | 1): Readonly<Record<string, unknown>> =>
  JSON.parse(Buffer.from(jwt.split(".")[part] ?? "", "base64url").toString());

for (const backend of [etcd, kubeApiserver]) {
  describe(`a Dex after us on ${backend.name}`, { skip: withoutDex || withoutFixtures || backend.skip }, () =>
    tellWayBack(backend),
  );
}

function tellWayBack(backend: Backend): void {
  const version = "master";
  const folder = peerFolder("dex");
  let running: RunningBackend;
  before(async () => {
    running = await backend.start();
  });
  after(async () => {
    await running.stop();
    folder.remove();
  });

  test("signs with the same key and refreshes the tokens that are still its own", async () => {
    const secrets = shape.parse(
      JSON.parse(readFileSync(join(fixturesFolder, version, `secrets-${backend.name}.json`), "utf8")),
    );
    const file = z
      .record(z.string(), z.unknown())
      .parse(parse(readFileSync(join(fixturesFolder, version, "config.yaml"), "utf8")));
    const { grpc: _grpc, telemetry: _telemetry, ...kept } = file;
    const { storage } = await running.load(version);
    const port = await freePort();
    const config = { ...kept, storage, web: { http: `127.0.0.1:${port}` } };
    const env = { ...secrets.env, DEX_SESSIONS_ENABLED: "false" };
    const refresh = (at: number, { client, current }: (typeof secrets.refresh)[number]): Promise<Response> => {
      const secret = secrets.clients[client]?.secret;
      const body = new URLSearchParams({ grant_type: "refresh_token", refresh_token: current, client_id: client });
      if (secret !== undefined) body.set("client_secret", secret);
      return fetch(`http://127.0.0.1:${at}/dex/token`, { method: "POST", body });
    };
    const [first, ...others] = secrets.refresh;
    assert.ok(first !== undefined && others.length >= 3);

    const server = await startServerUnderTest(
      { ...config, web: { http: "127.0.0.1:0" } },
      { env, clock: handClock(Date.now()) },
    );
    assert.equal((await refresh(server.port, first)).status, 200);
    await server.close();

    const configFile = join(folder.path, `${backend.name}.yaml`);
    writeFileSync(configFile, stringify(config));
    const logFile = join(folder.path, `${backend.name}.log`);
    const command = { command: dex, args: ["serve", configFile], env, logFile };
    const peer = await startPeer(command, async () => (await fetch(`http://127.0.0.1:${port}/dex/keys`)).ok);
    try {
      for (const token of others) {
        const answer = await refresh(port, token);
        const text = await answer.text();
        assert.equal(answer.status, 200, `${token.user} at ${token.client}: ${text}`);
        const { id_token: jwt } = answerShape.parse(JSON.parse(text));
        assert.equal(partOf(jwt, 1).sub, secrets.users[token.user]?.sub);
        assert.equal(partOf(jwt, 0).kid, secrets.keys.signing);
      }
    } finally {
      await peer.stop();
    }
  });
}
