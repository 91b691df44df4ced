/** A configuration that changes under a running server: taken over whole, or not at all. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "node:tls";
import { newAuthority } from "../fake/certificates.ts";
import { startFakeOidc } from "../fake/oidc.ts";
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

const machine = "{id: machine, secret: machine-secret, name: Machine, redirectURIs: []}";
const machines = "oauth2: {grantTypes: [authorization_code, client_credentials], skipApprovalScreen: true}";

const askAs = async (base: string, client: string): Promise<number> => {
  const body = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: client,
    client_secret: `${client}-secret`,
  });
  const answer = await fetch(`${base}/token`, { method: "POST", body });
  await answer.text();
  return answer.status;
};

/** Where the connector's button leads; undefined: there is none. */
async function leadsTo(base: string, connector: string): Promise<string | undefined> {
  const query = "client_id=first&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcb&response_type=code&scope=openid";
  const answer = await fetch(`${base}/auth/${connector}?${query}`, { redirect: "manual" });
  await answer.text();
  return answer.headers.get("location") ?? undefined;
}

const reloadsIn = async (telemetry: string): Promise<string> =>
  [
    ...(await (await fetch(`http://${telemetry}/metrics`)).text()).matchAll(
      /^dex_config_\w+(?:\{result="(\w+)"\})? (\d+)$/gm,
    ),
  ]
    .map(([, result = "last", count]) => `${result} ${count}`)
    .join();

const telemetryIn = (log: string): string => /server=telemetry address=(\S+)/.exec(log)?.[1] ?? "";

test("a third connector that does not open refuses all of the file; it is taken whole once the connector opens", async (t) => {
  const [up, away] = [await startFakeOidc(), await startFakeOidc()];
  t.after(() => Promise.all([up.close(), away.close()]));
  const oidc = (id: string, { issuer }: { readonly issuer: string }) =>
    `{type: oidc, id: ${id}, name: ${id}, config: {issuer: "${issuer}", clientID: dex, clientSecret: s, redirectURI: "http://127.0.0.1:5556/dex/callback"}}`;
  const before = (more: string) => `${yaml(machines)}\ntelemetry: {http: 127.0.0.1:0}\nconnectors: [${more}]\n`;
  const { cwd } = configFile(t, before("{type: mockCallback, id: one, name: One}"));
  const { running, base } = await serving(t, cwd);
  const telemetry = telemetryIn(await running.until(/server=telemetry/));
  away.always("/.well-known/openid-configuration", { status: 503 });
  const after = before(`{type: mockCallback, id: one, name: Other}, ${oidc("two", up)}, ${oidc("three", away)}`)
    .replace("staticClients: [", `staticClients: [${machine}, `)
    .replace("telemetry", "frontend: {issuer: Another}\ntelemetry");
  writeFileSync(join(cwd, "config.yaml"), after);
  await running.until(/config not reloaded.*Failed to open connector three/);
  assert.equal(await askAs(base, "machine"), 401);
  assert.equal(await leadsTo(base, "two"), undefined);
  assert.ok((await leadsTo(base, "one")) !== undefined);
  assert.doesNotMatch(await (await fetch(`${base}/device`)).text(), /Another/);
  assert.equal(await reloadsIn(telemetry), "taken 0,refused 1,last 0");
  away.always("/.well-known/openid-configuration", {});
  running.process.kill("SIGHUP");
  await running.until(/msg="config reloaded"/);
  assert.equal(await askAs(base, "machine"), 200);
  assert.ok((await leadsTo(base, "two"))?.startsWith(up.issuer));
  assert.ok((await leadsTo(base, "three"))?.startsWith(away.issuer));
  assert.match(await (await fetch(`${base}/device`)).text(), /Another/);
  assert.equal(await reloadsIn(telemetry), "taken 1,refused 1,last 1");
  // What goes on as it was is no matter of a change, though its upstream dies.
  away.always("/.well-known/openid-configuration", { status: 503 });
  writeFileSync(join(cwd, "config.yaml"), after.replace(`${machine}, `, ""));
  await running.until(/(?:msg="config reloaded".*){2}/s);
  assert.equal(await askAs(base, "machine"), 401);
  assert.ok((await leadsTo(base, "three")) !== undefined);
});

