/** Traces by OpenTelemetry, as a collector receives them. W3C Trace Context; OTLP/HTTP; OpenTelemetry SDK variables. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { startAdminStage } from "../admin/stage.ts";
import { handClock } from "../fake/hand-clock.ts";
import { startFakeOidc } from "../fake/oidc.ts";
import { type CollectedSpan, fakeCollector } from "../fake/otlp-collector.ts";
import { authPath, codeOf, redeem, refresh, tokensOf, toldClient, unescapeHtml } from "./relying-party.ts";
import { issuer, mockConnector, startServerUnderTest } from "./server-under-test.ts";
import type { Answer, UserAgent } from "./user-agent.ts";

const open: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of open.reverse()) await close();
});

const quick = { OTEL_BSP_SCHEDULE_DELAY: "20" };

async function aCollector() {
  const collector = await fakeCollector();
  open.push(() => collector.close());
  return collector;
}

async function aServer(...[file, start]: Parameters<typeof startServerUnderTest>) {
  const server = await startServerUnderTest(file, start);
  open.push(() => server.close());
  return server;
}

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const callerSpan = "00f067aa0ba902b7";
const sampled = `00-${traceId}-${callerSpan}-01`;

const named = (spans: readonly CollectedSpan[], name: string): CollectedSpan =>
  spans.find((span) => span.name === name) ?? assert.fail(`no ${name} in ${spans.map((span) => span.name).join()}`);

describe("a login whose client sends traceparent", async () => {
  const collector = await aCollector();
  const clock = handClock();
  const upstream = await startFakeOidc({ now: () => Math.floor(clock.now() / 1000) });
  open.push(() => upstream.close());
  upstream.people.set("jane", { name: "Jane", email: "jane@up.test", email_verified: true });
  const config = {
    issuer: upstream.issuer,
    clientID: "dex",
    clientSecret: "dex-secret",
    redirectURI: `${issuer}/callback`,
  };
  const file = {
    telemetry: { traces: { endpoint: collector.url, headers: "authorization=Bearer t0p", serviceName: "login" } },
    logger: { excludeFields: ["email"] },
    connectors: [{ type: "oidc", id: "up", name: "Up", config }],
  };
  const server = await aServer(file, { clock, env: quick });
  const agent = server.newAgent();
  agent.headers = { traceparent: sampled };
  const away = await agent.follow(await agent.get(authPath({ scope: "openid email" })));
  const back = await agent.follow(await agent.get((await upstream.authorize(away.location ?? assert.fail())).href));
  const redeemed = await redeem(agent, toldClient(back).code ?? "");
  tokensOf(redeemed);
  await collector.until((spans) => spans.some(({ name }) => name === "POST /token"));
  const { spans } = collector;

  it("is one connected tree under the client's span, and its id is that of the answer and of the log", () => {
    assert.equal(redeemed.headers["x-trace-id"], traceId);
    assert.ok(server.log.some((line) => line.includes(`"trace_id":"${traceId}"`)));
    const known = new Set([callerSpan, ...spans.map(({ id }) => id)]);
    for (const span of spans) {
      assert.equal(span.traceId, traceId, span.name);
      assert.ok(known.has(span.parentId), `${span.name} hangs on nothing`);
    }
    const roots = spans.filter(({ parentId }) => parentId === callerSpan);
    assert.deepEqual(
      roots.map(({ name, kind }) => [name, kind]),
      [
        ["GET /auth", 2],
        ["GET /auth/{connector}", 2],
        ["GET /callback", 2],
        ["POST /token", 2],
      ],
    );
  });

  it("has spans of phases, connectors, storage, calls and signatures", () => {
    const parentOf = (span: CollectedSpan) => spans.find(({ id }) => id === span.parentId)?.name;
    for (const [name, parent] of [
      ["flow.begin_login", "GET /auth/{connector}"],
      ["connector.begin", "flow.begin_login"],
      ["connector.finish", "GET /callback"],
      ["flow.finish_login", "GET /callback"],
      ["flow.issue_answer", "flow.finish_login"],
      ["grant authorization_code", "POST /token"],
      ["signer.sign", "grant authorization_code"],
    ] as const) {
      assert.equal(parentOf(named(spans, name)), parent, name);
    }
    const stored = spans.filter(({ name, facts }) => name === "storage.create" && facts["db.collection.name"] !== "");
    assert.ok(stored.some(({ facts }) => facts["db.collection.name"] === "authCodes"));
    assert.equal(named(spans, "POST /token").facts["http.response.status_code"], "200");
    const flows = new Set(spans.flatMap(({ facts }) => facts["dex.flow"] ?? []));
    assert.equal(flows.size, 1, "one login has one name");
  });

  it("is passed on to the upstream, under the span of the call", () => {
    const heard = upstream.heard.find(({ path, form }) => path === "/token" && form.has("code"));
    const call = named(spans, "call connector up");
    const calls = spans.filter(({ name }) => name === call.name).map(({ id }) => `00-${traceId}-${id}-01`);
    assert.equal(call.kind, 3);
    assert.ok(calls.some((traceparent) => traceparent === heard?.headers.traceparent));
  });

  it("has no part in what it sets off and nobody waits for", () => {
    const probes = upstream.heard.filter(({ path, method }) => path === "/token" && method !== "POST");
    assert.ok(probes.length > 0);
    for (const { headers } of probes) assert.equal(headers.traceparent, undefined);
  });

  it("holds the decisions of the trail, and neither secrets nor what the log leaves out", () => {
    const events = spans.flatMap((span) => span.events);
    const login = events.find(({ name }) => name === "connector.login");
    assert.deepEqual([login?.facts.outcome, login?.facts.connector_id, login?.facts.email], ["pass", "up", undefined]);
    const all = JSON.stringify(spans);
    for (const secret of ["jane@up.test", "dex-secret", "app-secret", toldClient(back).code ?? ""]) {
      assert.ok(!all.includes(secret), secret);
    }
  });

  it("says who sends it, in the collector's own words", () => {
    assert.equal(collector.resources[0]?.["service.name"], "login");
    assert.equal(collector.requests[0]?.headers.authorization, "Bearer t0p");
  });
});

describe("a login of a browser, which sends no traceparent", () => {
  /** From the choice of a connector to the tokens; `before` is called ahead of each request. */
  async function logIn(before: (agent: UserAgent) => void = () => {}) {
    const collector = await aCollector();
    const clock = handClock();
    const upstream = await startFakeOidc({ now: () => Math.floor(clock.now() / 1000) });
    open.push(() => upstream.close());
    upstream.people.set("jane", { name: "Jane", email: "jane@up.test", email_verified: true });
    const keys = {
      issuer: upstream.issuer,
      clientID: "dex",
      clientSecret: "dex-secret",
      redirectURI: `${issuer}/callback`,
    };
    const file = {
      telemetry: { traces: { endpoint: collector.url } },
      oauth2: { skipApprovalScreen: false },
      connectors: [mockConnector, { type: "oidc", id: "up", name: "Up", config: keys }],
    };
    const server = await aServer(file, { clock, env: quick });
    const agent = server.newAgent();
    const steps: Answer[] = [];
    const step = async (ask: () => Promise<Answer>): Promise<Answer> => {
      before(agent);
      const answer = await ask();
      steps.push(answer);
      return answer;
    };
    const choice = await step(() => agent.get(authPath({ scope: "openid profile offline_access" })));
    const button = unescapeHtml(/href="([^"]*\/auth\/up\?[^"]*)"/.exec(choice.body)?.[1] ?? assert.fail(choice.body));
    const away = await step(() => agent.get(new URL(button, issuer).href));
    const back = await upstream.authorize(away.location ?? assert.fail(away.body));
    const returned = await step(() => agent.get(back.href));
    const consent = await step(() => agent.get(returned.location?.href ?? assert.fail(returned.body)));
    const form = [...consent.body.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"/g)];
    const fields = Object.fromEntries(form.map(([, name = "", value = ""]) => [name, unescapeHtml(value)]));
    const agreed = await step(() => agent.post(consent.url.href, { ...fields, approval: "approve" }));
    const redeemed = await step(() => redeem(agent, codeOf(agreed)));
    const { refresh_token: token = "" } = tokensOf(redeemed);
    const later = await refresh(agent, token);
    const last = String(later.headers["x-trace-id"]);
    await collector.until((spans) => spans.some(({ kind, traceId }) => kind === 2 && traceId === last));
    return { server, steps, spans: collector.spans, later };
  }
  const rootsOf = (spans: readonly CollectedSpan[]) => spans.filter(({ kind }) => kind === 2);
  const path = [
    "GET /auth",
    "GET /auth/{connector}",
    "GET /callback",
    "GET /approval",
    "POST /approval",
    "POST /token",
  ];

  it("is one tree from the choice of a connector to the tokens, under one id in answers and log too", async () => {
    const { server, steps, spans, later } = await logIn();
    const [first] = steps;
    const trace = String(first?.headers["x-trace-id"]);
    assert.deepEqual(
      steps.map(({ headers }) => headers["x-trace-id"]),
      steps.map(() => trace),
    );
    const roots = rootsOf(spans).filter(({ traceId }) => traceId === trace);
    assert.deepEqual(
      roots.map(({ name }) => name),
      path,
    );
    const [choice, begun, ...rest] = roots;
    assert.equal(choice?.parentId, "");
    assert.equal(begun?.parentId, choice?.id);
    for (const { name, parentId } of rest) assert.equal(parentId, begun?.id, name);
    // What was read before the login was known is in it as well.
    const token = roots.at(-1);
    const known = new Map(spans.map((span) => [span.id, span]));
    for (const span of spans.filter(({ traceId, kind }) => traceId === trace && kind !== 2)) {
      assert.equal(known.get(span.parentId)?.traceId, trace, `${span.name} hangs on nothing`);
    }
    const below = (span: CollectedSpan): boolean =>
      span.parentId === token?.id || (known.has(span.parentId) && below(known.get(span.parentId) ?? assert.fail()));
    const read = spans.filter(
      ({ name, facts }) => name === "storage.get" && facts["db.collection.name"] === "authCodes",
    );
    assert.ok(read.some(below), "the code was read before it said which login it is of");
    assert.ok(server.log.some((line) => line.includes(`"trace_id":"${trace}"`) && line.includes("login successful")));
    // A family outlives the login: it is no part of it.
    assert.notEqual(later.headers["x-trace-id"], trace);
    assert.deepEqual(
      spans.flatMap(({ links }) => links),
      [],
    );
  });

  it("is linked where a gateway has begun a trace for each request", async () => {
    let asked = 0;
    const { spans } = await logIn((agent) => {
      asked += 1;
      agent.headers = { traceparent: `00-${String(asked).padStart(32, "a")}-${callerSpan}-01` };
    });
    const roots = rootsOf(spans).filter(({ parentId }) => parentId === callerSpan);
    assert.deepEqual(
      roots
        .slice(0, path.length)
        .map(({ name, traceId, links }) => [name, traceId.slice(-1), links.map((id) => id.slice(-1))]),
      path.map((name, at) => [name, String(at + 1), at === 0 ? [] : [at === 1 ? "1" : "2"]]),
    );
  });
});

