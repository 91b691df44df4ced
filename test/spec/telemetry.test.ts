/** What operators' machines read: metrics under Dex's names, health, profiles. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { z } from "zod";
import { app, askToken, obtainCode, redeem, refresh, refreshTokenOf } from "./relying-party.ts";
import { mockConnector, passwordConnector, startServerUnderTest } from "./server-under-test.ts";

const file = {
  connectors: [mockConnector, passwordConnector],
  oauth2: { passwordConnector: "pw", skipApprovalScreen: true },
  telemetry: { http: "127.0.0.1:0" },
};
const server = await startServerUnderTest(file);
const profiled = await startServerUnderTest({ ...file, telemetry: { http: "127.0.0.1:0", enableProfiling: true } });
after(() => Promise.all([server.close(), profiled.close()]));

interface Told {
  readonly status: number;
  readonly type: string | null;
  readonly body: string;
}

async function ask(path: string, { telemetry } = server): Promise<Told> {
  const response = await fetch(`http://${telemetry}${path}`);
  return { status: response.status, type: response.headers.get("content-type"), body: await response.text() };
}

/** Every sample by its name and labels, as the text has them. */
async function metrics(): Promise<ReadonlyMap<string, number>> {
  const { body } = await ask("/metrics");
  const lines = body.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
  );
}

/** Those of Dex's metrics that dashboards read; recorded from a running Dex, master of August 2026. */
const dexNames = [
  ...["dex_build_info", "http_requests_total", "request_duration_seconds_bucket", "response_size_bytes_bucket"],
  ...["process_cpu_seconds_total", "process_open_fds", "process_max_fds", "process_resident_memory_bytes"],
  ...["process_virtual_memory_bytes", "process_virtual_memory_max_bytes", "process_start_time_seconds"],
  ...["process_network_receive_bytes_total", "process_network_transmit_bytes_total"],
  ...["go_goroutines", "go_threads", "go_info", "go_sched_gomaxprocs_threads", "go_memstats_alloc_bytes"],
  ...["go_memstats_heap_alloc_bytes", "go_memstats_heap_inuse_bytes", "go_memstats_heap_sys_bytes"],
  ...["go_memstats_heap_idle_bytes", "go_memstats_sys_bytes"],
];

