import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { configFile, dex, type Running, startDex } from "./run-dex.ts";

const noProc = existsSync("/proc/self/task") ? false : "there is no /proc that names threads";
const good = `issuer: http://127.0.0.1:5556/dex
storage: {type: memory}
web: {http: 127.0.0.1:0}
enablePasswordDB: true
`;

test("refuses with Dex's list, each of its lines whole", async (t) => {
  const { cwd } = configFile(t, "web: {http: 127.0.0.1:0}\n");
  assert.deepEqual(await dex(["serve", "config.yaml"], { cwd }), {
    code: 2,
    signal: null,
    stdout: "",
    stderr: "invalid Config:\n\t-\tno issuer specified in config file\n\t-\tno storage supplied in config file\n",
  });
});

test("refuses a single mistake as Dex words it, with its place on the next line", async (t) => {
  const cases: readonly (readonly [string, string])[] = [
    [
      good.replace("memory", "memroy"),
      'error unmarshalling config file config.yaml: unknown storage type "memroy"\n\tconfig.yaml:2:11: storage.type (did you mean "memory"?)\n',
    ],
    [
      `${good}expiry: {idTokens: 1d}\n`,
      'invalid config value "1d" for id token expiry: time: unknown unit "d" in duration "1d"\n\tconfig.yaml:5:10: expiry.idTokens (a number and a unit: 30s, 5m, 1h30m; there are no days)\n',
    ],
    ["a: 1\n\tb: 2\n", "error parse config file config.yaml: yaml: line 2: Tabs are not allowed as indentation\n"],
    [
      `${good}web: {http: ":0", tlsMinVersion: "9"}\n`,
      "invalid Config:\n\t-\tsupported TLS versions are: 1.2, 1.3\n\t\tconfig.yaml:5:19: web.tlsMinVersion\n",
    ],
  ];
  for (const [yaml, stderr] of cases) {
    const { cwd } = configFile(t, yaml);
    const finished = await dex(["serve", "config.yaml"], { cwd });
    assert.deepEqual([finished.code, finished.stderr], [2, stderr]);
  }
});

test("a port that is taken is one line and exit code 2", async (t) => {
  const first = await serving(t, good);
  const { cwd } = configFile(t, good);
  const { code, stderr } = await dex(["serve", "config.yaml", "--web-http-addr", first.address], { cwd });
  assert.equal(code, 2);
  assert.match(stderr.trimEnd().split("\n").at(-1) ?? "", new RegExp(first.address));
});

interface Serving {
  readonly running: Running;
  readonly address: string;
}

/** A server that answers. Killed after the test if it still runs. */
async function serving(t: TestContext, yaml: string, flags: readonly string[] = []): Promise<Serving> {
  const { cwd } = configFile(t, yaml);
  const running = startDex(["serve", ...flags, "config.yaml"], { cwd });
  t.after(() => running.process.kill("SIGKILL"));
  const log = await running.until(/server=http address=\S+/);
  const [, address = ""] = /server=http address=(\S+)/.exec(log) ?? [];
  return { running, address };
}

test("serves, says what was configured, and ends with 0 on SIGTERM and on SIGINT", async (t) => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    const { running, address } = await serving(
      t,
      `${good}staticClients: [{id: a, name: A client, secret: hush-hush}]\nweb: {http: 127.0.0.1:0, htps: x}\n`,
    );
    const answer = await fetch(`http://${address}/dex/.well-known/openid-configuration`);
    assert.equal(answer.status, 200);
    await answer.text();
    running.process.kill(signal);
    const { code, stdout, stderr } = await running.finished;
    assert.equal(code, 0, stderr);
    assert.equal(stdout, "");
    const lines = stderr.split("\n");
    assert.match(
      lines[0] ?? "",
      /level=INFO msg="Version info" dex_version=\S+ node\.version=v\S+ node\.os=\S+ node\.arch=\S+$/,
    );
    assert.match(lines[1] ?? "", /level=INFO msg="config issuer" issuer=http:\/\/127\.0\.0\.1:5556\/dex$/);
    assert.match(stderr, /level=INFO msg="config static client" client_name="A client"$/m);
    assert.match(
      stderr,
      /level=WARN msg="unknown key \\"htps\\", which is ignored" path=web\.htps line=6 did_you_mean=http/,
    );
    assert.ok(!stderr.includes("hush-hush"));
  }
});

test("an address on the command line wins over the file's, an empty one does not", async (t) => {
  const yaml = good.replace("127.0.0.1:0", "127.0.0.1:1");
  const { address, running } = await serving(t, yaml, ["--web-http-addr=127.0.0.1:0", "--web-https-addr="]);
  assert.notEqual(address, "127.0.0.1:1");
  running.process.kill("SIGTERM");
  assert.equal((await running.finished).code, 0);
});

test("SIGHUP does not end it", async (t) => {
  const { running, address } = await serving(t, good);
  running.process.kill("SIGHUP");
  const answer = await fetch(`http://${address}/dex/keys`);
  assert.equal(answer.status, 200);
  await answer.text();
  running.process.kill("SIGTERM");
  assert.equal((await running.finished).code, 0);
});

test("the threads that sign stand behind the one that answers", { skip: noProc }, async (t) => {
  const { running } = await serving(t, good);
  const { pid = 0 } = running.process;
  const tasks = `/proc/${pid}/task`;
  const pool = readdirSync(tasks).filter((id) => readFileSync(`${tasks}/${id}/comm`, "utf8") === "libuv-worker\n");
  assert.ok(pool.length > 0, "the pool has not begun to work");
  // The address is logged a moment before the start is over.
  while (pool.some((thread) => niceness(`${tasks}/${thread}/stat`) === 0)) await sleep(10);
  assert.deepEqual(
    pool.map((thread) => niceness(`${tasks}/${thread}/stat`)),
    pool.map(() => 5),
  );
  assert.equal(niceness(`${tasks}/${pid}/stat`), 0);
});

/** The 19th field; the second, a name in parentheses, may hold spaces. proc_pid_stat(5). */
const niceness = (file: string): number => Number(readFileSync(file, "utf8").split(") ").at(-1)?.split(" ")[16]);

test("a second signal ends it at once, though a request is still open", async (t) => {
  const { running, address } = await serving(t, good);
  const { hostname, port } = new URL(`http://${address}`);
  const client = connect(Number(port), hostname);
  t.after(() => client.destroy());
  client.on("error", () => {});
  // The answer to the first request proves that the second one, whose body never comes, was accepted.
  client.write("GET /dex/keys HTTP/1.1\r\nHost: x\r\n\r\n");
  await new Promise((resolve) => client.once("data", resolve));
  client.write(
    "POST /dex/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\na",
  );
  running.process.kill("SIGTERM");
  await running.until(/received signal/);
  running.process.kill("SIGTERM");
  assert.equal((await running.finished).code, 1);
});
