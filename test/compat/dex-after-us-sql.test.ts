/** A real Dex starts on a database after us, and refreshes a token that it wrote before we came. `DEX_BIN` names its program. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { handClock } from "../fake/hand-clock.ts";
import { freePort } from "../peer/peer.ts";
import { startServerUnderTest } from "../spec/server-under-test.ts";
import { backends } from "./backends.ts";
import { fixturesFolder, withoutFixtures } from "./fixtures.ts";

const dexBin = process.env.DEX_BIN ?? "";

const secretsShape = z.object({
  env: z.record(z.string(), z.string()).optional(),
  clients: z.record(z.string(), z.object({ secret: z.string().optional() })),
  users: z.record(z.string(), z.object({ sub: z.string() })),
  refresh: z.array(z.object({ user: z.string(), client: z.string(), current: z.string() })),
});

/** With sessions off a refresh on SQLite never returns from a Dex of today: its own database with sessions on. */
const withoutSessions = { version: "master", sessions: "false" };
const withSessions = { version: "master-sessions", sessions: "true" };

for (const [backend, { version, sessions }] of [
  [backends.postgres, withoutSessions],
  [backends.mysql, withoutSessions],
  [backends["ent-postgres"], withoutSessions],
  [backends.sqlite3, withSessions],
] as const) {
  const skip = withoutFixtures || backend.skip || (dexBin === "" && "optional: DEX_BIN names no Dex");
  describe(`Dex on ${backend.name} after us`, { skip }, () => {
    test("starts, and its own refresh tokens work", async () => {
      const running = await backend.start();
      const folder = mkdtempSync(join(tmpdir(), "dex-after-"));
      try {
        const place = await running.load(version);
        const read = (name: string): string => readFileSync(join(fixturesFolder, version, name), "utf8");
        const secrets = secretsShape.parse(JSON.parse(read(`secrets-${backend.name}.json`)));
        const env = { ...secrets.env, DEX_SESSIONS_ENABLED: sessions };
        const { grpc: _grpc, ...kept } = z.record(z.string(), z.unknown()).parse(parse(read("config.yaml")));
        // We migrate, make our own tables and secrets, rotate one token of kilgore's, and go.
        const [ours, theirs] = [secrets.refresh[0], secrets.refresh.at(-1)];
        assert.ok(ours !== undefined && theirs !== undefined && ours.current !== theirs.current);
        const refresh = (port: number, { client, current }: { readonly client: string; readonly current: string }) =>
          fetch(`http://127.0.0.1:${port}/dex/token`, {
            method: "POST",
            body: new URLSearchParams({
              grant_type: "refresh_token",
              refresh_token: current,
              client_id: client,
              client_secret: secrets.clients[client]?.secret ?? "",
            }),
          });
        const server = await startServerUnderTest(
          { ...kept, storage: place.storage, web: { http: "127.0.0.1:0" } },
          { env, clock: handClock(Date.now()) },
        );
        assert.equal((await refresh(server.port, ours)).status, 200);
        await server.close();

        const port = await freePort();
        const file = join(folder, "config.yaml");
        writeFileSync(file, stringify({ ...kept, storage: place.storage, web: { http: `127.0.0.1:${port}` } }));
        const dex = spawn(dexBin, ["serve", file], {
          env: { ...process.env, ...env },
          stdio: ["ignore", "ignore", "pipe"],
        });
        let said = "";
        dex.stderr.setEncoding("utf8").on("data", (text: string) => {
          said += text;
        });
        const ended = new Promise((resolve) => dex.once("exit", resolve));
        try {
          let answer: Response | undefined;
          for (let tries = 0; tries < 100 && answer === undefined; tries++) {
            assert.equal(dex.exitCode, null, said);
            answer = await refresh(port, theirs).catch(() => undefined);
            if (answer === undefined) await wait(100);
          }
          assert.equal(answer?.status, 200, said);
          const { id_token: token } = z.object({ id_token: z.string() }).parse(await answer?.json());
          const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"));
          assert.equal(claims.sub, secrets.users[theirs.user]?.sub);
        } finally {
          dex.kill();
          await ended;
        }
        await place.remove();
      } finally {
        await running.stop();
        rmSync(folder, { recursive: true, force: true });
      }
    });
  });
}
