import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { createConnection } from "mysql2/promise";
import type { DatabaseServer } from "../../../test/peer/database-server.ts";
import { mariadbPrograms, startMariadb } from "../../../test/peer/mariadb.ts";
import { startMysql, withoutMysql } from "../../../test/peer/mysql.ts";
import { missing } from "../../../test/peer/peer.ts";
import { Secret } from "../../kernel/secret.ts";
import { runStorageConformance } from "../conformance/conformance.ts";
import { quietDeps } from "../conformance/quiet-deps.ts";
import type { Storage } from "../contract.ts";
import { runServerSuite, runTlsSuite } from "../shared/sql/testing/server-suite.ts";
import { mysql, openMysql } from "./mysql.ts";

const settings = (config: { readonly password: string }) =>
  mysql.config.parse({ ...config, password: new Secret(config.password) });

const servers = [
  { name: "MariaDB", skip: missing(mariadbPrograms), start: startMariadb },
  { name: "MySQL", skip: withoutMysql, start: startMysql },
];

/** A table of the numbers from 1 to `count` in their common SQL, as `seq`. */
const numbers = (count: number): string => {
  const digit =
    "(select 0 as d union select 1 union select 2 union select 3 union select 4 union select 5 union select 6 union select 7 union select 8 union select 9)";
  const places = [0, 1, 2, 3, 4].map((place) => `${digit} p${place}`);
  const seq = [0, 1, 2, 3, 4].map((place) => `p${place}.d * ${10 ** place}`).join(" + ");
  return `(select ${seq} + 1 as seq from ${places.join(", ")} having seq <= ${count}) numbers`;
};

for (const { name, skip, start } of servers) describe(name, { skip }, () => testServer(start));

function testServer(startPeer: () => Promise<DatabaseServer>): void {
  let peer: DatabaseServer;
  before(async () => {
    peer = await startPeer();
  });
  after(() => peer.stop());

  const open = (database: string, change: object = {}): Promise<Storage> =>
    openMysql(settings({ ...peer.config(database), ...change }), quietDeps());
  const connect = (database: string) => createConnection({ socketPath: peer.socket, user: "root", database });
  runServerSuite(() => ({
    ...peer,
    open,
    steps: 24,
    async hold(database, id, seconds) {
      const stranger = await connect(database);
      await stranger.query("begin");
      await stranger.query(`select id from refresh_token where id = '${id}' for update`);
      await wait(seconds * 1_000);
      stranger.destroy();
    },
    fill: (count, end) =>
      `insert into dexts_revoked_token (id, expiry) select concat('g', seq), '${end}' from ${numbers(count)}`,
  }));

  test("a deadlock that the server ends at our cost: what it took back is done again", async () => {
    const database = await peer.createDatabase();
    const storage = await open(database);
    for (const id of ["a1", "a2"]) await storage.revokedTokens.create({ id, expiry: Date.UTC(2026, 0) });
    const stranger = await connect(database);
    try {
      // Who has written more is spared: that is the other one.
      await stranger.query("begin");
      await stranger.query(
        `insert into dexts_revoked_token (id, expiry) select concat('z', seq), '2040-01-01' from ${numbers(200)}`,
      );
      await stranger.query("update dexts_revoked_token set expiry = '2026-01-02' where id = 'a2'");
      const collecting = storage.collectGarbage(Date.UTC(2031, 0), 500);
      await wait(500);
      await stranger.query("update dexts_revoked_token set expiry = '2026-01-02' where id = 'a1'");
      await stranger.query("commit");
      assert.equal((await collecting).deleted.revokedTokens, 2);
      const [deadlocks] = await peer.query(
        database,
        "select `count` as seen from information_schema.innodb_metrics where name = 'lock_deadlocks'",
      );
      assert.ok(Number(deadlocks?.seen) >= 1);
    } finally {
      stranger.destroy();
      await storage.close();
    }
  });

  test("a password that the server has not seen since it forgot all, without TLS and with it", async () => {
    for (const mode of ["false", "skip-verify"]) {
      await peer.query("mysql", "flush privileges");
      const storage = await open(await peer.createDatabase(), { ssl: { mode } });
      await storage.ping(AbortSignal.timeout(5_000));
      await storage.close();
    }
  });

  const tls = (mode: string, files: object = {}) => ({ ssl: { mode, ...files } });
  runTlsSuite(
    [
      { name: "by its Unix socket, whatever the mode", change: () => ({ host: peer.socket, ...tls("true") }) },
      { name: "with host:port", change: () => ({ host: `127.0.0.1:${peer.port}`, port: 1 }) },
      ...["skip-verify", "preferred"].map((mode) => ({ name: mode, change: () => tls(mode) })),
      { name: "true without the authority", change: () => tls("true"), refused: /certificate/ },
      { name: "custom", change: () => ({ host: "localhost", ...tls("custom", { caFile: peer.tls.caFile }) }) },
      {
        name: "an authority, whatever the mode",
        change: () => ({ host: "localhost", ...tls("false", { caFile: peer.tls.clientCertFile }) }),
        refused: /certificate/,
      },
      {
        name: "a client certificate",
        change: () => ({
          host: "localhost",
          user: "tlsdex",
          ...tls("custom", {
            caFile: peer.tls.caFile,
            certFile: peer.tls.clientCertFile,
            keyFile: peer.tls.clientKeyFile,
          }),
        }),
      },
    ],
    async (change) => open(await peer.createDatabase(), change),
  );

  runStorageConformance("mysql", async () =>
    openMysql(settings(peer.config(await peer.createDatabase())), quietDeps()),
  );

  // ent brings its columns back to this length whenever Dex starts, so we leave them there.
  runStorageConformance(
    "mysql with ent's tables",
    async () => openMysql({ ...settings(peer.config(await peer.createDatabase())), ent: true }, quietDeps()),
    { longestText: 384, hasColludingPairs: true },
  );
}
