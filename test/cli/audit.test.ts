/** What is kept of requests: the audit and its chain, the trails and what explains them. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { beforeTheFirst, chained } from "../../src/kernel/audit-chain.ts";
import { configFile, dex, type Running, startDex } from "./run-dex.ts";

const yaml = `issuer: http://127.0.0.1:5556/dex
storage: {type: memory}
web: {http: 127.0.0.1:0}
connectors: [{type: mockPassword, id: pw, name: P, config: {username: kilgore, password: trout}}]
oauth2: {passwordConnector: pw}
logger: {auditFile: audit.jsonl, trailFile: trails.jsonl, excludeFields: [user]}
staticClients: [{id: app, name: App, secret: app-secret, redirectURIs: ["http://127.0.0.1/cb"]}]
`;

async function serving(t: TestContext, cwd: string, ...flags: string[]): Promise<{ running: Running; base: string }> {
  const running = startDex(["serve", ...flags, "config.yaml"], { cwd });
  t.after(() => running.process.kill("SIGKILL"));
  const [, address = ""] = /server=http address=(\S+)/.exec(await running.until(/server=http address=\S+/)) ?? [];
  return { running, base: `http://${address}/dex` };
}

async function askPassword(base: string, password: string): Promise<{ status: number; trace: string; body: string }> {
  const response = await fetch(`${base}/token`, {
    method: "POST",
    body: new URLSearchParams({
      ...{ grant_type: "password", scope: "openid", username: "kilgore", password },
      ...{ client_id: "app", client_secret: "app-secret" },
    }),
  });
  return { status: response.status, trace: response.headers.get("x-trace-id") ?? "", body: await response.text() };
}

async function stopped(running: Running): Promise<string> {
  running.process.kill("SIGTERM");
  const { code, stderr } = await running.finished;
  assert.equal(code, 0);
  return stderr;
}

test("the audit names who did what, holds no secret, and goes on over a restart; any change of it is found", async (t) => {
  const { cwd } = configFile(t, yaml);
  const file = join(cwd, "audit.jsonl");
  const first = await serving(t, cwd);
  const wrong = await askPassword(first.base, "hush-hush");
  assert.equal(wrong.status, 400);
  assert.equal((await askPassword(first.base, "trout")).status, 200);
  await stopped(first.running);
  const again = await serving(t, cwd);
  const { body } = await askPassword(again.base, "trout");
  await stopped(again.running);

  const text = readFileSync(file, "utf8");
  const events: Record<string, unknown>[] = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    events.map(({ seq, event, outcome }) => [seq, event, outcome]),
    [
      [1, "login.failed", "failure"],
      [2, "token.refused", "failure"],
      [3, "login.succeeded", "success"],
      [4, "token.issued", "success"],
      [5, "login.succeeded", "success"],
      [6, "token.issued", "success"],
    ],
  );
  const { trace_id, client_ip, connector_id, client_id, user, reason } = events[0] ?? {};
  assert.deepEqual(
    [trace_id, client_ip, connector_id, client_id, user, reason],
    [wrong.trace, "127.0.0.1", "pw", "app", "kilgore", "wrong_credentials"],
  );
  const token: unknown = JSON.parse(body).access_token;
  for (const secret of ["hush-hush", "trout", "app-secret", String(token)]) assert.ok(!text.includes(secret), secret);

  const intact = await dex(["audit", "verify", "audit.jsonl"], { cwd });
  assert.equal(intact.code, 0, intact.stderr);
  assert.match(intact.stdout, /^audit\.jsonl: 6 events, unchanged, from the first\nlast: event 6, [0-9a-f]{64}\n$/);
  const lines = text.split("\n");
  const tampered: readonly (readonly [string, RegExp])[] = [
    [text.replace("login.failed", "login.passed"), /^audit\.jsonl:1: the chain is broken: it was changed/],
    [lines.toSpliced(2, 1).join("\n"), /^audit\.jsonl:3: the chain is broken: what stood before it, after event 2/],
    [text.slice(0, -10), /^audit\.jsonl:6: the chain is broken: .*cut off/],
  ];
  for (const [changed, why] of tampered) {
    writeFileSync(file, changed);
    const { code, stderr } = await dex(["audit", "verify", "audit.jsonl"], { cwd });
    assert.equal(code, 2);
    assert.match(stderr, why);
  }
});

test("nobody fills the audit by a name of a megabyte, nor keeps the server from starting with it", async (t) => {
  const { cwd } = configFile(t, yaml);
  const file = join(cwd, "audit.jsonl");
  const first = await serving(t, cwd);
  const long = "\u0001".repeat(300_000);
  const form = { grant_type: "password", client_id: long, client_secret: "x" };
  assert.equal((await fetch(`${first.base}/token`, { method: "POST", body: new URLSearchParams(form) })).status, 401);
  await stopped(first.running);
  assert.ok(readFileSync(file).length < 8_192);
  assert.ok(readFileSync(join(cwd, "trails.jsonl")).length < 8_192);
  // As an earlier version would have written it.
  writeFileSync(file, `${chained({ v: 1, event: "client.refused", client_id: long }, beforeTheFirst).line}\n`);
  const again = await serving(t, cwd);
  assert.equal((await askPassword(again.base, "trout")).status, 200);
  await stopped(again.running);
  assert.equal((await dex(["audit", "verify", "audit.jsonl"], { cwd })).code, 0);
});

test("dex explain says why, from the trail file or from the log; serve --explain says it at once", async (t) => {
  const { cwd } = configFile(t, yaml);
  const { running, base } = await serving(t, cwd, "--explain");
  const { trace } = await askPassword(base, "hush-hush");
  await running.until(new RegExp(`^trace ${trace}  client app  connector pw\\n  pass   client\\.authenticated`, "m"));
  const log = await stopped(running);
  writeFileSync(join(cwd, "dex.log"), log);
  assert.ok(
    !readFileSync(join(cwd, "trails.jsonl"), "utf8").includes("kilgore"),
    "excluded from the log, and from here",
  );
  const fromTrail = await dex(["explain", trace, "config.yaml"], { cwd });
  assert.equal(fromTrail.code, 0, fromTrail.stderr);
  assert.match(fromTrail.stdout, new RegExp(`^trace ${trace}  2`));
  assert.match(fromTrail.stdout, /^ {2}pass {3}client\.authenticated +by client_secret_post +RFC 6749 §2\.3$/m);
  assert.match(fromTrail.stdout, /^ {2}fail {3}connector\.login +wrong_credentials +RFC 6749 §4\.3\.2$/m);
  // The log at its usual level knows the refusals.
  const fromLog = await dex(["explain", trace, "dex.log"], { cwd });
  assert.match(fromLog.stdout, /^ {2}fail {3}connector\.login +wrong_credentials/m);
  const fromStdin = await dex(["explain", trace], { cwd, stdin: log });
  assert.equal(fromStdin.stdout, fromLog.stdout);
  const unknown = await dex(["explain", `${"0".repeat(31)}1`, "dex.log"], { cwd });
  assert.deepEqual([unknown.code, unknown.stdout], [2, ""]);
});
