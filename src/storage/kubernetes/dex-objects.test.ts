import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { goJson } from "../../kernel/go-json.ts";
import { makers } from "../conformance/makers.ts";
import { plain } from "../conformance/plain.ts";
import { quietDeps } from "../conformance/quiet-deps.ts";
import type { Collection, Storage } from "../contract.ts";
import type { KindName, RecordKinds } from "../records.ts";
import { kindNames, recordKey } from "../shared/record-key.ts";
import { exampleRows } from "../shared/sql/testing/example-rows.ts";
import { openKubernetes } from "./kubernetes.ts";
import { resources } from "./resources.ts";
import { type ExampleObject, exampleObjects } from "./testing/example-objects.ts";
import { type FakeClusterUnderTest, fakeCluster } from "./testing/fake-cluster.ts";

type AnyCollection = Collection<RecordKinds[KindName]["key"], RecordKinds[KindName]["record"]>;
type Json = Readonly<Record<string, unknown>>;

interface Example extends ExampleObject {
  readonly kind: KindName;
  readonly record: RecordKinds[KindName]["record"];
}

const examplesOf = (fraction: "123" | "123456789"): readonly Example[] =>
  exampleRows(fraction).flatMap(({ kind, record }) => {
    const object = exampleObjects(fraction)[kind];
    return object === undefined ? [] : [{ kind, record, ...object }];
  });

const pathOf = (kind: KindName, name = ""): string =>
  `/apis/dex.coreos.com/v1/namespaces/default/${resources[kind].plural}${name === "" ? "" : `/${name}`}`;

