import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { z } from "zod";
import { differences, differencesForAll } from "../../src/config/differences.ts";
import { configFile, dex } from "./run-dex.ts";

const harmless = `issuer: https://id.example.com/dex
storage: {type: sqlite3, config: {file: dex.db}}
web: {http: 127.0.0.1:0}
enablePasswordDB: true
`;
const telling = `issuer: http://id.example.com/dex
storage: {type: memory}
web:
  http: 127.0.0.1:0
  allowedOrigins: ["https://a.example", "*"]
oauth2:
  responseTypes: [code, "id_token token"]
  passwordConnector: local
expiry:
  SigningKeys: 6h
enablePasswordDB: true
staticClients:
  - {id: a, name: A, secret: hush-hush, redirectURIs: ["https://a.example/device/callback"]}
`;

const output = z.strictObject({
  mistakes: z.array(z.object({ path: z.string(), line: z.number(), message: z.string() })),
  findings: z.array(
    z.object({ kind: z.string(), path: z.string(), line: z.number(), message: z.string(), todo: z.string().min(1) }),
  ),
});

test("a harmless config: differences for everybody, and success", async () => {
  const { code, stdout, stderr } = await dex(["doctor", "-"], { stdin: harmless });
  assert.deepEqual([code, stderr], [0, ""]);
  const lines = stdout.trimEnd().split("\n");
  assert.equal(lines.length, differencesForAll.length);
  for (const line of lines) assert.match(line, /^-: difference \((fixed|safer|never|ours)\): .+ \(.+\)$/);
});

test("what is deprecated or dangerous, at its line, with what to do, and no secret", async (t) => {
  const { path, cwd } = configFile(t, telling);
  const { code, stdout } = await dex(["doctor", path], { cwd });
  assert.equal(code, 1);
  assert.ok(!stdout.includes("hush-hush"));
  for (const [place, kind] of [
    ["1:1: issuer", "dangerous"],
    ["2:11: storage.type", "dangerous"],
    ["5:41: web.allowedOrigins[1]", "dangerous"],
    ["7:25: oauth2.responseTypes[1]", "dangerous"],
    ["7:25: oauth2.responseTypes[1]", "difference (fixed)"],
    ["8:3: oauth2.passwordConnector", "dangerous"],
    ["8:3: oauth2.passwordConnector", "difference (fixed)"],
    ["10:3: expiry.SigningKeys", "deprecated"],
    ["13:22: staticClients[0].secret", "dangerous"],
    ["13:56: staticClients[0].redirectURIs[0]", "difference (fixed)"],
  ] as const) {
    assert.ok(stdout.includes(`config.yaml:${place}: ${kind}: `), `${place} ${kind}\n${stdout}`);
  }
});

test("the same as JSON", async () => {
  const { code, stdout } = await dex(["doctor", "--json", "-"], { stdin: telling });
  assert.equal(code, 1);
  const { mistakes, findings } = output.parse(JSON.parse(stdout));
  assert.deepEqual(mistakes, []);
  const deprecated = findings.filter(({ kind }) => kind === "deprecated");
  assert.deepEqual(
    deprecated.map(({ path, line }) => ({ path, line })),
    [{ path: "expiry.SigningKeys", line: 10 }],
  );
  assert.deepEqual(
    findings.map(({ line }) => line),
    findings.map(({ line }) => line).toSorted((a, b) => a - b),
  );
});

test("a config that cannot be served is a failure, and is examined all the same", async () => {
  const { code, stdout, stderr } = await dex(["doctor", "-"], { stdin: telling.replace("memory", "memroy") });
  assert.equal(code, 2);
  assert.match(stderr, /^-:2:\d+: storage\.type: unknown storage type "memroy"/);
  assert.match(stdout, /passwordConnector: dangerous/);
  const broken = await dex(["doctor", "-"], { stdin: "a: [" });
  assert.deepEqual([broken.code, broken.stdout], [2, ""]);
  assert.equal((await dex(["doctor", "nope.yaml"])).code, 2);
});

test("every row of the table stands word for word in the documentation", () => {
  const page = readFileSync(new URL("../../docs/reference/differences-from-dex.md", import.meta.url), "utf8");
  for (const { what, why, kind, switchedBy } of [...differences, ...differencesForAll]) {
    const row = `| ${what} | ${why} | ${kind} | ${switchedBy} |`;
    assert.ok(page.includes(`\n${row}\n`), row);
  }
});
