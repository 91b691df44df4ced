/** Three processes on one database: what only one of them may do, and what all must agree on. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from "jose";
import { startMysql, withoutMysql } from "../peer/mysql.ts";
import { missing } from "../peer/peer.ts";
import { postgresPrograms, startPostgres } from "../peer/postgres.ts";
import { beginFamily, type Cluster, redeemAt, refreshAt, startCluster } from "./cluster.ts";

/** Seconds of key rotation; longer by hand: `CLUSTER_SECONDS=120`. */
const rotationSeconds = Number(process.env.CLUSTER_SECONDS ?? 14);

interface Database {
  config(database: string): object;
  createDatabase(): Promise<string>;
  query(database: string, sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  stop(): Promise<void>;
}

for (const { name, type, skip, start } of [
  {
    name: "PostgreSQL",
    type: "postgres",
    skip: missing(postgresPrograms),
    start: (): Promise<Database> => startPostgres(),
  },
  { name: "MySQL", type: "mysql", skip: withoutMysql, start: (): Promise<Database> => startMysql() },
])
  describe(`three processes on one ${name}`, { skip }, () => testReplicas(type, start));

function testReplicas(type: string, startDatabase: () => Promise<Database>): void {
  let peer: Database;
  let cluster: Cluster;
  const portOf = (number: number): number => cluster.replicas[number % cluster.replicas.length]?.port ?? 0;
  const rowsOf = async (table: string): Promise<number> => {
    const [row] = await peer.query("dex1", `select count(*) as seen from ${table}`);
    return Number(row?.seen);
  };

  before(async () => {
    peer = await startDatabase();
    cluster = await startCluster(3, {
      storage: { type, config: peer.config(await peer.createDatabase()) },
      signer: { type: "local", config: { keysRotationPeriod: "5s" } },
      expiry: { idTokens: "1m", refreshTokens: { reuseInterval: "30s" } },
    });
  });
  after(async () => {
    await cluster.stop();
    await peer.stop();
  });

  test("of 50 redemptions of one code one succeeds, and the others are refused", async () => {
    for (let round = 0; round < 3; round++) {
      const code = await cluster.login();
      const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => redeemAt(portOf(index), code)));
      const statuses = answers.map(({ status }) => status).sort();
      assert.deepEqual(statuses, [200, ...Array.from({ length: 49 }, () => 400)]);
    }
  });

  test("50 refreshes of one token are one rotation: every answer is the same token, and the family goes on", async () => {
    const token = await beginFamily(cluster);
    const families = await rowsOf("refresh_token");
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => refreshAt(portOf(index), token)));
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    const next = new Set(answers.map(({ refreshToken }) => refreshToken));
    assert.equal(next.size, 1);
    assert.equal(await rowsOf("refresh_token"), families);
    assert.equal((await refreshAt(portOf(1), [...next][0] ?? "")).status, 200);
  });

  test("keys rotate every five seconds, and no token of any process is ever unknown to another's keys", async () => {
    const seen = new Set<string>();
    const until = performance.now() + rotationSeconds * 1000;
    let token = await beginFamily(cluster);
    let verified = 0;
    // As a client does it: fetched, and kept for as long as the answer allows.
    const kept = new Map<number, { readonly keys: JSONWebKeySet; readonly until: number }>();
    const keysOf = async (port: number): Promise<JSONWebKeySet> => {
      const known = kept.get(port);
      if (known !== undefined && performance.now() < known.until) return known.keys;
      const answer = await fetch(`http://127.0.0.1:${port}/dex/keys`);
      const age = Number(/max-age=(\d+)/.exec(answer.headers.get("cache-control") ?? "")?.[1] ?? 0);
      const keys: JSONWebKeySet = JSON.parse(await answer.text());
      kept.set(port, { keys, until: performance.now() + age * 1000 });
      return keys;
    };
    for (let round = 0; performance.now() < until; round++) {
      const answer = await refreshAt(portOf(round), token);
      assert.equal(answer.status, 200);
      token = answer.refreshToken;
      const keys = createLocalJWKSet(await keysOf(portOf(round + 1 + (round % 2))));
      await jwtVerify(answer.idToken, keys);
      seen.add(decodeProtectedHeader(answer.idToken).kid ?? "");
      verified++;
    }
    assert.ok(seen.size >= 2, `${seen.size} keys signed`);
    assert.ok(verified > 20, `${verified} tokens`);
  });
}
