import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { aFolder, copyOfFixture, sqliteFixtures, withoutFixtures } from "../../../test/compat/fixtures.ts";
import { makers } from "../conformance/makers.ts";
import { quietDeps } from "../conformance/quiet-deps.ts";
import { openSqlite } from "./sqlite.ts";
import { dexIndexes, dexSchema } from "./testing/dex-schema.ts";
import { contentOf, inDatabase, indexesOf, tableNames, tablesOf } from "./testing/inspect-database.ts";
import { startStorageChild } from "./testing/storage-child.ts";

/** Opens, migrates and closes; resolves to what was logged. */
async function openOnce(file: string): Promise<readonly string[]> {
  const log: string[] = [];
  const storage = await openSqlite(file, quietDeps({ write: (line) => log.push(line.trimEnd()) }));
  await storage.close();
  return log;
}

const stepsIn = (file: string): readonly unknown[] =>
  inDatabase(file, (database) =>
    database
      .prepare("select num from migrations order by rowid")
      .all()
      .map(({ num }) => num),
  );

const allSteps = Array.from({ length: 23 }, (_, index) => index + 1);

function assertMigrated(file: string): void {
  assert.deepEqual(tablesOf(file), dexSchema);
  assert.deepEqual(indexesOf(file), dexIndexes);
  assert.deepEqual(stepsIn(file), allSteps);
  assert.equal(
    inDatabase(file, (database) => database.prepare("pragma integrity_check").get()?.integrity_check),
    "ok",
  );
}

test("an empty file gets Dex's last schema, and steps dated as Dex dates them", async (t) => {
  const file = join(aFolder(t), "dex.db");
  assert.match((await openOnce(file)).join(), /applied database migrations.*from=0 to=23/);
  assertMigrated(file);
  const dates = inDatabase(file, (database) => database.prepare("select distinct at from migrations").all());
  assert.equal(dates.length, 1);
  assert.match(String(dates[0]?.at), /^\d{4}-\d\d-\d\d$/);
});

test("that schema is the one Dex made", { skip: withoutFixtures }, (t) => {
  const file = copyOfFixture(t, "master");
  assert.deepEqual(tablesOf(file), dexSchema);
  assert.deepEqual(indexesOf(file), dexIndexes);
  assert.deepEqual(stepsIn(file), allSteps);
});

describe("a database of an older Dex", { skip: withoutFixtures }, () => {
  const countsIn = (file: string): Readonly<Record<string, unknown>> =>
    inDatabase(file, (database) =>
      Object.fromEntries(
        tableNames(database)
          // Its own steps drop all sessions when their key changes, and number themselves.
          .filter((name) => !["auth_session", "migrations"].includes(name) && !name.startsWith("dexts_"))
          .map((name) => [name, database.prepare(`select count(*) as rows from "${name}"`).get()?.rows]),
      ),
    );

  for (const version of sqliteFixtures) {
    test(`${version} comes to the last schema without losing a row`, async (t) => {
      const file = copyOfFixture(t, version);
      const before = countsIn(file);
      await openOnce(file);
      assertMigrated(file);
      const after = countsIn(file);
      for (const [table, rows] of Object.entries(before)) assert.equal(after[table], rows, table);
    });

    test(`${version}: opened again, nothing changes`, async (t) => {
      const file = copyOfFixture(t, version);
      await openOnce(file);
      const before = contentOf(file);
      assert.deepEqual(await openOnce(file), []);
      assert.deepEqual(contentOf(file), before);
    });

    test(`${version}: JSON is left as bytes, which is all that Dex reads`, async (t) => {
      const file = copyOfFixture(t, version);
      await openOnce(file);
      const found = inDatabase(file, (database) =>
        database.prepare(`select distinct typeof("groups") as type from password`).all(),
      );
      assert.deepEqual(
        found.map(({ type }) => type),
        ["blob"],
      );
    });
  }
});

test("a database of a newer Dex is opened, with a warning, and left as it is", async (t) => {
  const file = join(aFolder(t), "dex.db");
  await openOnce(file);
  inDatabase(file, (database) => database.exec("insert into migrations (num, at) values (99, '2030-01-01')"));
  const before = contentOf(file);
  const log = await openOnce(file);
  assert.equal(log.length, 1);
  assert.match(log[0] ?? "", /level=WARN msg="the database comes from a newer Dex" schema_version=99 known=23/);
  assert.deepEqual(contentOf(file), before);
});

describe("several processes that start at once", () => {
  test("on one empty file all succeed, and one of them migrates", async (t) => {
    for (let round = 1; round <= 3; round++) {
      const file = join(aFolder(t), "dex.db");
      const children = [1, 2, 3].map(() => startStorageChild("open", file));
      for (const child of children)
        assert.deepEqual(await child.finished, { code: 0, signal: null }, child.complaint());
      const said = children.flatMap(({ lines }) => lines);
      assert.equal(said.filter((line) => line.includes("applied database migrations")).length, 1);
      assert.equal(said.filter((line) => line === "opened").length, 3);
      assertMigrated(file);
    }
  });

  test("one that is killed in its migration leaves nothing of it, and nobody waiting", async (t) => {
    const file = join(aFolder(t), "dex.db");
    const alone = startStorageChild("dieMigrating", file);
    assert.deepEqual(await alone.finished, { code: null, signal: "SIGKILL" }, alone.complaint());
    assert.deepEqual(inDatabase(file, tableNames), []);
    await openOnce(file);
    assertMigrated(file);
    for (let round = 1; round <= 3; round++) {
      const contested = join(aFolder(t), "dex.db");
      const dying = startStorageChild("dieMigrating", contested);
      const living = startStorageChild("open", contested);
      assert.deepEqual(await living.finished, { code: 0, signal: null }, living.complaint());
      await dying.finished;
      assertMigrated(contested);
    }
  });
});

test("a column that an earlier build of ours did not have is added, and its rows are read", async (t) => {
  const file = join(aFolder(t), "dex.db");
  await openOnce(file);
  inDatabase(file, (database) => {
    database.exec("alter table dexts_revoked_token drop column issued_before");
    database.exec("alter table dexts_login_attempt drop column who");
    database.exec("insert into dexts_revoked_token (id, expiry) values ('jti', '2030-01-01 00:00:00+00:00')");
  });
  const storage = await openSqlite(file, quietDeps());
  t.after(() => storage.close());
  assert.deepEqual(await storage.revokedTokens.get("jti"), { id: "jti", expiry: Date.UTC(2030, 0) });
  await storage.loginAttempts.create(makers.loginAttempts());
  assert.deepEqual(await storage.loginAttempts.list(), [makers.loginAttempts()]);
});
