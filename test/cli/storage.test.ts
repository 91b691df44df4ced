import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, type TestContext, test } from "node:test";
import { stringify } from "yaml";
import { aFolder, copyOfFixture, withoutFixtures } from "../compat/fixtures.ts";
import type { DatabaseServer } from "../peer/database-server.ts";
import { mariadbPrograms, startMariadb } from "../peer/mariadb.ts";
import { startMysql, withoutMysql } from "../peer/mysql.ts";
import { missing } from "../peer/peer.ts";
import { type PostgresPeer, postgresPrograms, startPostgres } from "../peer/postgres.ts";
import { dex, startDex } from "./run-dex.ts";

function configFile(t: TestContext, storage: object): string {
  const file = join(aFolder(t), "config.yaml");
  writeFileSync(file, stringify({ issuer: "http://127.0.0.1/dex", web: { http: "127.0.0.1:0" }, storage }));
  return file;
}

const sqlite = (t: TestContext, file: string): string => configFile(t, { type: "sqlite3", config: { file } });

describe("dex storage check", { skip: withoutFixtures }, () => {
  test("says the schema, the counts and what would be migrated, and changes nothing", async (t) => {
    const file = copyOfFixture(t, "v2.35.3");
    const before = readFileSync(file);
    const { code, stdout } = await dex(["storage", "check", sqlite(t, file)]);
    assert.equal(code, 0);
    assert.match(stdout, /^storage {2}sqlite3\nschema {3}11 of 23\n/);
    assert.match(stdout, / [1-9]\d* {2}refreshTokens\n/);
    assert.match(stdout, /step 12:\n {4}alter table password add column preferred_username/);
    assert.deepEqual(readFileSync(file), before);
    const newest = await dex(["storage", "check", sqlite(t, copyOfFixture(t, "master"))]);
    assert.match(newest.stdout, /schema {3}23 of 23\n/);
  });
});

test("dex storage refuses what it cannot do", async (t) => {
  const memory = configFile(t, { type: "memory" });
  const absent = join(aFolder(t), "none.db");
  for (const [args, told] of [
    [["storage"], /^usage: dex storage check CONFIG\n/],
    [["storage", "copy", "--from", memory], /^usage: /],
    [["storage", "check", memory], /^storage\.type memory: /],
    [["storage", "copy", "--from", memory, "--to", memory], /^storage\.type memory: /],
    [["storage", "check", sqlite(t, absent)], /unable to open database file/],
  ] as const) {
    const { code, stderr } = await dex(args);
    assert.notEqual(code, 0);
    assert.match(stderr, told);
  }
  assert.ok(!existsSync(absent));
});

