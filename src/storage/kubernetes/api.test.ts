import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import type { KubeRule } from "../../../test/fake/kube-api.ts";
import { UnavailableError } from "../../kernel/errors.ts";
import { makers } from "../conformance/makers.ts";
import { quietDeps } from "../conformance/quiet-deps.ts";
import type { Storage } from "../contract.ts";
import { kindNames } from "../shared/record-key.ts";
import { definitionOf } from "./custom-resources.ts";
import { openKubernetes } from "./kubernetes.ts";
import { type FakeClusterUnderTest, fakeCluster } from "./testing/fake-cluster.ts";

const docs = join(import.meta.dirname, "../../../docs");
const documents = (name: string): readonly unknown[] =>
  parseAllDocuments(readFileSync(join(docs, name), "utf8")).map((document) => document.toJS());

async function aCluster(t: TestContext): Promise<FakeClusterUnderTest> {
  const cluster = await fakeCluster();
  t.after(() => cluster.close());
  return cluster;
}

async function opened(t: TestContext, cluster: FakeClusterUnderTest, token?: string): Promise<Storage> {
  const storage = await openKubernetes(cluster.settings(token), quietDeps());
  t.after(() => storage.close());
  return storage;
}

describe("an API server that is busy, broken or away", () => {
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

  test("is asked again when it says so, reads and writes alike", async () => {
    for (const method of ["POST", "GET", "DELETE"]) cluster.kube.next({ status: 429, retryAfter: "1", method });
    await storage.revokedTokens.create({ id: "busy", expiry: 1 });
    assert.equal((await storage.revokedTokens.get("busy"))?.expiry, 1);
    assert.equal(await storage.revokedTokens.delete("busy"), true);
  });

  test("is UnavailableError when it stays busy, fails, or refuses", async () => {
    for (let time = 0; time < 6; time++) cluster.kube.next({ status: 429, method: "GET" });
    await assert.rejects(storage.revokedTokens.get("x"), UnavailableError);
    for (const status of [500, 503, 504, 403]) {
      cluster.kube.next({ status, method: "GET" });
      await assert.rejects(storage.revokedTokens.get("x"), UnavailableError, String(status));
    }
    cluster.kube.next({ drop: "before" });
    await assert.rejects(storage.revokedTokens.create({ id: "dropped", expiry: 1 }), UnavailableError);
  });

  test("a write whose answer was lost is not sent again: it may have been done", async () => {
    await storage.refreshTokens.create(makers.refreshTokens({ id: "lost", nonce: "0" }));
    let calls = 0;
    cluster.kube.next({ drop: "after", method: "PUT" });
    const update = storage.refreshTokens.update("lost", (current) => {
      calls++;
      return { ...current, nonce: `${current.nonce}1` };
    });
    await assert.rejects(update, UnavailableError);
    assert.equal(calls, 1);
    assert.equal((await storage.refreshTokens.get("lost"))?.nonce, "01");
  });

  test("works again when it is back; a ping ends with its signal", async () => {
    await cluster.kube.lose();
    await assert.rejects(storage.revokedTokens.get("x"), UnavailableError);
    await assert.rejects(storage.ping(new AbortController().signal), UnavailableError);
    await assert.rejects(storage.collectGarbage(1, 10), UnavailableError);
    await cluster.kube.restore();
    await storage.ping(new AbortController().signal);
    await storage.revokedTokens.create({ id: "back", expiry: 1 });
    const signal = AbortSignal.abort(new Error("enough"));
    await assert.rejects(storage.ping(signal), /enough/);
  });

  test("that goes silent is UnavailableError after ten seconds, a ping sooner; other calls go on meanwhile", async () => {
    const began = performance.now();
    const hanging = (["before", "within"] as const).map((hang) => {
      cluster.kube.next({ hang });
      return assert.rejects(storage.revokedTokens.get("x"), UnavailableError);
    });
    for (const hang of ["before", "within"] as const) {
      cluster.kube.next({ hang });
      const signal = AbortSignal.timeout(300);
      await assert.rejects(storage.ping(signal), (error) => error === signal.reason);
    }
    assert.equal(await storage.revokedTokens.get("x"), undefined);
    assert.ok(performance.now() - began < 5_000);
    await Promise.all(hanging);
    const took = performance.now() - began;
    assert.ok(took > 9_000 && took < 15_000, `${took} ms`);
  });

  test("a resource that is not served is no missing object", async () => {
    const path = "/apis/dex.coreos.com/v1/namespaces/default/nothing/x";
    assert.deepEqual(await cluster.kube.call("GET", path), { status: 404, body: {} });
    const other = await fakeCluster();
    try {
      const elsewhere = await openKubernetes(other.settings(), quietDeps());
      other.kube.forgetDefinitions();
      await assert.rejects(elsewhere.authCodes.get("code"), /does not serve authcodes \(yet\)/);
      await assert.rejects(elsewhere.authCodes.delete("code"), UnavailableError);
      await elsewhere.close();
    } finally {
      await other.close();
    }
  });
});

