/**
 * Databases that real Dex versions wrote: one folder per version, with the configuration it ran under, the whole
 * database, and what the tests must know of it (`secrets-*.json`). They are not part of the repository: `DEX_FIXTURES`
 * names their folder, or they lie in `shared/fixtures` beside it. Where they are missing, what needs them is skipped.
 */
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { TestContext } from "node:test";

export const fixturesFolder = resolve(
  process.env.DEX_FIXTURES ?? join(import.meta.dirname, "../../../shared/fixtures"),
);

const hasFixtures = existsSync(fixturesFolder);

/** For `skip`: false where the fixtures are there. */
export const withoutFixtures = hasFixtures ? false : `optional: no databases of Dex in ${fixturesFolder}`;

/** The databases that were tried: the files' names without their ending. */
export type FixtureName = "sqlite3" | "postgres" | "mysql" | "ent-sqlite3" | "ent-postgres" | "etcd" | "kubernetes";

const endings: { readonly [N in FixtureName]?: string } = {
  sqlite3: "db",
  "ent-sqlite3": "db",
  etcd: "json",
  kubernetes: "json",
};
const fileOf = (name: FixtureName): string => `${name}.${endings[name] ?? "sql"}`;

/** The file of a version's database. */
export const fixtureFile = (version: string, name: FixtureName): string => join(fixturesFolder, version, fileOf(name));

/** The versions with such a database, the oldest first as far as their names tell. */
export const fixturesOf = (name: FixtureName): readonly string[] =>
  hasFixtures
    ? readdirSync(fixturesFolder)
        .filter((version) => existsSync(fixtureFile(version, name)))
        .sort()
    : [];

/** The versions with a database file of the usual tables. */
export const sqliteFixtures: readonly string[] = fixturesOf("sqlite3");

/** A copy of a version's database, gone after the test. */
export function copyOfFixture(t: Pick<TestContext, "after">, name: string): string {
  const folder = aFolder(t);
  const file = join(folder, "dex.db");
  copyFileSync(join(fixturesFolder, name, "sqlite3.db"), file);
  return file;
}

/** An empty folder, gone after the test. */
export function aFolder(t: Pick<TestContext, "after">): string {
  const folder = mkdtempSync(join(tmpdir(), "dex-compat-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