describe("which traces are sent", () => {
  it("follows a caller that does not sample, and still hands the id on", async () => {
    const collector = await aCollector();
    const server = await aServer({ telemetry: { traces: { endpoint: collector.url } } }, { env: quick });
    const agent = server.newAgent();
    agent.headers = { traceparent: `00-${traceId}-${callerSpan}-00` };
    assert.equal((await agent.get("/keys")).headers["x-trace-id"], traceId);
    agent.headers = {};
    const { headers } = await agent.get("/.well-known/openid-configuration");
    await collector.until((spans) => spans.length > 0);
    assert.deepEqual(
      collector.spans.filter(({ kind }) => kind === 2).map((span) => [span.name, span.traceId, span.parentId]),
      [["GET /.well-known/openid-configuration", headers["x-trace-id"], ""]],
    );
  });

  it("takes the standard variables where the file says nothing", async () => {
    const collector = await aCollector();
    const env = {
      ...quick,
      OTEL_EXPORTER_OTLP_ENDPOINT: new URL(collector.url).origin,
      OTEL_EXPORTER_OTLP_HEADERS: "x-tenant=a%20b",
      OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
      OTEL_SERVICE_NAME: "front-door",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment=test",
      OTEL_TRACES_SAMPLER: "traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0.5",
    };
    const server = await aServer({}, { env });
    const agent = server.newAgent();
    // Half of all ids, small numbers first: a caller's word does not count with this sampler.
    for (const id of [`${"0".repeat(31)}1`, `${"0".repeat(24)}ffffffff`]) {
      agent.headers = { traceparent: `00-${id}-${callerSpan}-01` };
      await agent.get("/keys");
    }
    await collector.until((spans) => spans.length > 0);
    assert.deepEqual(new Set(collector.spans.map((span) => span.traceId)), new Set([`${"0".repeat(31)}1`]));
    const [resource] = collector.resources;
    assert.equal(resource?.["service.name"], "front-door");
    assert.equal(resource?.["deployment.environment"], "test");
    assert.equal(collector.requests[0]?.headers["x-tenant"], "a b");
  });

  it("are those of the gRPC API too", async () => {
    const collector = await aCollector();
    const stage = await startAdminStage({ telemetry: { traces: { endpoint: collector.url } } }, quick);
    open.push(() => stage.close());
    await stage.client.dex.GetVersion();
    await collector.until((spans) => spans.some(({ name }) => name === "api.Dex/GetVersion"));
    assert.equal(named(collector.spans, "api.Dex/GetVersion").facts["rpc.method"], "GetVersion");
  });
});

