/** A configuration that changes under a running server: taken over whole, or not at all. */
import assert from "node:assert/strict";
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { configFile, type Running, startDex } from "./run-dex.ts";

const yaml = (more = ""): string => `issuer: http://127.0.0.1:5556/dex
storage: {type: memory}
web: {http: 127.0.0.1:0}
enablePasswordDB: true
staticClients: [{id: first, name: First, secret: one, redirectURIs: ["http://127.0.0.1/cb"]}]
${more}`;

const second = `connectors: [{type: mockCallback, id: mock, name: Mock}]
oauth2: {grantTypes: [authorization_code, client_credentials]}
`;

async function serving(t: TestContext, cwd: string, path = "config.yaml"): Promise<{ running: Running; base: string }> {
  const running = startDex(["serve", path], { cwd });
  t.after(() => running.process.kill("SIGKILL"));
  const [, address = ""] = /server=http address=(\S+)/.exec(await running.until(/server=http address=\S+/)) ?? [];
  return { running, base: `http://${address}/dex` };
}

const grantsOf = async (base: string): Promise<string> =>
  (await fetch(`${base}/.well-known/openid-configuration`)).text();

test("a file that is written anew is taken over, a wrong one is refused and named, and what needs a restart is said", async (t) => {
  const { cwd } = configFile(t, yaml());
  const file = join(cwd, "config.yaml");
  const { running, base } = await serving(t, cwd);
  assert.doesNotMatch(await grantsOf(base), /client_credentials/);
  writeFileSync(file, yaml("expiry: {idTokens: 1d}\n"));
  await running.until(/config not reloaded.*invalid config value/);
  assert.doesNotMatch(await grantsOf(base), /client_credentials/);
  writeFileSync(file, yaml(second).replace("127.0.0.1:0", "127.0.0.1:1"));
  const log = await running.until(/msg="config reloaded"/);
  assert.match(log, /level=WARN msg="config changes that count after a restart only" keys=\[web\.http\]/);
  assert.match(await grantsOf(base), /client_credentials/);
  running.process.kill("SIGTERM");
  assert.equal((await running.finished).code, 0);
});

test("the links that Kubernetes swaps are followed, and SIGHUP looks at once", async (t) => {
  const { cwd } = configFile(t, "");
  for (const [version, text] of [
    ["..1", yaml()],
    ["..2", yaml(second)],
  ] as const) {
    mkdirSync(join(cwd, version));
    writeFileSync(join(cwd, version, "dex.yaml"), text);
  }
  symlinkSync("..1", join(cwd, "..data"));
  symlinkSync("..data/dex.yaml", join(cwd, "dex.yaml"));
  const { running, base } = await serving(t, cwd, "dex.yaml");
  assert.doesNotMatch(await grantsOf(base), /client_credentials/);
  symlinkSync("..2", join(cwd, "..data_tmp"));
  renameSync(join(cwd, "..data_tmp"), join(cwd, "..data"));
  running.process.kill("SIGHUP");
  await running.until(/msg="config reloaded"/);
  assert.match(await grantsOf(base), /client_credentials/);
});
