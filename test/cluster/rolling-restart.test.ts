/** Two processes behind one address on one PostgreSQL, replaced one after the other while people sign in. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { stringify } from "yaml";
import { type Running, startDex } from "../cli/run-dex.ts";
import { freePort, missing } from "../peer/peer.ts";
import { postgresPrograms, startPostgres } from "../peer/postgres.ts";
import { obtainCode } from "../spec/relying-party.ts";
import { appClient, issuer, mockConnector } from "../spec/server-under-test.ts";
import { UserAgent } from "../spec/user-agent.ts";
import { redeemAt, refreshAt } from "./cluster.ts";

interface Replica {
  readonly web: string;
  readonly telemetry: string;
  running: Running;
}

/** A balancer as small as they come: asks readiness, and hands each connection to the next replica that is ready. */
async function startBalancer(t: TestContext, replicas: readonly Replica[]): Promise<number> {
  let ready: readonly Replica[] = replicas;
  let turn = 0;
  const isReady = async ({ telemetry }: Replica): Promise<boolean> =>
    fetch(`http://${telemetry}/healthz/ready`).then(
      async (response) => (await response.text()) !== "" && response.ok,
      () => false,
    );
  const probe = setInterval(async () => {
    const told = await Promise.all(replicas.map(isReady));
    ready = replicas.filter((_, index) => told[index]);
  }, 100);
  const server = createServer((near) => {
    const [host = "", port = ""] = (ready[turn++ % ready.length]?.web ?? "").split(":");
    const far = connect(Number(port), host);
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) socket.on("error", () => near.destroy() && far.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    clearInterval(probe);
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

test("a rolling restart under load loses no login and answers no fault", {
  skip: missing(postgresPrograms),
}, async (t) => {
  const peer = await startPostgres();
  t.after(() => peer.stop());
  const folder = mkdtempSync(join(tmpdir(), "dex-rolling-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const config = {
    issuer,
    oauth2: { skipApprovalScreen: true },
    staticClients: [appClient],
    connectors: [mockConnector],
    storage: { type: "postgres", config: peer.config(await peer.createDatabase()) },
    web: { http: "127.0.0.1:0", shutdownDelay: "1s" },
  };
  writeFileSync(join(folder, "config.yaml"), stringify(config));
  const start = async ({ web, telemetry }: Pick<Replica, "web" | "telemetry">): Promise<Running> => {
    const flags = ["--web-http-addr", web, "--telemetry-addr", telemetry];
    const running = startDex(["serve", ...flags, "config.yaml"], { cwd: folder });
    t.after(() => running.process.kill("SIGKILL"));
    await running.until(/server=telemetry/);
    return running;
  };
  const replicas: Replica[] = [];
  for (let index = 0; index < 2; index++) {
    const place = { web: `127.0.0.1:${await freePort()}`, telemetry: `127.0.0.1:${await freePort()}` };
    replicas.push({ ...place, running: await start(place) });
  }
  const port = await startBalancer(t, replicas);

  let isOver = false;
  let logins = 0;
  /** Signs in, redeems and refreshes, each step over whatever replica comes next. Anything but success throws. */
  async function person(): Promise<void> {
    while (!isOver) {
      const agent = new UserAgent({ issuer, port });
      const code = await obtainCode(agent, { scope: "openid offline_access" });
      agent.close();
      const first = await redeemAt(port, code);
      assert.equal(first.status, 200);
      assert.equal((await refreshAt(port, first.refreshToken)).status, 200);
      logins++;
    }
  }
  const people = Promise.all(Array.from({ length: 4 }, person));
  people.catch(() => undefined);
  for (const replica of replicas) {
    const before = logins;
    while (logins < before + 20) await Promise.race([people, new Promise((resolve) => setTimeout(resolve, 50))]);
    replica.running.process.kill("SIGTERM");
    const { code, stderr } = await replica.running.finished;
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stderr, /level=ERROR/);
    replica.running = await start(replica);
  }
  const before = logins;
  while (logins < before + 20) await Promise.race([people, new Promise((resolve) => setTimeout(resolve, 50))]);
  isOver = true;
  await people;
  for (const { running, telemetry } of replicas) {
    const metrics = await (await fetch(`http://${telemetry}/metrics`)).text();
    assert.match(metrics, /^dex_logins_total\{connector="mock",outcome="success"\} [1-9]/m, "both replicas serve");
    assert.doesNotMatch(metrics, /http_requests_total\{code="5/);
    running.process.kill("SIGTERM");
    assert.equal((await running.finished).code, 0);
  }
});
