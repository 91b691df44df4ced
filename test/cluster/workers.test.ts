/** One process with several threads on one PostgreSQL: they answer as one server does. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { stringify } from "yaml";
import { configFile, dex, type Running, startDex } from "../cli/run-dex.ts";
import { startFakeOidc } from "../fake/oidc.ts";
import { freePort, missing } from "../peer/peer.ts";
import { postgresPrograms, startPostgres } from "../peer/postgres.ts";
import { app, authPath } from "../spec/relying-party.ts";
import { appClient, issuer, mockConnector } from "../spec/server-under-test.ts";
import { UserAgent } from "../spec/user-agent.ts";
import { codeFrom, redeemAt, refreshAt } from "./cluster.ts";

const count = 3;

interface Served {
  readonly cwd: string;
  readonly port: number;
  readonly telemetry: string;
  readonly running: Running;
  readonly config: object;
}

async function serve(t: TestContext): Promise<Served> {
  const peer = await startPostgres();
  t.after(() => peer.stop());
  const port = await freePort();
  const telemetry = `127.0.0.1:${await freePort()}`;
  const config = {
    issuer,
    oauth2: { skipApprovalScreen: true },
    expiry: { refreshTokens: { reuseInterval: "30s" } },
    staticClients: [appClient],
    connectors: [mockConnector],
    storage: { type: "postgres", config: peer.config(await peer.createDatabase()) },
    // Time for a balancer to send nobody here any more.
    web: { http: `127.0.0.1:${port}`, workers: count, shutdownDelay: "1s" },
    telemetry: { http: telemetry },
    logger: { auditFile: "audit.jsonl", trailFile: "trails.jsonl" },
  };
  const { cwd } = configFile(t, stringify(config));
  const running = startDex(["serve", "config.yaml"], { cwd });
  t.after(() => running.process.kill("SIGKILL"));
  await running.until(/server=telemetry/);
  return { cwd, port, telemetry, running, config };
}

const workersIn = (log: string, event: string): ReadonlySet<string> =>
  new Set(
    [...log.matchAll(new RegExp(`msg="${event}"[^\\n]*`, "g"))].map(([line]) => / worker=(\d+)/.exec(line)?.[1] ?? "1"),
  );

test("several threads serve one address, and metrics, audit and trails are the process's", {
  skip: missing(postgresPrograms),
}, async (t) => {
  const { cwd, port, telemetry, running } = await serve(t);
  const logins = 48;
  const codes = await Promise.all(Array.from({ length: logins }, () => codeFrom(port)));
  const answers = await Promise.all(codes.map((code) => redeemAt(port, code)));
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
  // A token of one is a token of all, whichever of them is asked, and all at once.
  const { refreshToken } = await redeemAt(port, await codeFrom(port));
  const refreshed = await Promise.all(Array.from({ length: 30 }, () => refreshAt(port, refreshToken)));
  assert.deepEqual([...new Set(refreshed.map(({ status }) => status))], [200]);
  assert.equal(new Set(refreshed.map((answer) => answer.refreshToken)).size, 1);

  const metrics = await (await fetch(`http://${telemetry}/metrics`)).text();
  const tokens = [...metrics.matchAll(/^http_requests_total\{code="200",method="post",handler="\/token"\} (\d+)$/gm)];
  assert.deepEqual(
    tokens.map(([, total]) => Number(total)),
    [logins + 31],
  );
  running.process.kill("SIGTERM");
  const { code, stderr } = await running.finished;
  assert.equal(code, 0);
  assert.ok(workersIn(stderr, "login successful").size > 1, stderr);
  const audit = await dex(["audit", "verify", "audit.jsonl"], { cwd });
  assert.equal(audit.code, 0, audit.stderr);
  const events = readFileSync(join(cwd, "audit.jsonl"), "utf8").trimEnd().split("\n");
  assert.ok(events.length >= logins * 2, `${events.length} events`);
  const traces = new Set(
    readFileSync(join(cwd, "trails.jsonl"), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).trace_id),
  );
  assert.ok(traces.size >= logins * 2, `${traces.size} traces`);
});

test("a changed configuration reaches every thread, and a stop under load cuts nobody off", {
  skip: missing(postgresPrograms),
}, async (t) => {
  const { cwd, port, running, config } = await serve(t);
  const knows = async (): Promise<number> => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, async () => {
        const agent = new UserAgent({ issuer, port });
        const query = "client_id=second&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcb&response_type=code&scope=openid";
        const { status } = await agent.get(`/auth?${query}`);
        agent.close();
        return status;
      }),
    );
    return answers.filter((status) => status < 400).length;
  };
  assert.equal(await knows(), 0);
  const second = { id: "second", name: "Second", secret: "two", redirectURIs: ["http://127.0.0.1/cb"] };
  writeFileSync(join(cwd, "config.yaml"), stringify({ ...config, staticClients: [appClient, second] }));
  await running.until(/config reloaded/);
  assert.equal(await knows(), 40, "it is said when no thread has the old configuration any more");

  let isStopped = false;
  const statuses: number[] = [];
  const lanes = Array.from({ length: 6 }, async () => {
    let { refreshToken } = await redeemAt(port, await codeFrom(port));
    while (!isStopped) {
      const answer = await refreshAt(port, refreshToken);
      statuses.push(answer.status);
      refreshToken = answer.refreshToken;
    }
  });
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  running.process.kill("SIGTERM");
  // As a balancer does, which has asked for readiness meanwhile.
  await new Promise((resolve) => setTimeout(resolve, 500));
  isStopped = true;
  await Promise.all(lanes);
  const { code } = await running.finished;
  assert.equal(code, 0);
  assert.ok(statuses.length > 20, `${statuses.length} refreshes`);
  assert.deepEqual([...new Set(statuses)], [200]);
});

test("who guesses has as many tries at all threads together as at one", {
  skip: missing(postgresPrograms),
}, async (t) => {
  const { port } = await serve(t);
  const form = { grant_type: "authorization_code", code: "none", client_id: appClient.id, client_secret: "wrong" };
  const statuses: number[] = [];
  for (let guess = 0; guess < 60; guess++) {
    // Over a connection of its own, so that the system spreads them over the threads.
    const agent = new UserAgent({ issuer, port });
    statuses.push((await agent.ask("/token", { method: "POST", form, isFresh: true })).status);
    agent.close();
    // What one thread counts takes a turn to reach the others.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.deepEqual(statuses, [...Array(20).fill(401), ...Array(40).fill(429)]);
});

test("all threads change, or none of them", { skip: missing(postgresPrograms) }, async (t) => {
  const { cwd, port, running, config } = await serve(t);
  const upstream = await startFakeOidc();
  t.after(() => upstream.close());
  const withUpstream = stringify({
    ...config,
    connectors: [
      mockConnector,
      {
        type: "oidc",
        id: "up",
        name: "Up",
        config: { issuer: upstream.issuer, clientID: "dex", clientSecret: "s", redirectURI: `${issuer}/callback` },
      },
    ],
  });
  const haveIt = async (): Promise<number> => {
    const asked = Array.from({ length: 40 }, async () => {
      const agent = new UserAgent({ issuer, port });
      const { status } = await agent.get(authPath({ scope: "openid" }, app, "/auth/up"));
      agent.close();
      return status;
    });
    return (await Promise.all(asked)).filter((status) => status === 302).length;
  };
  // The upstream answers all threads but one.
  for (let answered = 1; answered < count; answered++) upstream.next("/.well-known/openid-configuration", {});
  upstream.always("/.well-known/openid-configuration", { status: 503 });
  writeFileSync(join(cwd, "config.yaml"), withUpstream);
  await running.until(/config not reloaded: the server goes on.*Failed to open connector up/);
  assert.equal(await haveIt(), 0);
  upstream.always("/.well-known/openid-configuration", {});
  running.process.kill("SIGHUP");
  await running.until(/msg="config reloaded"/);
  assert.equal(await haveIt(), 40);
});

test("an address that another server has is refused, though threads share theirs", {
  skip: missing(postgresPrograms),
}, async (t) => {
  const { cwd } = await serve(t);
  const late = await dex(["serve", "config.yaml"], { cwd });
  assert.equal(late.code, 2);
  assert.match(late.stderr, /EADDRINUSE/);
});
