import assert from "node:assert/strict";
import { test } from "node:test";
import { configFile, dex } from "./run-dex.ts";

const good = `issuer: http://127.0.0.1:5556/dex
storage: {type: memory}
web: {http: 127.0.0.1:0}
enablePasswordDB: true
staticClients: [{id: a, name: A, secret: hush-hush}]
`;

test("says ok for a config that can be served", async (t) => {
  const { path, cwd } = configFile(t, good);
  assert.deepEqual(await dex(["validate", path], { cwd }), { code: 0, signal: null, stdout: "ok\n", stderr: "" });
});

test("says every mistake at once, in the file's order, with place, path and what was meant", async (t) => {
  const { path, cwd } = configFile(
    t,
    `issuer: yes
storage:
  type: memroy
web:
  http: 127.0.0.1:0
  tlsMinVersion: "1.1"
oauth2:
  pkce:
    enforced: true
telemetry:
  http: 127.0.0.1:0
`,
  );
  const { code, stdout, stderr } = await dex(["validate", path], { cwd });
  assert.equal(code, 2);
  assert.equal(stdout, "");
  assert.deepEqual(stderr.split("\n"), [
    'config.yaml:1:1: issuer: json: cannot unmarshal bool into Go struct field Config.issuer of type string (YAML reads yes as a boolean; quote it: "yes")',
    'config.yaml:3:3: storage.type: unknown storage type "memroy" (did you mean "memory"?)',
    "config.yaml:6:3: web.tlsMinVersion: supported TLS versions are: 1.2, 1.3",
    "config.yaml:1:1: warning: connectors: no connectors specified and no password database: nobody can log in unless the storage holds a connector",
    'config.yaml:9:5: warning: oauth2.pkce.enforced: unknown key "enforced", which is ignored (did you mean "enforce"?)',
    "",
  ]);
});

test("reads standard input, and the environment", async () => {
  const stdin = good.replace("secret: hush-hush", "secretEnv: CLIENT_SECRET");
  const unset = await dex(["validate", "-"], { stdin });
  assert.equal(unset.code, 2);
  assert.match(
    unset.stderr,
    /^-:5:\d+: staticClients\[0\]\.secretEnv: invalid config: the environment variable "CLIENT_SECRET" is not set or empty\n$/,
  );
  assert.equal((await dex(["validate", "-"], { stdin, env: { CLIENT_SECRET: "x" } })).stdout, "ok\n");
});

test("a key cannot drive the terminal", async () => {
  const { stderr } = await dex(["validate", "-"], { stdin: `${good}"\\e[31mred\\e[0m\\n": 1\n` });
  assert.ok(!stderr.includes("\u001b"), JSON.stringify(stderr));
  assert.equal(stderr.split("\n").length, 2);
});

test("a file that is not there, or a folder, is one line", async (t) => {
  const { cwd } = configFile(t, "");
  assert.deepEqual(await dex(["validate", "nope.yaml"], { cwd }), {
    code: 2,
    signal: null,
    stdout: "",
    stderr: "failed to read config file nope.yaml: open nope.yaml: no such file or directory\n",
  });
  assert.equal(
    (await dex(["validate", "."], { cwd })).stderr,
    "failed to read config file .: read .: is a directory\n",
  );
});

test("print-config prints the effective config without secrets, and nothing for a bad one", async () => {
  const { code, stdout, stderr } = await dex(["print-config", "-"], { stdin: good });
  assert.equal(code, 0);
  assert.equal(stderr, "");
  assert.match(stdout, /^issuer: http:\/\/127\.0\.0\.1:5556\/dex\n/);
  assert.match(stdout, /^ {2}idTokens: 24h0m0s$/m);
  assert.match(stdout, /^ {4}secret: "\*\*\*"$/m);
  assert.ok(!stdout.includes("hush-hush"));
  const bad = await dex(["print-config", "-"], { stdin: "issuer: x\n" });
  assert.deepEqual([bad.code, bad.stdout], [2, ""]);
  assert.match(bad.stderr, /^invalid Config:\n\t-\tno storage supplied in config file\n/);
});