describe("/metrics", () => {
  it("counts requests by route, method and status as Dex does, and no unknown path", async () => {
    const agent = server.newAgent();
    await agent.get("/keys");
    await agent.get("/keys");
    await agent.ask("/token", { method: "PROPFIND" });
    await agent.get("/no-such-path");
    const found = await metrics();
    assert.equal(found.get('http_requests_total{code="200",method="get",handler="/keys"}'), 2);
    assert.equal(found.get('response_size_bytes_count{code="200",method="get",handler="/keys"}'), 2);
    assert.equal(found.get('request_duration_seconds_bucket{le="0.25",code="200",method="get",handler="/keys"}'), 2);
    assert.equal(found.get('http_requests_total{code="400",method="unknown",handler="/token"}'), 1);
    assert.ok(![...found.keys()].some((name) => name.includes("no-such-path")));
  });

  it("has the names of Dex that dashboards read", { skip: process.platform !== "linux" }, async () => {
    const names = new Set([...(await metrics()).keys()].map((name) => name.replace(/\{.*/s, "")));
    assert.deepEqual(
      dexNames.filter((name) => !names.has(name)),
      [],
    );
  });

  it("counts logins, grants and the outcomes of refresh tokens", async () => {
    const agent = server.newAgent();
    const code = await obtainCode(agent, { scope: "openid offline_access", connector_id: "mock" });
    const first = refreshTokenOf(await redeem(agent, code));
    await refresh(agent, first);
    await server.clock.advance(60_000);
    assert.equal((await refresh(agent, first)).status, 400);
    const wrong = { grant_type: "password", scope: "openid", username: "kilgore", password: "no" };
    assert.equal((await askToken(agent, wrong)).status, 400);
    const found = await metrics();
    assert.equal(found.get('dex_logins_total{connector="mock",outcome="success"}'), 1);
    assert.equal(found.get('dex_logins_total{connector="pw",outcome="wrong_credentials"}'), 1);
    assert.equal(found.get('dex_token_requests_total{grant_type="authorization_code",outcome="issued"}'), 1);
    assert.equal(found.get('dex_token_requests_total{grant_type="refresh_token",outcome="invalid_grant"}'), 1);
    assert.equal(found.get('dex_refresh_total{outcome="success"}'), 1);
    assert.equal(found.get('dex_refresh_total{outcome="replayed"}'), 1);
    assert.ok(
      (found.get('dex_storage_operation_duration_seconds_count{kind="refreshTokens",operation="update"}') ?? 0) > 0,
    );
    assert.equal(found.get('dex_health_check{check="storage"}'), 1);
    assert.equal(found.get("dex_bcrypt_waiting"), 0);
    assert.ok((found.get("dex_signing_key_age_seconds") ?? -1) >= 0);
    assert.ok(
      ![...found.keys()].some((name) => name.startsWith("dex_certificate_expiry")),
      "nothing has a certificate",
    );
  });

  it("names no person, no client's secret and no token", async () => {
    const { body } = await ask("/metrics");
    assert.ok(!/kilgore|app-secret|eyJ/.test(body));
    assert.ok(app.secret === "app-secret");
  });

  it("comes packed where that is understood", async () => {
    const response = await fetch(`http://${server.telemetry}/metrics`, { headers: { "accept-encoding": "gzip" } });
    assert.equal(response.headers.get("content-encoding"), "gzip");
    assert.match(await response.text(), /^# HELP/m);
  });
});

const report = z.object({
  storage: z.object({
    timestamp: z.string(),
    contiguousFailures: z.literal(0),
    timeOfFirstFailure: z.null(),
    duration: z.number().int().optional(),
  }),
});

describe("health", () => {
  it("is told in Dex's words", async () => {
    for (const path of ["/healthz", "/healthz/ready"]) {
      const { status, type, body } = await ask(path);
      assert.deepEqual([status, type], [200, "application/json"]);
      assert.ok(report.parse(JSON.parse(body)));
      assert.match(body, /^\{\n\t"storage": \{\n\t\t/);
    }
    assert.equal((await ask("/healthz?type=short")).body, '{\n\t"storage": "PASS"\n}\n');
    const { status, type, body } = await ask("/healthz/live");
    assert.deepEqual([status, type, body], [200, "text/plain; charset=utf-8", "ok"]);
  });

  it("of the web listener is a sentence", async () => {
    const { status, body } = await server.newAgent().get("/healthz");
    assert.deepEqual([status, body], [200, "Health check passed"]);
  });

  it("asks the database once in five seconds, and writes nothing", async () => {
    const pings = 'dex_storage_operation_duration_seconds_count{kind="",operation="ping"}';
    await server.clock.advance(5_000);
    await ask("/healthz");
    const before = await metrics();
    for (let probe = 0; probe < 20; probe++) await Promise.all([ask("/healthz"), server.newAgent().get("/healthz")]);
    const after = await metrics();
    assert.equal(after.get(pings), before.get(pings));
    const creates = (found: ReadonlyMap<string, number>) =>
      [...found].filter(([name]) => name.includes('operation="create"'));
    assert.deepEqual(creates(after), creates(before));
  });
});

describe("profiles", () => {
  it("are not there unless they are asked for", async () => {
    const { status, body } = await ask("/debug/pprof/");
    assert.deepEqual([status, body], [404, "404 page not found\n"]);
  });

  it("are V8's, one at a time; Go's own are refused in words", async () => {
    assert.match((await ask("/debug/pprof/", profiled)).body, /profile\?seconds/);
    const [one, other] = await Promise.all([
      ask("/debug/pprof/profile?seconds=1", profiled),
      ask("/debug/pprof/heap?seconds=1", profiled),
    ]);
    assert.deepEqual([one.status, other.status].toSorted(), [200, 503]);
    const [taken] = [one, other].filter(({ status }) => status === 200);
    assert.ok(z.looseObject({}).parse(JSON.parse(taken?.body ?? "")));
    assert.equal((await ask("/debug/pprof/goroutine", profiled)).status, 501);
    assert.equal((await ask("/debug/pprof/nonsense", profiled)).status, 404);
  });
});
