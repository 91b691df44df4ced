import assert from "node:assert/strict";
import { copyFileSync, writeFileSync } from "node:fs";
import { after, before, describe, type TestContext, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { startBreakableLine } from "../../../test/fake/breakable-line.ts";
import { makeTestTls, tlsPrograms } from "../../../test/fake/certificates.ts";
import { type EtcdPeer, enableUsers, etcdPrograms, startEtcd } from "../../../test/peer/etcd.ts";
import { freePort, missing } from "../../../test/peer/peer.ts";
import { UnavailableError } from "../../kernel/errors.ts";
import { Secret } from "../../kernel/secret.ts";
import { makers } from "../conformance/makers.ts";
import { quietDeps } from "../conformance/quiet-deps.ts";
import type { Storage } from "../contract.ts";
import { type EtcdConfig, openEtcd } from "./etcd.ts";
import { etcdSettings } from "./testing/etcd-settings.ts";

const open = (endpoints: readonly string[], change: Partial<EtcdConfig> = {}): Promise<Storage> =>
  openEtcd(etcdSettings(endpoints, change), quietDeps());

async function opened(t: TestContext, endpoints: readonly string[], change?: Partial<EtcdConfig>): Promise<Storage> {
  const storage = await open(endpoints, change);
  t.after(() => storage.close());
  return storage;
}

const portOf = (endpoint: string): number => Number(new URL(endpoint).port);

/** Asks until it answers, for ten seconds. */
async function heals(work: () => Promise<unknown>): Promise<void> {
  for (const end = Date.now() + 10_000; ; ) {
    try {
      await work();
      return;
    } catch (error) {
      assert.ok(error instanceof UnavailableError, String(error));
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

describe("an etcd that goes away", { skip: missing(etcdPrograms) }, () => {
  let peer: EtcdPeer;
  before(async () => {
    peer = await startEtcd();
  });
  after(() => peer.stop());

  test("is UnavailableError at once while it is dead, and works again when it is back", async (t) => {
    const storage = await opened(t, [peer.endpoint]);
    await storage.revokedTokens.create({ id: "kept", expiry: 1 });
    await peer.kill();
    const began = Date.now();
    for (const attempt of [
      () => storage.revokedTokens.get("kept"),
      () => storage.revokedTokens.create({ id: "other", expiry: 1 }),
      () => storage.revokedTokens.list(),
      () => storage.collectGarbage(0, 10),
      () => storage.ping(new AbortController().signal),
    ])
      await assert.rejects(attempt(), UnavailableError);
    assert.ok(Date.now() - began < 5_000, "a refused connection needs no deadline");
    await peer.start();
    await heals(() => storage.ping(new AbortController().signal));
    assert.deepEqual(await storage.revokedTokens.get("kept"), { id: "kept", expiry: 1 });
  });

  test("is UnavailableError after a while when it hangs, a ping ends with its signal", async (t) => {
    const storage = await opened(t, [peer.endpoint]);
    await peer.pause();
    try {
      const signal = AbortSignal.timeout(200);
      await assert.rejects(storage.ping(signal), (error) => error === signal.reason);
      const began = Date.now();
      // Those who come while others hang are not hung by them.
      const attempts = Array.from({ length: 40 }, async (_, turn) => {
        await wait(turn * 20);
        const work =
          turn % 2 === 0 ? storage.revokedTokens.create({ id: `hung-${turn}`, expiry: 1 }) : storage.keys.get("keys");
        await assert.rejects(work, UnavailableError);
      });
      await Promise.all(attempts);
      assert.ok(Date.now() - began < 9_000);
    } finally {
      peer.resume();
    }
    await heals(() => storage.revokedTokens.get("any"));
  });

  test("is replaced by another endpoint, without an error, before and after the first call", async (t) => {
    const [first, second] = [
      await startBreakableLine(portOf(peer.endpoint)),
      await startBreakableLine(portOf(peer.endpoint)),
    ];
    t.after(() => Promise.all([first.close(), second.close()]));
    const dead = `http://127.0.0.1:${await freePort()}`;
    const storage = await opened(t, [dead, first.address, second.address]);
    await storage.revokedTokens.create({ id: "before", expiry: 1 });
    const broken = first.connections > 0 ? first : second;
    await broken.close();
    assert.deepEqual(await storage.revokedTokens.get("before"), { id: "before", expiry: 1 });
    await storage.revokedTokens.create({ id: "after", expiry: 1 });
  });

  test("a write whose answer was lost is not sent again: it may have been done", async (t) => {
    const line = await startBreakableLine(portOf(peer.endpoint));
    t.after(() => line.close());
    const storage = await opened(t, [line.address]);
    await storage.refreshTokens.create(makers.refreshTokens({ id: "lost", nonce: "0" }));
    let calls = 0;
    await assert.rejects(
      storage.refreshTokens.update("lost", (current) => {
        calls++;
        line.loseNextAnswer();
        return { ...current, nonce: `${current.nonce}1` };
      }),
      UnavailableError,
    );
    assert.equal(calls, 1);
    await heals(() => storage.refreshTokens.get("lost"));
    assert.equal((await storage.refreshTokens.get("lost"))?.nonce, "01");
  });

  test("two processes that update one record lose nothing", async (t) => {
    const [one, other] = [await opened(t, [peer.endpoint]), await opened(t, [peer.endpoint])];
    await one.refreshTokens.create(makers.refreshTokens({ id: "shared", nonce: "" }));
    await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        (index % 2 === 0 ? one : other).refreshTokens.update("shared", (current) => ({
          ...current,
          nonce: `${current.nonce}x`,
        })),
      ),
    );
    assert.equal((await one.refreshTokens.get("shared"))?.nonce, "x".repeat(100));
  });

  test("two processes that collect at once delete each record once", async (t) => {
    const stores = [await opened(t, [peer.endpoint]), await opened(t, [peer.endpoint])];
    const [first] = stores;
    const old = Array.from({ length: 200 }, (_, index) => `gc-${index}`);
    await Promise.all(old.map((id) => first?.authSessions.create({ ...makers.authSessions(), id, idleExpiry: 5 })));
    const runs = await Promise.all(stores.map((storage) => storage.collectGarbage(6, 500)));
    assert.equal(
      runs.reduce((sum, { deleted }) => sum + (deleted.authSessions ?? 0), 0),
      200,
    );
  });

  test("a session that is used between being found expired and being deleted stays", async (t) => {
    const storage = await opened(t, [peer.endpoint]);
    await storage.authSessions.create({ ...makers.authSessions(), id: "used", idleExpiry: 5 });
    const collecting = storage.collectGarbage(6, 500);
    const update = storage.authSessions.update("used", (current) => ({ ...current, idleExpiry: 50 }));
    const [{ deleted }, updated] = await Promise.all([collecting, update]);
    const isThere = (await storage.authSessions.get("used")) !== undefined;
    assert.equal(isThere, updated !== undefined, "who was told that it lives is right");
    assert.equal(isThere, deleted.authSessions === undefined);
  });
});

test("an etcd that is not there cannot be opened, and says so soon", async () => {
  const began = Date.now();
  await assert.rejects(open([`http://127.0.0.1:${await freePort()}`]), UnavailableError);
  assert.ok(Date.now() - began < 4_000);
  await assert.rejects(open([]), /no available endpoints/);
  await assert.rejects(open(["ftp://127.0.0.1:1"]), /"ftp:\/\/127\.0\.0\.1:1" is no etcd address/);
});

describe("users of etcd", { skip: missing(etcdPrograms) }, () => {
  let peer: EtcdPeer;
  const user = { username: "keeper", password: new Secret("s3cret"), namespace: "dex/" };
  before(async () => {
    peer = await startEtcd();
  });
  after(() => peer.stop());

  test("may be configured before the server asks for them, and their tokens are renewed", async (t) => {
    const early = await opened(t, [peer.endpoint], user);
    await early.revokedTokens.create({ id: "early", expiry: 1 });
    await enableUsers(peer, { name: "keeper", password: "s3cret", prefix: "dex/" });
    assert.equal((await early.revokedTokens.get("early"))?.expiry, 1);
    // Tokens live in the server's memory.
    await peer.kill();
    await peer.start();
    await heals(() => early.revokedTokens.create({ id: `late-${Date.now()}`, expiry: 1 }));
    // A change of users outdates every token.
    const { token } = await peer.call("auth/authenticate", { name: "root", password: "root" });
    await peer.call("auth/user/add", { name: "another", password: "x" }, String(token));
    const made = Array.from({ length: 20 }, (_, index) =>
      early.revokedTokens.create({ id: `new-${index}`, expiry: 1 }),
    );
    await Promise.all(made);
  });

  test("with a wrong password cannot open it; without rights they are told", async () => {
    await assert.rejects(open([peer.endpoint], { ...user, password: new Secret("wrong") }), (error) => {
      assert.match(String(error), /authentication failed/);
      assert.doesNotMatch(String(error), /wrong/);
      return true;
    });
    const elsewhere = await open([peer.endpoint], { ...user, namespace: "other/" });
    await assert.rejects(elsewhere.clients.list(), /permission denied/);
    await elsewhere.close();
  });
});

describe("TLS towards etcd", { skip: missing({ ...etcdPrograms, ...tlsPrograms }) }, () => {
  let peer: EtcdPeer;
  const tls = makeTestTls({ names: ["etcd.example"] });
  const stranger = makeTestTls();
  const own = { caFile: tls.caFile, certFile: tls.clientCertFile, keyFile: tls.clientKeyFile };
  before(async () => {
    peer = await startEtcd({ tls });
  });
  after(async () => {
    await peer.stop();
    tls.remove();
    stranger.remove();
  });

  test("takes the endpoint's name or serverName for the server's, and the system's authorities for none of ours", async () => {
    for (const serverName of ["", "etcd.example", "localhost"]) {
      const storage = await open([peer.endpoint], { ssl: { ...own, serverName } });
      assert.equal(await storage.keys.get("keys"), undefined);
      await storage.close();
    }
    const bare = await open([`127.0.0.1:${portOf(peer.endpoint)}`], { ssl: { ...own, serverName: "" } });
    await bare.close();
    for (const ssl of [
      { ...own, serverName: "other.example" },
      { ...own, serverName: "", caFile: "" },
      { ...own, serverName: "", caFile: stranger.caFile },
      { ...own, serverName: "", certFile: stranger.clientCertFile, keyFile: stranger.clientKeyFile },
      { serverName: "", caFile: tls.caFile, certFile: "", keyFile: "" },
    ])
      await assert.rejects(
        open([peer.endpoint], { ssl }).then((storage) => storage.clients.list()),
        UnavailableError,
      );
  });

  test("says which file cannot be read, and takes renewed certificates when it connects again", async (t) => {
    const missingFile = { ...own, serverName: "", caFile: "/nowhere/ca.crt" };
    await assert.rejects(open([peer.endpoint], { ssl: missingFile }), /nowhere\/ca\.crt/);
    const [certFile, keyFile] = [`${tls.caFile}.copy.crt`, `${tls.caFile}.copy.key`];
    copyFileSync(tls.clientCertFile, certFile);
    copyFileSync(tls.clientKeyFile, keyFile);
    const storage = await opened(t, [peer.endpoint], { ssl: { ...own, serverName: "", certFile, keyFile } });
    await storage.keys.get("keys");
    // A renewal that went wrong, and then right.
    writeFileSync(certFile, stranger.clientCert);
    writeFileSync(keyFile, stranger.clientKey);
    await peer.kill();
    await peer.start();
    await assert.rejects(storage.keys.get("keys"), UnavailableError);
    copyFileSync(tls.clientCertFile, certFile);
    copyFileSync(tls.clientKeyFile, keyFile);
    await heals(() => storage.keys.get("keys"));
  });
});
