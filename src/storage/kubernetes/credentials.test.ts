import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { locateCluster } from "./credentials.ts";

function aFolder(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "dex-account-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

const account = { token: "token-1\n", "ca.crt": "authority", namespace: "from-file\n" };
const inCluster = { inCluster: true, kubeConfigFile: "", crdHandling: "" };
const env = { KUBERNETES_SERVICE_HOST: "10.0.0.1", KUBERNETES_SERVICE_PORT: "443" };

test("a pod is told its server, and the namespace by environment, token or file, in this order", async (t) => {
  const folder = aFolder(t, account);
  const cluster = await locateCluster(inCluster, env, folder);
  assert.deepEqual([cluster.server, cluster.namespace], ["https://10.0.0.1:443", "from-file"]);
  const six = await locateCluster(inCluster, { ...env, KUBERNETES_SERVICE_HOST: "fd00::1" }, folder);
  assert.equal(six.server, "https://[fd00::1]:443");
  const claims = Buffer.from('{"kubernetes.io/serviceaccount/namespace":"from-token"}').toString("base64url");
  writeFileSync(join(folder, "token"), `e30.${claims}.x`);
  assert.equal((await locateCluster(inCluster, env, folder)).namespace, "from-token");
  const named = await locateCluster(inCluster, { ...env, KUBERNETES_POD_NAMESPACE: "from-env" }, folder);
  assert.equal(named.namespace, "from-env");
});

test("a pod's token and authority are read anew each time", async (t) => {
  const folder = aFolder(t, account);
  const cluster = await locateCluster(inCluster, env, folder);
  assert.deepEqual(await cluster.credentials(), {
    tls: { ca: "authority" },
    headers: { authorization: "Bearer token-1" },
  });
  writeFileSync(join(folder, "token"), "token-2");
  assert.deepEqual((await cluster.credentials()).headers, { authorization: "Bearer token-2" });
});

test("neither and both are refused with Dex's words; so is a pod that is none", async () => {
  const locate = (change: object, environment = {}) => locateCluster({ ...inCluster, ...change }, environment);
  await assert.rejects(
    async () => locate({ kubeConfigFile: "x" }),
    /^Error: cannot specify both 'inCluster' and 'kubeConfigFile'$/,
  );
  await assert.rejects(
    async () => locate({ inCluster: false }),
    /^Error: must specify either 'inCluster' or 'kubeConfigFile'$/,
  );
  await assert.rejects(
    async () => locate({}),
    /^Error: unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined$/,
  );
});

const kubeconfig = (user: object, change: object = {}, cluster: object = {}): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "c", cluster: { server: "https://kube.example:6443/", ...cluster } }],
    users: [{ name: "u", user }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u", namespace: "apps" } }],
    "current-context": "x",
    ...change,
  });

async function ofFile(t: TestContext, text: string) {
  const folder = aFolder(t, { kubeconfig: text });
  return locateCluster({ inCluster: false, kubeConfigFile: join(folder, "kubeconfig"), crdHandling: "" }, {});
}

test("a kubeconfig's users of every form", async (t) => {
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const headersOf = async (user: object) => (await (await ofFile(t, kubeconfig(user))).credentials()).headers;
  assert.deepEqual(await headersOf({ token: "secret" }), { authorization: "Bearer secret" });
  assert.deepEqual(await headersOf({ username: "jane", password: "foo" }), {
    authorization: `Basic ${base64("jane:foo")}`,
  });
  const exec = {
    apiVersion: "client.authentication.k8s.io/v1",
    command: "/bin/sh",
    args: [
      "-c",
      `echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"made"}}'`,
    ],
  };
  assert.deepEqual(await headersOf({ exec }), { authorization: "Bearer made" });
});

test("a kubeconfig's cluster and context", async (t) => {
  const cluster = await ofFile(t, kubeconfig({ token: "x" }));
  assert.deepEqual([cluster.server, cluster.namespace], ["https://kube.example:6443", "apps"]);
  const single = await ofFile(t, kubeconfig({ token: "x" }, { "current-context": "" }));
  assert.equal(single.namespace, "apps");
  const none = kubeconfig({ token: "x" }, { "current-context": "", contexts: [] });
  await assert.rejects(ofFile(t, none), /^Error: kubeconfig has no current context$/);
  const plain = await ofFile(t, kubeconfig({ token: "x" }, {}, { server: "http://127.0.0.1:8001" }));
  assert.deepEqual((await plain.credentials()).headers, { authorization: "Bearer x" });
  await assert.rejects(ofFile(t, "{"), Error);
});