describe("custom resources as Dex writes them", () => {
  let cluster: FakeClusterUnderTest;
  let storage: Storage;
  before(async () => {
    cluster = await fakeCluster();
    storage = await openKubernetes(cluster.settings(), quietDeps());
  });
  after(async () => {
    await storage.close();
    await cluster.close();
  });
  afterEach(async () => {
    for (const kind of kindNames) {
      for (const { metadata } of await stored(kind)) await cluster.kube.call("DELETE", pathOf(kind, metadata.name));
    }
  });

  const collectionOf = ({ kind }: Example): AnyCollection => storage[kind] as unknown as AnyCollection;
  const stored = async (kind: KindName) =>
    (await cluster.kube.call("GET", pathOf(kind))).body.items as readonly (Json & {
      readonly metadata: Json & { readonly name: string };
    })[];
  /** Posts an object as Dex does. */
  const post = async (kind: KindName, name: string, members: Json, metadata: Json = {}) => {
    const body = {
      kind: resources[kind].kind,
      apiVersion: "dex.coreos.com/v1",
      metadata: { name, namespace: "default", creationTimestamp: null, ...metadata },
      ...members,
    };
    const { status } = await cluster.kube.call("POST", pathOf(kind), body);
    assert.equal(status, 201);
  };

  for (const example of examplesOf("123")) {
    test(`${example.kind}: is what we post for its record, byte for byte`, async () => {
      await collectionOf(example).create(example.record);
      const [object, ...more] = await stored(example.kind);
      assert.ok(object !== undefined && more.length === 0);
      const { kind, apiVersion, metadata, ...members } = object;
      assert.deepEqual([kind, apiVersion], [resources[example.kind].kind, "dex.coreos.com/v1"]);
      assert.deepEqual([metadata.name, metadata.namespace], [example.name, "default"]);
      assert.equal(goJson(members), example.text);
    });
  }

  for (const example of examplesOf("123456789")) {
    const [first = "", second] = recordKey(example.kind, example.record as never);
    const key = (second === undefined ? first : { userId: first, connectorId: second }) as never;

    test(`${example.kind}: is read as its record, and stays to the nanosecond when an update leaves it alike`, async () => {
      await post(example.kind, example.name, JSON.parse(example.text), { annotations: { theirs: "kept" } });
      const [object] = await stored(example.kind);
      const record =
        example.kind === "connectors"
          ? { ...example.record, resourceVersion: object?.metadata.resourceVersion }
          : example.record;
      assert.deepEqual(plain(await collectionOf(example).get(key)), plain(record));
      assert.deepEqual(plain(await collectionOf(example).list()), plain([record]));
      await collectionOf(example).update(key, (current) => ({ ...current }));
      const [after] = await stored(example.kind);
      assert.ok(after !== undefined);
      const { kind: _kind, apiVersion: _version, metadata, ...members } = after;
      assert.equal(goJson(members), example.text);
      assert.deepEqual(metadata.annotations, { theirs: "kept" });
    });
  }

  test("what we do not know of survives an update, ours stands in one member that goes with it", async () => {
    await post("refreshTokens", "r1", { token: "t", clientID: "a", Later: { a: [1] } });
    const extra = { sessionId: "s1" };
    await storage.refreshTokens.update("r1", (current) => ({ ...current, nonce: "n", extra }));
    const [object] = await stored("refreshTokens");
    assert.deepEqual([object?.Later, object?.nonce, object?.dexts], [{ a: [1] }, "n", { sessionId: "s1" }]);
    await storage.refreshTokens.update("r1", ({ extra: _extra, ...current }) => current);
    assert.ok(!("dexts" in ((await stored("refreshTokens"))[0] ?? {})));
  });

  test("a request from before there was maxAge asks for no new login", async () => {
    await post("authRequests", "old", { clientID: "a" });
    assert.equal((await storage.authRequests.get("old"))?.maxAge, -1);
  });

  test("two people to whom Dex gives one name are two people", async () => {
    const pairs = [
      { userId: "john", connectorId: "local" },
      { userId: "joh", connectorId: "nlocal" },
    ];
    for (const pair of pairs) await storage.userIdentities.create({ ...makers.userIdentities(), ...pair });
    for (const pair of pairs) {
      await assert.rejects(storage.userIdentities.create({ ...makers.userIdentities(), ...pair }), /already exists/);
      await storage.userIdentities.update(pair, (current) => ({ ...current, blockedUntil: 1 }));
      assert.equal((await storage.userIdentities.get(pair))?.userId, pair.userId);
    }
    const [first, second] = pairs;
    assert.ok(first !== undefined && second !== undefined);
    assert.equal(await storage.userIdentities.delete(first), true);
    assert.equal(await storage.userIdentities.get(first), undefined);
    assert.equal((await storage.userIdentities.get(second))?.userId, "joh");
    await assert.rejects(storage.userIdentities.create({ ...makers.userIdentities(), ...second }), /already exists/);
  });

  test("keys that can be no names are nobody's, and reach no other path", async () => {
    const before = cluster.kube.requests.length;
    for (const id of ["", "UPPER", "a/../../../../api/v1/secrets", "a?x", "a".repeat(300)]) {
      assert.equal(await storage.refreshTokens.get(id), undefined);
      assert.equal(await storage.authCodes.delete(id), false);
      assert.equal(await storage.authSessions.update(id, (current) => current), undefined);
    }
    assert.equal(cluster.kube.requests.length, before);
    await assert.rejects(
      storage.refreshTokens.create(makers.refreshTokens({ id: "UPPER" })),
      /no name of a Kubernetes object/,
    );
    for (const id of ["My LDAP", "google"]) {
      await storage.connectors.create(makers.connectors({ id }));
      assert.equal((await storage.connectors.get(id))?.id, id);
    }
  });

  test("an edit by hand changes a connector's version", async () => {
    await storage.connectors.create(makers.connectors({ id: "c" }));
    const before = await storage.connectors.get("c");
    const [object] = await stored("connectors");
    await cluster.kube.call("PUT", pathOf("connectors", "c"), { ...object, name: "By hand" });
    const after = await storage.connectors.get("c");
    assert.equal(after?.name, "By hand");
    assert.notEqual(after?.resourceVersion, before?.resourceVersion);
  });

  test("what a person has is found by label, and without it where Dex wrote; an update brings the label", async () => {
    const user = { userId: "u", connectorId: "c" };
    const ids = async () => (await storage.refreshTokens.listOfUser(user)).map(({ id }) => id).sort();
    await post("refreshTokens", "theirs", { connectorID: "c", claims: { userID: "u" } });
    await post("refreshTokens", "somebody", { connectorID: "c", claims: { userID: "v" } });
    const record = makers.refreshTokens({ id: "ours", connectorId: "c" });
    await storage.refreshTokens.create({ ...record, claims: { ...record.claims, userId: "u" } });
    assert.deepEqual(await ids(), ["ours", "theirs"]);
    await storage.refreshTokens.update("theirs", (current) => ({ ...current, nonce: "n" }));
    const labelled = (await stored("refreshTokens")).filter(({ metadata }) => metadata.labels !== undefined);
    assert.deepEqual(labelled.map(({ metadata }) => metadata.name).sort(), ["ours", "theirs"]);
    assert.deepEqual(await ids(), ["ours", "theirs"]);
  });
});