test("a copy that was killed is started again and goes on; it shows how far it is", {
  skip: withoutFixtures,
}, async (t) => {
  const count = 20_000;
  const [from, to] = [join(aFolder(t), "from.db"), join(aFolder(t), "to.db")];
  const args = ["storage", "copy", "--from", sqlite(t, from), "--to", sqlite(t, to)];
  // Its tables come with the first copy into it.
  await dex(["storage", "copy", "--from", sqlite(t, copyOfFixture(t, "master")), "--to", sqlite(t, from)]);
  const source = new DatabaseSync(from);
  source.exec(
    "insert into dexts_revoked_token (id, expiry) with recursive n(i) as " +
      `(select 1 union all select i + 1 from n where i < ${count}) select 'r' || i, '2040-01-01 00:00:00+00:00' from n`,
  );
  source.close();
  const first = startDex(args);
  await first.until(/\[#*\.*\] \d+\/20000 revokedTokens/);
  first.process.kill("SIGKILL");
  await first.finished;
  const copied = (): number =>
    Number(
      new DatabaseSync(to, { readOnly: true }).prepare("select count(*) as rows from dexts_revoked_token").get()?.rows,
    );
  const before = copied();
  assert.ok(before > 0 && before < count, String(before));
  const { code, stdout, stderr } = await dex(args);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /\[#{24}\] 20000\/20000 revokedTokens/);
  const told = new RegExp(` ${count - before} +${before} +0 {2}revokedTokens\n`);
  assert.match(stdout, told);
  assert.equal(copied(), count);
});

const tokensIn = (file: string): unknown =>
  new DatabaseSync(file, { readOnly: true })
    .prepare("select id, token, claims_user_id, scopes from refresh_token order by id")
    .all();

describe("dex storage copy", { skip: withoutFixtures || missing({ ...postgresPrograms, ...mariadbPrograms }) }, () => {
  let postgres: PostgresPeer;
  let mariadb: DatabaseServer;
  before(async () => {
    [postgres, mariadb] = await Promise.all([startPostgres(), startMariadb()]);
  });
  after(async () => {
    await postgres.stop();
    await mariadb.stop();
  });

  test("carries a database from SQLite to PostgreSQL to MariaDB and back, and a second run finds it done", async (t) => {
    const first = copyOfFixture(t, "master-sessions");
    const last = join(aFolder(t), "last.db");
    const configs = [
      sqlite(t, first),
      configFile(t, { type: "postgres", config: postgres.config(await postgres.createDatabase()) }),
      configFile(t, { type: "mysql", config: mariadb.config(await mariadb.createDatabase()) }),
      sqlite(t, last),
    ];
    for (const [index, to] of configs.slice(1).entries()) {
      const from = configs[index] ?? "";
      const { code, stdout, stderr } = await dex(["storage", "copy", "--from", from, "--to", to]);
      assert.equal(code, 0, stderr);
      assert.match(stdout, / [1-9]\d* {9}0 {9}0 {2}refreshTokens\n/);
    }
    const again = await dex(["storage", "copy", "--from", configs[2] ?? "", "--to", configs[3] ?? ""]);
    assert.equal(again.code, 0);
    assert.match(again.stdout, / {8}0 +[1-9]\d* {9}0 {2}refreshTokens\n/);
    assert.deepEqual(tokensIn(last), tokensIn(first));
  });

  test("and to MySQL and back", { skip: withoutMysql }, async (t) => {
    const mysql = await startMysql();
    t.after(() => mysql.stop());
    const first = copyOfFixture(t, "master-sessions");
    const last = join(aFolder(t), "last.db");
    const there = configFile(t, { type: "mysql", config: mysql.config(await mysql.createDatabase()) });
    for (const [from, to] of [
      [sqlite(t, first), there],
      [there, sqlite(t, last)],
    ] as const) {
      const { code, stdout, stderr } = await dex(["storage", "copy", "--from", from, "--to", to]);
      assert.equal(code, 0, stderr);
      assert.match(stdout, / [1-9]\d* {9}0 {9}0 {2}refreshTokens\n/);
    }
    const checked = await dex(["storage", "check", there]);
    assert.match(checked.stdout, /^storage {2}mysql\nschema {3}24 of 24\n/);
    assert.match(checked.stdout, / [1-9]\d* {2}refreshTokens\n/);
    assert.deepEqual(tokensIn(last), tokensIn(first));
  });

  test("what differs in the target is left alone and told", async (t) => {
    const [from, to] = [copyOfFixture(t, "master"), copyOfFixture(t, "master")];
    const target = new DatabaseSync(to);
    target.exec("update client set name = 'Another' where id = 'dyn-web'");
    target.close();
    const { code, stdout, stderr } = await dex(["storage", "copy", "--from", sqlite(t, from), "--to", sqlite(t, to)]);
    assert.notEqual(code, 0);
    assert.match(stdout, / 1 {2}clients\n/);
    assert.match(stderr, /1 records in the target differ from the source/);
    const found = new DatabaseSync(to).prepare("select name from client where id = 'dyn-web'").get();
    assert.equal(found?.name, "Another");
  });
});