describe("several processes", () => {
  test("that update one record lose nothing, and create each once", async (t) => {
    const cluster = await aCluster(t);
    const [one, other] = [await opened(t, cluster), await opened(t, cluster)];
    await one.refreshTokens.create(makers.refreshTokens({ id: "shared", nonce: "" }));
    await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        (index % 2 === 0 ? one : other).refreshTokens.update("shared", (current) => ({
          ...current,
          nonce: `${current.nonce}x`,
        })),
      ),
    );
    assert.equal((await other.refreshTokens.get("shared"))?.nonce, "x".repeat(100));
  });

  test("that collect at once delete each record once, and none that was used meanwhile", async (t) => {
    const cluster = await aCluster(t);
    const [one, other] = [await opened(t, cluster), await opened(t, cluster)];
    const old = Array.from({ length: 120 }, (_, index) => `gc-${index}`);
    await Promise.all(old.map((id) => one.authSessions.create({ ...makers.authSessions(), id, idleExpiry: 5 })));
    const used = one.authSessions.update("gc-99", (current) => ({ ...current, idleExpiry: 50 }));
    const runs = await Promise.all([one.collectGarbage(6, 500), other.collectGarbage(6, 500)]);
    const deleted = runs.reduce((sum, run) => sum + (run.deleted.authSessions ?? 0), 0);
    const isThere = (await one.authSessions.get("gc-99")) !== undefined;
    assert.equal((await used) !== undefined, isThere, "who was told that it lives is right");
    assert.equal(deleted, isThere ? 119 : 120);
  });
});

describe("lists", () => {
  test("are whole, page by page, also when the server forgets them on the way", async (t) => {
    const cluster = await aCluster(t);
    const storage = await opened(t, cluster);
    const ids = Array.from({ length: 700 }, (_, index) => `t-${String(index).padStart(3, "0")}`);
    await Promise.all(ids.map((id) => storage.refreshTokens.create(makers.refreshTokens({ id }))));
    const listing = storage.refreshTokens.list();
    cluster.kube.forgetLists();
    assert.deepEqual((await listing).map(({ id }) => id).sort(), ids);
    const pages = cluster.kube.requests.filter(({ url }) => /refreshtokens\?.*limit=250/.test(url));
    assert.ok(pages.length >= 3);
    cluster.kube.forgetListsAlways();
    await assert.rejects(storage.refreshTokens.list(), UnavailableError);
  });

  test("of garbage go beyond the first 500, and begin anew when they are forgotten", async (t) => {
    const cluster = await aCluster(t);
    const storage = await opened(t, cluster);
    const alive = Array.from({ length: 600 }, (_, index) => `a-${String(index).padStart(3, "0")}`);
    await Promise.all(alive.map((id) => storage.authCodes.create(makers.authCodes({ id, expiry: 100 }))));
    await storage.authCodes.create(makers.authCodes({ id: "z-old", expiry: 5 }));
    assert.deepEqual(await storage.collectGarbage(6, 500), { deleted: { authCodes: 1 }, isDone: true });
    await storage.authCodes.create(makers.authCodes({ id: "z-older", expiry: 5 }));
    const collecting = storage.collectGarbage(6, 500);
    cluster.kube.forgetLists();
    assert.deepEqual(await collecting, { deleted: { authCodes: 1 }, isDone: true });
  });
});

