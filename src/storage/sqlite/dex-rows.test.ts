import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { aFolder } from "../../../test/compat/fixtures.ts";
import { Secret } from "../../kernel/secret.ts";
import { makers } from "../conformance/makers.ts";
import { plain } from "../conformance/plain.ts";
import { quietDeps } from "../conformance/quiet-deps.ts";
import type { Collection, Storage } from "../contract.ts";
import type { KindName, RecordKinds } from "../records.ts";
import { recordKey } from "../shared/record-key.ts";
import { sqlKinds } from "../shared/sql/kinds.ts";
import { type ExampleCell, type ExampleRow, exampleRows } from "../shared/sql/testing/example-rows.ts";
import { openSqlite } from "./sqlite.ts";
import { inDatabase } from "./testing/inspect-database.ts";

type AnyRecord = RecordKinds[KindName]["record"];
type AnyKey = RecordKinds[KindName]["key"];
type Row = Readonly<Record<string, unknown>>;

/** A cell as Dex puts it into SQLite: JSON and bytes are BLOBs, times TEXT with a zone. */
function sqliteCell(cell: ExampleCell): string | number | null | Uint8Array {
  if (typeof cell === "boolean") return cell ? 1 : 0;
  if (typeof cell !== "object" || cell === null) return cell;
  if ("time" in cell) return cell.time.replace("T", " ").replace("Z", "+00:00");
  return new Uint8Array(Buffer.from("json" in cell ? cell.json : cell.bytes));
}

const rowOf = (example: ExampleRow): Row =>
  Object.fromEntries(Object.entries(example.cells).map(([name, cell]) => [name, sqliteCell(cell)]));

const tableOf = ({ kind }: ExampleRow): string => sqlKinds[kind].table;

function insertAsDex(file: string, example: ExampleRow): void {
  const names = Object.keys(example.cells).map((name) => `"${name}"`);
  const cells = Object.values(example.cells).map(sqliteCell);
  const places = cells.map(() => "?").join(", ");
  inDatabase(file, (database) =>
    database.prepare(`insert into ${tableOf(example)} (${names.join(", ")}) values (${places})`).run(...cells),
  );
}

/** The only row of the example's table, every cell with its storage class. */
const storedRow = (file: string, example: ExampleRow): Row =>
  inDatabase(file, (database) => ({ ...database.prepare(`select * from ${tableOf(example)}`).get() }));

function keyOf({ kind, record }: ExampleRow): AnyKey {
  const [first = "", second] = recordKey(kind, record as never);
  return (second === undefined ? first : { userId: first, connectorId: second }) as AnyKey;
}

const collectionOf = (storage: Storage, { kind }: ExampleRow): Collection<AnyKey, AnyRecord> =>
  storage[kind] as unknown as Collection<AnyKey, AnyRecord>;

async function emptyFile(t: TestContext): Promise<{ readonly file: string; readonly storage: Storage }> {
  const file = join(aFolder(t), "dex.db");
  const storage = await openSqlite(file, quietDeps());
  t.after(() => storage.close());
  return { file, storage };
}

describe("a row of Dex's", () => {
  for (const example of exampleRows("123")) {
    test(`${tableOf(example)}: is what we write for its record, byte for byte`, async (t) => {
      const { file, storage } = await emptyFile(t);
      await collectionOf(storage, example).create(example.record);
      assert.deepEqual(storedRow(file, example), rowOf(example));
    });
  }

  for (const example of exampleRows("123456789")) {
    test(`${tableOf(example)}: is read as its record`, async (t) => {
      const { file, storage } = await emptyFile(t);
      insertAsDex(file, example);
      assert.deepEqual(plain(await collectionOf(storage, example).get(keyOf(example))), plain(example.record));
      assert.deepEqual(plain(await collectionOf(storage, example).list()), plain([example.record]));
    });

    test(`${tableOf(example)}: stays as it is, to the nanosecond, when an update leaves it alike`, async (t) => {
      const { file, storage } = await emptyFile(t);
      insertAsDex(file, example);
      await collectionOf(storage, example).update(keyOf(example), (current) => ({ ...current }));
      assert.deepEqual(storedRow(file, example), rowOf(example));
    });
  }
});

