/** A database that is away: before the start, in the middle, and back again. Nothing crashes, nobody is told nonsense. */
import assert from "node:assert/strict";
import { after, before, describe, type TestContext, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { mariadbPrograms, startMariadb } from "../peer/mariadb.ts";
import { startMysql, withoutMysql } from "../peer/mysql.ts";
import { missing } from "../peer/peer.ts";
import { postgresPrograms, startPostgres } from "../peer/postgres.ts";
import { type ServerUnderTest, startServerUnderTest } from "../spec/server-under-test.ts";

interface Database {
  config(database: string): object;
  createDatabase(): Promise<string>;
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

const databases = [
  {
    name: "PostgreSQL",
    type: "postgres",
    skip: missing(postgresPrograms),
    start: (): Promise<Database> => startPostgres(),
  },
  { name: "MariaDB", type: "mysql", skip: missing(mariadbPrograms), start: (): Promise<Database> => startMariadb() },
  { name: "MySQL", type: "mysql", skip: withoutMysql, start: (): Promise<Database> => startMysql() },
];

for (const { name, type, skip, start } of databases) {
  describe(`${name} goes away`, { skip }, () => {
    let peer: Database;
    before(async () => {
      peer = await start();
    });
    after(() => peer.stop());

    /** A server whose clock runs, which the tests of the specification wind by hand. */
    async function serve(t: TestContext): Promise<ServerUnderTest> {
      const config = peer.config(await peer.createDatabase());
      return serveOn(t, config);
    }

    async function serveOn(t: TestContext, config: object): Promise<ServerUnderTest> {
      const server = await startServerUnderTest({ storage: { type, config } });
      const ticking = setInterval(() => server.clock.advance(200), 200);
      t.after(async () => {
        clearInterval(ticking);
        await server.close();
      });
      return server;
    }

    const refresh = (server: ServerUnderTest): Promise<Response> =>
      fetch(`http://127.0.0.1:${server.port}/dex/token`, {
        method: "POST",
        headers: { authorization: `Basic ${Buffer.from("app:app-secret").toString("base64")}` },
        body: new URLSearchParams({ grant_type: "refresh_token", refresh_token: "nobody" }),
      });

    /** Until the answer has `status`; an answer that is neither that nor 503 is a fault. */
    async function untilAnswered(server: ServerUnderTest, status: number): Promise<Response> {
      // MySQL makes each table slowly, and a busy machine more so.
      for (const end = performance.now() + 60_000; performance.now() < end; ) {
        const answer = await refresh(server);
        if (answer.status === status) return answer;
        assert.ok([400, 503].includes(answer.status), `${answer.status}: ${await answer.text()}`);
        await wait(100);
      }
      throw new Error(`never ${status}`);
    }

    test("in the middle: 503 with Retry-After, and back to work by itself", async (t) => {
      const server = await serve(t);
      assert.equal((await refresh(server)).status, 400);
      await peer.kill();
      try {
        const answers = await Promise.all(Array.from({ length: 40 }, () => refresh(server)));
        for (const answer of answers) {
          assert.equal(answer.status, 503);
          assert.ok(Number(answer.headers.get("retry-after")) > 0);
          assert.equal(JSON.parse(await answer.text()).error, "temporarily_unavailable");
        }
      } finally {
        await peer.start();
      }
      await untilAnswered(server, 400);
    });

    test("before the start: the server starts, answers 503, and opens when the database does", async (t) => {
      const config = peer.config(await peer.createDatabase());
      await peer.kill();
      let server: ServerUnderTest | undefined;
      try {
        server = await serveOn(t, config);
        const answer = await refresh(server);
        assert.deepEqual([answer.status, answer.headers.get("retry-after") !== null], [503, true]);
        const page = await fetch(`http://127.0.0.1:${server.port}/dex/auth?client_id=app`);
        assert.equal(page.status, 503);
      } finally {
        await peer.start();
      }
      await untilAnswered(server, 400);
      const keys = await fetch(`http://127.0.0.1:${server.port}/dex/keys`);
      assert.equal(keys.status, 200);
    });

    test("before the start, and the server is stopped while it waits", async () => {
      const config = peer.config(await peer.createDatabase());
      await peer.kill();
      try {
        const server = await startServerUnderTest({ storage: { type, config } });
        await server.close();
      } finally {
        await peer.start();
      }
    });

    test("a server that the database refuses does not start", async () => {
      const config = { ...peer.config(await peer.createDatabase()), password: "wrong" };
      await assert.rejects(
        startServerUnderTest({ storage: { type, config } }).then((server) => server.close()),
        /^Error: failed to initialize storage: .*(password|Access denied)/,
      );
    });
  });
}
