import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { type EtcdPeer, etcdPrograms, startEtcd } from "../../../test/peer/etcd.ts";
import { missing } from "../../../test/peer/peer.ts";
import { Secret } from "../../kernel/secret.ts";
import { makers } from "../conformance/makers.ts";
import { plain } from "../conformance/plain.ts";
import { quietDeps } from "../conformance/quiet-deps.ts";
import type { Collection, Storage } from "../contract.ts";
import type { KindName, RecordKinds } from "../records.ts";
import { recordKey } from "../shared/record-key.ts";
import { exampleRows } from "../shared/sql/testing/example-rows.ts";
import { openEtcd } from "./etcd.ts";
import { etcdSettings } from "./testing/etcd-settings.ts";
import { type ExampleDocument, exampleDocuments } from "./testing/example-documents.ts";

type AnyCollection = Collection<RecordKinds[KindName]["key"], RecordKinds[KindName]["record"]>;

interface Example extends ExampleDocument {
  readonly kind: KindName;
  readonly record: RecordKinds[KindName]["record"];
}

const examplesOf = (fraction: "123" | "123456789"): readonly Example[] =>
  exampleRows(fraction).flatMap(({ kind, record }) => {
    const document = exampleDocuments(fraction)[kind];
    return document === undefined ? [] : [{ kind, record, ...document }];
  });

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const text = (value: unknown): string => Buffer.from(String(value), "base64").toString();