const example = <K extends KindName>(kind: K): ExampleRow => {
  const found = exampleRows("123456789").find((each) => each.kind === kind);
  assert.ok(found !== undefined);
  return found;
};

test("an update writes what changed and leaves every other cell as Dex wrote it", async (t) => {
  const { file, storage } = await emptyFile(t);
  const token = example("refreshTokens");
  insertAsDex(file, token);
  await storage.refreshTokens.update("r4z2xsm5p7q6d2f3g4h5j6k7l", (current) => ({
    ...current,
    token: new Secret("rotated"),
    lastUsed: Date.UTC(2026, 7, 7),
  }));
  assert.deepEqual(storedRow(file, token), {
    ...rowOf(token),
    token: "rotated",
    last_used: "2026-08-07 00:00:00+00:00",
  });
});

test("an unchanged entry of a map keeps its nanoseconds and what we do not know of", async (t) => {
  const { file, storage } = await emptyFile(t);
  const session = example("offlineSessions");
  insertAsDex(file, session);
  const theirs = `{"example-app":{"ID":"r","ClientID":"example-app","CreatedAt":"2026-08-06T15:14:24.123456789Z","Later":{"a":[1]}}}`;
  inDatabase(file, (database) =>
    database.prepare("update offline_session set refresh = ?").run(new Uint8Array(Buffer.from(theirs))),
  );
  const key = { userId: "08a8684b-db88-4b73-90a9-3cd1661f5466", connectorId: "local" };
  const reference = { id: "s", clientId: "new", createdAt: 0, lastUsed: 0, sessionId: "" };
  await storage.offlineSessions.update(key, (current) => ({
    ...current,
    refresh: { ...current.refresh, new: reference },
  }));
  const { refresh } = storedRow(file, session);
  assert.ok(refresh instanceof Uint8Array);
  assert.equal(
    Buffer.from(refresh).toString(),
    `${theirs.slice(0, -1)},"new":{"ID":"s","ClientID":"new","CreatedAt":"1970-01-01T00:00:00Z","LastUsed":"1970-01-01T00:00:00Z","SessionID":""}}`,
  );
});

test("TEXT in a column of bytes is read and left alone, and a change of it writes bytes", async (t) => {
  const { file, storage } = await emptyFile(t);
  const password = example("passwords");
  insertAsDex(file, password);
  inDatabase(file, (database) => database.exec(`update password set "groups" = '["team-b"]', email_verified = null`));
  const found = await storage.passwords.get("ADMIN@example.com");
  assert.deepEqual([found?.groups, found?.emailVerified], [["team-b"], undefined]);
  await storage.passwords.update("admin@example.com", (current) => ({ ...current, name: "New" }));
  const stored = storedRow(file, password);
  assert.deepEqual([stored.groups, stored.name, stored.email_verified], ['["team-b"]', "New", null]);
  await storage.passwords.update("admin@example.com", (current) => ({ ...current, groups: ["team-c"] }));
  assert.deepEqual(storedRow(file, password).groups, new Uint8Array(Buffer.from('["team-c"]')));
});

test("a row with text that is no UTF-8 is read, and its update ends in an error instead of never", async (t) => {
  const { file, storage } = await emptyFile(t);
  await storage.refreshTokens.create(makers.refreshTokens({ id: "odd" }));
  inDatabase(file, (database) => database.exec("update refresh_token set nonce = cast(x'61ff62' as text)"));
  assert.equal((await storage.refreshTokens.get("odd"))?.nonce, "a\ufffdb");
  await assert.rejects(
    storage.refreshTokens.update("odd", (current) => ({ ...current, lastUsed: 1 })),
    /^Error: a record of refresh_token holds text that is not UTF-8 and cannot be changed$/,
  );
  assert.equal(await storage.refreshTokens.delete("odd"), true);
});

test("a row with damaged JSON refuses to be read and quotes nothing", async (t) => {
  const { file, storage } = await emptyFile(t);
  insertAsDex(file, example("keys"));
  inDatabase(file, (database) => database.exec(`update keys set signing_key = '{"d":hunter2'`));
  await assert.rejects(storage.keys.get("keys"), /^Error: the column signing_key holds no JSON$/);
});