describe("a collector that is no help", () => {
  it("costs nobody their login: a refusal, silence, and a warning once", async () => {
    const collector = await aCollector();
    const env = { ...quick, OTEL_EXPORTER_OTLP_TIMEOUT: "200", OTEL_BSP_MAX_QUEUE_SIZE: "8" };
    const server = await aServer({ telemetry: { traces: { endpoint: collector.url } } }, { env });
    const agent = server.newAgent();
    const warnings = () => server.log.filter((line) => line.includes("the collector does not take them"));
    for (const answers of [400, undefined]) {
      collector.answers = answers;
      const before = collector.requests.length;
      for (let n = 0; n < 40; n++) assert.equal((await agent.get("/keys")).status, 200);
      await collector.until(() => collector.requests.length > before + 1);
    }
    assert.equal(warnings().length, 1);
    assert.equal(collector.spans.length, 0);
    collector.answers = 200;
    const before = collector.requests.length;
    // The second comes when the answer to the first was read.
    await collector.until(() => {
      void agent.get("/keys");
      return collector.requests.length > before + 2;
    });
    assert.ok(collector.spans.length > 0);
    assert.equal(server.log.filter((line) => line.includes("the collector takes them again")).length, 1);
    assert.equal(warnings().length, 1);
  });

  it("does not hold up the end: what waits is sent, for two seconds at the most", async () => {
    const [silent, listening] = [await aCollector(), await aCollector()];
    silent.answers = undefined;
    for (const collector of [silent, listening]) {
      // Nothing is sent before the end.
      const env = { OTEL_BSP_SCHEDULE_DELAY: "3600000" };
      const server = await startServerUnderTest({ telemetry: { traces: { endpoint: collector.url } } }, { env });
      await server.newAgent().get("/keys");
      const began = performance.now();
      await server.close();
      assert.ok(performance.now() - began < 5_000);
    }
    named(listening.spans, "GET /keys");
    assert.equal(silent.requests.length, 1);
  });
});