describe("etcd as Dex writes it", { skip: missing(etcdPrograms) }, () => {
  let peer: EtcdPeer;
  let storage: Storage;
  before(async () => {
    peer = await startEtcd();
    storage = await openEtcd(etcdSettings([peer.endpoint], { namespace: "my/" }), quietDeps());
  });
  beforeEach(() => peer.call("kv/deleterange", { key: "AA==", range_end: "AA==" }));
  after(async () => {
    await storage.close();
    await peer.stop();
  });

  const collectionOf = ({ kind }: Example): AnyCollection => storage[kind] as unknown as AnyCollection;
  const put = (key: string, value: string) => peer.call("kv/put", { key: base64(`my/${key}`), value: base64(value) });
  /** Every key below the namespace, and its value. */
  const stored = async (): Promise<Readonly<Record<string, string>>> => {
    const answer = await peer.call("kv/range", { key: base64("my/"), range_end: base64("my0") });
    const kvs = (answer.kvs ?? []) as readonly { readonly key: string; readonly value?: string }[];
    return Object.fromEntries(kvs.map(({ key, value = "" }) => [text(key).slice(3), text(value)]));
  };
  const dexKeys = async () =>
    Object.fromEntries(Object.entries(await stored()).filter(([key]) => !key.startsWith("dexts/")));

  for (const example of examplesOf("123")) {
    test(`${example.kind}: is what we write for its record, byte for byte`, async () => {
      await collectionOf(example).create(example.record);
      assert.deepEqual(await dexKeys(), { [example.key]: example.text });
    });
  }

  for (const example of examplesOf("123456789")) {
    const [first = "", second] = recordKey(example.kind, example.record as never);
    const key = (second === undefined ? first : { userId: first, connectorId: second }) as never;

    test(`${example.kind}: is read as its record, and stays to the nanosecond when an update leaves it alike`, async () => {
      await put(example.key, example.text);
      assert.deepEqual(plain(await collectionOf(example).get(key)), plain(example.record));
      assert.deepEqual(plain(await collectionOf(example).list()), plain([example.record]));
      await collectionOf(example).update(key, (current) => ({ ...current }));
      assert.deepEqual(await stored(), { [example.key]: example.text });
    });
  }

  test("an update writes what changed and leaves all else as it was, what we do not know of included", async () => {
    const session =
      '{"user_id":"U","conn_id":"c","Later":1,"refresh":{"a":{"ID":"r","CreatedAt":"2026-08-06T15:14:24.123456789Z","New":[1]}}}';
    await put("offline_session/u|c", session);
    await storage.offlineSessions.update({ userId: "U", connectorId: "c" }, (current) => ({
      ...current,
      refresh: { ...current.refresh, b: { id: "s", clientId: "b", createdAt: 0, lastUsed: 0, sessionId: "" } },
    }));
    const written = `${session.slice(0, -2)},"b":{"ID":"s","ClientID":"b","CreatedAt":"1970-01-01T00:00:00Z","LastUsed":"1970-01-01T00:00:00Z","SessionID":""}}}`;
    assert.deepEqual(await stored(), { "offline_session/u|c": written });
  });

  test("a member in another letter case is read, as Go does, and replaced when it changes", async () => {
    await put("refresh_token/odd", '{"ID":"odd","Token":"old","CLIENT_ID":"a"}');
    assert.equal((await storage.refreshTokens.get("odd"))?.token.reveal(), "old");
    await storage.refreshTokens.update("odd", (current) => ({ ...current, token: new Secret("new") }));
    assert.equal((await dexKeys())["refresh_token/odd"], '{"ID":"odd","CLIENT_ID":"a","token":"new"}');
  });

  test("a request from before there was max_age asks for no new login", async () => {
    await put("auth_req/old", '{"id":"old","client_id":"a"}');
    assert.equal((await storage.authRequests.get("old"))?.maxAge, -1);
  });

  test("people whose ids differ in case only, or run into each other, are different people", async () => {
    const pairs = [
      ["Kate", "c"],
      ["kate", "c"],
      ["KATE", "c"],
      ["a|b", "c"],
      ["a", "b|c"],
    ] as const;
    for (const [userId, connectorId] of pairs) {
      await storage.userIdentities.create({ ...makers.userIdentities(), userId, connectorId });
    }
    for (const [userId, connectorId] of pairs) {
      const change = { userId, connectorId };
      await assert.rejects(storage.userIdentities.create({ ...makers.userIdentities(), ...change }), /already exists/);
      await storage.userIdentities.update(change, (current) => ({ ...current, blockedUntil: 1 }));
      assert.equal((await storage.userIdentities.get(change))?.userId, userId);
    }
    assert.equal((await storage.userIdentities.list()).length, pairs.length);
    assert.equal(await storage.userIdentities.delete({ userId: "Kate", connectorId: "c" }), true);
    assert.equal((await storage.userIdentities.get({ userId: "kate", connectorId: "c" }))?.userId, "kate");
    assert.equal(await storage.userIdentities.get({ userId: "Kate", connectorId: "c" }), undefined);
  });

  test("Go lower-cases letter by letter, and so do we", async () => {
    await storage.offlineSessions.create(makers.offlineSessions({ userId: "\u0130\u0391\u03a3", connectorId: "c" }));
    assert.deepEqual(Object.keys(await dexKeys()), ["offline_session/i\u03b1\u03c3|c"]);
  });

  test("what we kept beside a record that Dex deleted does not come back to a new one", async () => {
    await storage.refreshTokens.create(makers.refreshTokens({ id: "again" }));
    await peer.call("kv/deleterange", { key: base64("my/refresh_token/again") });
    const { extra: _extra, ...without } = makers.refreshTokens({ id: "again" });
    await storage.refreshTokens.create(without);
    assert.equal((await storage.refreshTokens.get("again"))?.extra, undefined);
  });

  test("what stands beside a record is written when it changes, and else left alone", async () => {
    const key = base64("my/dexts/extra/refresh_token/steady");
    const version = async (): Promise<unknown> => {
      const { kvs } = (await peer.call("kv/range", { key })) as { kvs: readonly { readonly version: string }[] };
      return kvs[0]?.version;
    };
    await storage.refreshTokens.create(makers.refreshTokens({ id: "steady", extra: { acr: "one" } }));
    await storage.refreshTokens.update("steady", (current) => ({ ...current, nonce: "other" }));
    assert.equal(await version(), "1");
    await storage.refreshTokens.update("steady", (current) => ({ ...current, extra: { acr: "two" } }));
    assert.equal(await version(), "2");
    assert.deepEqual((await storage.refreshTokens.get("steady"))?.extra, { acr: "two" });
    assert.equal((await storage.refreshTokens.get("steady"))?.nonce, "other");
  });

  test("a value that is no JSON refuses to be read and is not quoted; the collection goes on without it", async () => {
    await put("auth_code/broken", '{"ID":"hunter2"');
    await storage.authCodes.create(makers.authCodes({ id: "old", expiry: 5 }));
    await assert.rejects(storage.authCodes.get("broken"), /^Error: a value of authCodes in etcd holds no JSON object$/);
    assert.deepEqual(await storage.collectGarbage(6, 500), { deleted: { authCodes: 1 }, isDone: true });
  });

  describe("of a user, where Dex wrote", () => {
    const user = { userId: "U-1", connectorId: "ldap" };
    const ids = (records: readonly { readonly id: string }[]) => records.map(({ id }) => id).sort();
    const token = (id: string) =>
      put(`refresh_token/${id}`, `{"id":"${id}","connector_id":"ldap","claims":{"userID":"U-1"}}`);
    const session = (id: string) =>
      put(
        `auth_session/${id}`,
        `{"id":"${id}","user_id":"U-1","connector_id":"ldap","absolute_expiry":"2036-01-01T00:00:00Z","idle_expiry":"2036-01-01T00:00:00Z"}`,
      );

    test("refresh tokens are found while the offline session names them and after it stops", async () => {
      await token("theirs");
      await token("gone");
      await put(
        "offline_session/u-1|ldap",
        '{"user_id":"U-1","conn_id":"ldap","refresh":{"a":{"ID":"theirs"},"b":{"ID":"gone"}}}',
      );
      assert.deepEqual(ids(await storage.refreshTokens.listOfUser(user)), ["gone", "theirs"]);
      await peer.call("kv/deleterange", { key: base64("my/refresh_token/gone") });
      await storage.offlineSessions.update(user, (current) => ({ ...current, refresh: {} }));
      assert.deepEqual(ids(await storage.refreshTokens.listOfUser(user)), ["theirs"]);
      const index = Object.keys(await stored()).filter((key) => key.startsWith("dexts/of_user/"));
      assert.equal(index.length, 1, "what is gone gets no index key");
    });

    test("sessions are found before the first collection of garbage, and by the index after it", async () => {
      const fresh = await openEtcd(etcdSettings([peer.endpoint], { namespace: "my/" }), quietDeps());
      try {
        await session("one");
        assert.deepEqual(ids(await fresh.authSessions.listOfUser(user)), ["one"]);
        await fresh.collectGarbage(1, 500);
        assert.deepEqual(ids(await fresh.authSessions.listOfUser(user)), ["one"]);
        await session("two");
        await fresh.authSessions.create({ ...makers.authSessions(), ...user, id: "three" });
        await fresh.collectGarbage(1, 500);
        assert.deepEqual(ids(await fresh.authSessions.listOfUser(user)), ["one", "three", "two"]);
        await peer.call("kv/deleterange", { key: base64("my/auth_session/one") });
        assert.deepEqual(ids(await fresh.authSessions.listOfUser(user)), ["three", "two"]);
      } finally {
        await fresh.close();
      }
    });
  });
});
