/**
 * Dex's other set of tables in MySQL, for which no fixture exists: a real Dex, where DEX_BIN names one, writes them, we
 * go on, and Dex goes on after us.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { stringify } from "yaml";
import { handClock } from "../fake/hand-clock.ts";
import type { DatabaseServer } from "../peer/database-server.ts";
import { mariadbPrograms, startMariadb } from "../peer/mariadb.ts";
import { startMysql, withoutMysql } from "../peer/mysql.ts";
import { findProgram, freePort, missing, type Peer, peerFolder, startPeer } from "../peer/peer.ts";
import { askToken, refresh, refreshTokenOf, signIn, tokensOf } from "../spec/relying-party.ts";
import { appClient, issuer, mockConnector, startServerUnderTest } from "../spec/server-under-test.ts";
import { UserAgent } from "../spec/user-agent.ts";

const dex = process.env.DEX_BIN ?? "";
const withoutDex = dex === "" || findProgram(dex) === undefined ? "optional: DEX_BIN names no Dex" : false;

const env = { DEX_ENT_ENABLED: "true", DEX_SESSIONS_ENABLED: "false" };
const jane = { email: "jane@example.com", username: "Jané", userID: "jane-1" };
const password = "correct horse battery staple";
const passwordHash = "$2a$10$yFvKj6f1tLMqu3lcLTbzCua.8VnuhDMB6IrAkjrPgibEi3FhQWlsm";

const subOf = (idToken = ""): unknown =>
  JSON.parse(Buffer.from(idToken.split(".")[1] ?? "", "base64url").toString("utf8")).sub;
const keyOf = (idToken = ""): unknown =>
  JSON.parse(Buffer.from(idToken.split(".")[0] ?? "", "base64url").toString("utf8")).kid;

for (const { name, skip, start } of [
  { name: "MariaDB", skip: missing(mariadbPrograms), start: startMariadb },
  { name: "MySQL", skip: withoutMysql, start: startMysql },
])
  describe(`Dex's ent tables in ${name}`, { skip: skip || withoutDex }, () => testGoingBackAndForth(start));

function testGoingBackAndForth(startDatabase: () => Promise<DatabaseServer>): void {
  const folder = peerFolder("ent");
  let peer: DatabaseServer;
  let file: object;
  before(async () => {
    peer = await startDatabase();
    // Dex writes dates of the year 0, which a strict server refuses.
    await peer.query("mysql", "set global sql_mode = 'NO_ENGINE_SUBSTITUTION'");
    file = {
      issuer,
      storage: { type: "mysql", config: peer.config(await peer.createDatabase()) },
      oauth2: { skipApprovalScreen: true, passwordConnector: "local" },
      staticClients: [appClient],
      connectors: [mockConnector],
      enablePasswordDB: true,
      staticPasswords: [{ ...jane, hash: passwordHash }],
    };
  });
  after(async () => {
    await peer.stop();
    folder.remove();
  });

  async function withDex<T>(work: (agent: UserAgent) => Promise<T>): Promise<T> {
    const port = await freePort();
    const configFile = join(folder.path, "config.yaml");
    writeFileSync(configFile, stringify({ ...file, web: { http: `127.0.0.1:${port}` } }));
    const command = { command: dex, args: ["serve", configFile], env, logFile: join(folder.path, "log") };
    const isReady = async () => (await fetch(`http://127.0.0.1:${port}/dex/keys`)).ok;
    const server: Peer = await startPeer(command, isReady);
    const agent = new UserAgent({ issuer, port });
    try {
      return await work(agent);
    } finally {
      agent.close();
      await server.stop();
    }
  }

  test("what Dex wrote we refresh, and what is still Dex's it refreshes after us", async () => {
    // Dex refuses to keep an empty nonce in these tables.
    const scope = "openid email profile groups offline_access";
    const byPassword = (agent: UserAgent) =>
      askToken(agent, { grant_type: "password", username: jane.email, password, scope, nonce: "n" });
    const theirs = await withDex(async (agent) => ({
      kilgore: await signIn(agent, { connector_id: "mock", nonce: "n" }),
      jane: tokensOf(await byPassword(agent)),
    }));

    const server = await startServerUnderTest(
      { ...file, web: { http: "127.0.0.1:0" } },
      { env, clock: handClock(Date.now()) },
    );
    try {
      const agent = server.newAgent();
      const first = tokensOf(await refresh(agent, theirs.kilgore.refresh_token ?? ""));
      assert.equal(subOf(first.id_token), subOf(theirs.kilgore.id_token));
      assert.equal(keyOf(first.id_token), keyOf(theirs.kilgore.id_token));
      const second = await refresh(agent, first.refresh_token ?? "");
      assert.notEqual(refreshTokenOf(second), first.refresh_token);
    } finally {
      await server.close();
    }

    const last = await withDex(async (agent) => tokensOf(await refresh(agent, theirs.jane.refresh_token ?? "")));
    assert.equal(subOf(last.id_token), subOf(theirs.jane.id_token));
    assert.equal(keyOf(last.id_token), keyOf(theirs.jane.id_token));
  });
}