describe("custom resource definitions", () => {
  test("are created where they are missing, by two replicas at once, and waited for", async (t) => {
    const cluster = await aCluster(t);
    await Promise.all([opened(t, cluster), opened(t, cluster)]);
    const created = cluster.kube.requests.filter(({ method, url }) => method === "POST" && url.includes("customres"));
    assert.ok(created.length >= kindNames.length);
    const storage = await opened(t, cluster);
    assert.equal(await storage.keys.get("keys"), undefined);
  });

  test("are only looked at with `check`, and named when they are missing", async (t) => {
    const cluster = await aCluster(t);
    const settings = cluster.settings("admin", { crdHandling: "check" });
    await assert.rejects(openKubernetes(settings, quietDeps()), /^Error: storage is not initialized, .*passwords\.dex/);
    assert.ok(cluster.kube.requests.every(({ method }) => method === "GET"));
    await (await openKubernetes(cluster.settings(), quietDeps())).close();
    await (await openKubernetes(settings, quietDeps())).close();
  });

  test("are those of the manifest", () => {
    assert.deepEqual(documents("reference/kubernetes-crds.yaml"), kindNames.map(definitionOf));
  });

  test("that may not be created end the start with the server's words", async (t) => {
    const cluster = await aCluster(t);
    cluster.kube.setUser("reader", [{ resources: ["*"], verbs: ["list"] }]);
    await assert.rejects(
      openKubernetes(cluster.settings("reader"), quietDeps()),
      /403 to POST .*cannot create resource "customresourcedefinitions"/,
    );
  });
});

describe("rights", () => {
  const roleShape = z.looseObject({
    kind: z.string(),
    rules: z
      .array(z.object({ apiGroups: z.array(z.string()), resources: z.array(z.string()), verbs: z.array(z.string()) }))
      .optional(),
  });
  const rules: readonly KubeRule[] = documents("../deploy/kubernetes/role.yaml")
    .map((document) => roleShape.parse(document))
    .filter(({ kind }) => kind === "Role")
    .flatMap((role) => role.rules ?? []);

  test("of the role that is deployed are enough for everything", async (t) => {
    const cluster = await aCluster(t);
    await opened(t, cluster);
    cluster.kube.setUser("dex", rules);
    const storage = await openKubernetes(cluster.settings("dex", { crdHandling: "check" }), quietDeps());
    t.after(() => storage.close());
    await storage.refreshTokens.create(makers.refreshTokens({ id: "r" }));
    await storage.refreshTokens.update("r", (current) => ({ ...current, nonce: "x" }));
    assert.equal((await storage.refreshTokens.list()).length, 1);
    assert.equal((await storage.refreshTokens.listOfUser({ userId: "u-1", connectorId: "ldap" })).length, 1);
    assert.equal(await storage.refreshTokens.delete("r"), true);
    await storage.authCodes.create(makers.authCodes({ id: "c", expiry: 1 }));
    assert.deepEqual((await storage.collectGarbage(2, 10)).deleted, { authCodes: 1 });
    await storage.ping(new AbortController().signal);
  });

  test("that are taken away are named, and nothing else is", async (t) => {
    const cluster = await aCluster(t);
    await opened(t, cluster);
    cluster.kube.setUser("dex", rules);
    const storage = await opened(t, cluster, "dex");
    cluster.kube.setUser("dex", [{ resources: ["*"], verbs: ["list"] }]);
    await assert.rejects(storage.authCodes.get("sesame"), (error) => {
      assert.ok(error instanceof UnavailableError);
      assert.match(error.message, /403 to GET authcodes: .*cannot get resource "authcodes"/);
      assert.doesNotMatch(error.message, /sesame/);
      return true;
    });
    cluster.kube.revoke("dex");
    await assert.rejects(storage.authCodes.get("x"), /answers 401/);
    cluster.kube.setUser("dex", rules);
    assert.equal(await storage.authCodes.get("x"), undefined);
  });
});
