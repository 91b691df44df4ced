/** What a database server must do beyond the conformance of its records: begin together, end garbage, break and heal. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { UnavailableError } from "../../../../kernel/errors.ts";
import { makers } from "../../../conformance/makers.ts";
import type { Storage } from "../../../contract.ts";

export interface ServerUnderTest {
  createDatabase(): Promise<string>;
  open(database: string, change?: object): Promise<Storage>;
  query(database: string, sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  kill(): Promise<void>;
  start(): Promise<void>;
  /** How many steps of Dex's there are. */
  readonly steps: number;
  /** Keeps the refresh token `id` locked for so long. */
  hold(database: string, id: string, seconds: number): Promise<unknown>;
  /** A statement that makes `count` revoked tokens that ended before `end`. */
  fill(count: number, end: string): string;
}

export function runServerSuite(server: () => ServerUnderTest): void {
  test("several that begin together on an empty database all begin, and every step is done once", async () => {
    const database = await server().createDatabase();
    const opened = await Promise.all(Array.from({ length: 5 }, () => server().open(database)));
    await Promise.all(opened.map((storage) => storage.close()));
    const rows = await server().query(database, "select num from migrations order by num");
    assert.deepEqual(
      rows.map(({ num }) => Number(num)),
      Array.from({ length: server().steps }, (_, index) => index + 1),
    );
  });

  test("64 updates of 64 records from two processes' pools at once, five rounds, every one applied", async () => {
    const database = await server().createDatabase();
    const [left, right] = [await server().open(database), await server().open(database)];
    const ids = Array.from({ length: 64 }, (_, index) => `both-${index}`);
    await Promise.all(ids.map((id) => left.refreshTokens.create(makers.refreshTokens({ id, nonce: "0" }))));
    const bump = (storage: Storage) =>
      Promise.all(
        ids.map((id) =>
          storage.refreshTokens.update(id, (current) => ({ ...current, nonce: String(Number(current.nonce) + 1) })),
        ),
      );
    for (let round = 0; round < 5; round++) await Promise.all([bump(left), bump(right)]);
    const found = await left.refreshTokens.list();
    assert.deepEqual([...new Set(found.map(({ nonce }) => nonce))], ["10"]);
    await left.close();
    await right.close();
  });

  test("a hundred thousand expired rows go in batches, and nobody who asks meanwhile waits for them", async () => {
    const count = 100_000;
    const database = await server().createDatabase();
    const storage = await server().open(database);
    await server().query(database, server().fill(count, "2030-01-01 00:00:00"));
    await storage.refreshTokens.create(makers.refreshTokens({ id: "asked" }));
    let slowest = 0;
    let isOver = false;
    const asking = (async () => {
      while (!isOver) {
        const began = performance.now();
        await storage.refreshTokens.update("asked", (current) => ({ ...current, lastUsed: current.lastUsed + 1 }));
        slowest = Math.max(slowest, performance.now() - began);
      }
    })();
    let deleted = 0;
    for (let isDone = false; !isDone; ) {
      const run = await storage.collectGarbage(Date.UTC(2031, 0), 500);
      deleted += run.deleted.revokedTokens ?? 0;
      isDone = run.isDone;
    }
    isOver = true;
    await asking;
    assert.equal(deleted, count);
    assert.ok(slowest < 1_000, `a request waited ${Math.round(slowest)} ms`);
    await storage.close();
  });

  test("a row that somebody keeps locked is given up in the time of one statement", async () => {
    const database = await server().createDatabase();
    const storage = await server().open(database);
    for (const id of ["held", "free"]) await storage.refreshTokens.create(makers.refreshTokens({ id, nonce: "0" }));
    const holding = server().hold(database, "held", 14);
    await wait(1_000);
    const bump = (id: string) => storage.refreshTokens.update(id, (current) => ({ ...current, nonce: "1" }));
    const began = performance.now();
    const refused = assert.rejects(bump("held"), UnavailableError);
    assert.equal((await bump("free"))?.nonce, "1");
    await refused;
    assert.ok(performance.now() - began < 13_000);
    await holding;
    assert.equal((await bump("held"))?.nonce, "1");
    await storage.close();
  });

  test("more statements than may wait are refused, and none is lost", async () => {
    const storage = await server().open(await server().createDatabase(), { maxOpenConns: 1 });
    const settled = await Promise.allSettled(Array.from({ length: 3_000 }, () => storage.clients.get("nobody")));
    const refused = settled.filter(({ status }) => status === "rejected");
    for (const each of refused) assert.ok(each.status === "rejected" && each.reason instanceof UnavailableError);
    assert.ok(refused.length > 500 && refused.length < 1_500, String(refused.length));
    assert.equal(await storage.clients.get("nobody"), undefined);
    await storage.close();
  });

  test("ping gives up when it is told to, and rejects while the database is away", async () => {
    const storage = await server().open(await server().createDatabase());
    await storage.ping(AbortSignal.timeout(5_000));
    await assert.rejects(storage.ping(AbortSignal.abort(new Error("enough"))), /enough/);
    await server().kill();
    try {
      await assert.rejects(storage.ping(AbortSignal.timeout(5_000)), UnavailableError);
    } finally {
      await server().start();
    }
    // For a quarter of a second after a failure nobody tries again, and a server may be back sooner.
    await wait(300);
    await storage.ping(AbortSignal.timeout(5_000));
    await storage.close();
  });

  test("a key that no text of a database can hold is nobody's", async () => {
    const storage = await server().open(await server().createDatabase());
    assert.equal(await storage.clients.get("a\0b"), undefined);
    assert.equal(await storage.clients.delete("a\0b"), false);
    await storage.close();
  });
}

/** TLS and sockets: each mode with what it lets in and keeps out. */
export function runTlsSuite(
  modes: readonly { readonly name: string; readonly change: () => object; readonly refused?: RegExp }[],
  open: (change: object) => Promise<Storage>,
): void {
  describe("is reached", () => {
    for (const { name, change, refused } of modes) {
      test(name, async () => {
        if (refused !== undefined) {
          await assert.rejects(
            open(change()).then((storage) => storage.close()),
            (error) => error instanceof Error && !(error instanceof UnavailableError) && refused.test(error.message),
          );
          return;
        }
        const storage = await open(change());
        await storage.ping(AbortSignal.timeout(5_000));
        await storage.close();
      });
    }
  });
}