test("a certificate that cannot be used refuses the good configuration beside it, and both come together", async (t) => {
  const authority = newAuthority();
  const [one, two] = [authority.issue(), authority.issue()];
  const tls = "tlsCert: tls.crt, tlsKey: tls.key, https: 127.0.0.1:0";
  const { cwd } = configFile(t, yaml(machines).replace("web: {", `web: {${tls}, `));
  const put = (name: string, text: string) => writeFileSync(join(cwd, name), text);
  put("tls.crt", one.cert);
  put("tls.key", one.key);
  const { running, base } = await serving(t, cwd);
  const [, port] = /server=https address=127\.0\.0\.1:(\d+)/.exec(await running.until(/server=https/)) ?? [];
  const served = async (): Promise<string> => {
    const socket = connect({ host: "127.0.0.1", port: Number(port), ca: authority.cert });
    await once(socket, "secureConnect");
    const serial = socket.getPeerX509Certificate()?.serialNumber ?? "";
    socket.destroy();
    return serial;
  };
  const serialOf = ({ cert }: { readonly cert: string }) => new X509Certificate(cert).serialNumber;
  // Half of a new pair, as a copy that was cut off leaves it.
  put("tls.crt", two.cert);
  put("config.yaml", yaml(machines).replace("web: {", `web: {${tls}, `).replace("[{", `[${machine}, {`));
  running.process.kill("SIGHUP");
  await running.until(/config not reloaded.*tls\.crt and its key cannot be used/);
  assert.equal(await askAs(base, "machine"), 401);
  assert.equal(await served(), serialOf(one));
  put("tls.key", two.key);
  running.process.kill("SIGHUP");
  await running.until(/msg="config reloaded"/);
  assert.equal(await askAs(base, "machine"), 200);
  assert.equal(await served(), serialOf(two));
});

test("a storm of SIGHUPs under load fails no request, and the last file counts", async (t) => {
  const version = (client: string, connectors: string): string =>
    `${yaml(machines).replace("[{", `[${machine}, {id: ${client}, secret: ${client}-secret, name: C, redirectURIs: []}, {`)}\nconnectors: [${connectors}]\n`;
  const one = "{type: mockCallback, id: one, name: One}";
  const two = "{type: mockCallback, id: two, name: Two}";
  const { cwd } = configFile(t, version("odd", one));
  const { running, base } = await serving(t, cwd);
  const statuses = new Map<string, number>();
  let isOver = false;
  const count = (what: string) => statuses.set(what, (statuses.get(what) ?? 0) + 1);
  const lanes = Array.from({ length: 6 }, async (_, lane) => {
    while (!isOver) {
      if (lane % 2 === 0) count(`token ${await askAs(base, "machine")}`);
      else count(`login ${typeof (await leadsTo(base, "one"))}`);
    }
  });
  for (let round = 0; round < 60; round++) {
    const [client, connectors] = round % 2 === 0 ? ["even", `${one}, ${two}`] : ["odd", one];
    const next = join(cwd, "next.yaml");
    writeFileSync(next, version(client, connectors));
    renameSync(next, join(cwd, "config.yaml"));
    for (let signal = 0; signal < 5; signal++) running.process.kill("SIGHUP");
    await sleep(25);
  }
  running.process.kill("SIGHUP");
  while ((await askAs(base, "odd")) !== 200 || (await askAs(base, "even")) !== 401) await sleep(20);
  isOver = true;
  await Promise.all(lanes);
  assert.deepEqual([...statuses.keys()].toSorted(), ["login string", "token 200"]);
  running.process.kill("SIGTERM");
  const { code, stderr } = await running.finished;
  assert.equal(code, 0);
  assert.doesNotMatch(stderr, /level=ERROR/);
  assert.ok(stderr.split("config reloaded").length > 10);
});
