import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "./config.ts";
import type { VaultSignerConfig } from "./read-vault-signer.ts";

const base = "issuer: http://127.0.0.1\nstorage: {type: memory}\nweb: {http: ':1'}\nenablePasswordDB: true\n";
const load = (config: string, env = {}) => loadConfig(`${base}signer: {type: vault, config: ${config}}`, { env });

async function vault(config: string, env = {}): Promise<VaultSignerConfig> {
  const loaded = await load(config, env);
  assert.ok(loaded.ok, JSON.stringify(loaded));
  assert.ok(loaded.config.signer.type === "vault");
  return loaded.config.signer;
}

async function refused(config: string, env = {}): Promise<readonly (readonly [string, string])[]> {
  const loaded = await load(config, env);
  return loaded.ok ? [] : loaded.mistakes.map(({ path, message }) => [path, message]);
}

const minimal = "{addr: 'https://v:8200', token: t, keyName: k}";

test("Dex's three keys are enough, and what is left out has these values", async () => {
  const { token, kubernetes, appRole, ...rest } = await vault(minimal);
  assert.deepEqual(rest, {
    type: "vault",
    addr: "https://v:8200",
    tokenFile: "",
    keyName: "k",
    mount: "transit",
    namespace: "",
    ...{ caCert: "", caBytes: "", caPath: "", clientCert: "", clientKey: "" },
    ...{ tlsServerName: "", insecureSkipVerify: false },
    timeout: 5_000,
  });
  assert.equal(token.reveal(), "t");
  assert.deepEqual([kubernetes.mount, appRole.mount], ["kubernetes", "approle"]);
  assert.equal(kubernetes.tokenFile, "/var/run/secrets/kubernetes.io/serviceaccount/token");
});

test("the client library's variables count, and OpenBao's hide HashiCorp's", async () => {
  const env = {
    ...{ VAULT_ADDR: "https://env", BAO_ADDR: "https://ignored", VAULT_TOKEN: "theirs", BAO_TOKEN: "ours" },
    ...{ VAULT_NAMESPACE: "n", BAO_NAMESPACE: "", VAULT_CACERT: "/ca", VAULT_CLIENT_TIMEOUT: "7" },
    ...{ VAULT_CLIENT_CERT: "/c", VAULT_CLIENT_KEY: "/k", VAULT_SKIP_VERIFY: "true" },
    ...{ VAULT_CACERT_BYTES: "pem", VAULT_CAPATH: "/cas", VAULT_TLS_SERVER_NAME: "v.example" },
  };
  const read = await vault("{keyName: k}", env);
  assert.deepEqual([read.addr, read.token.reveal(), read.namespace], ["https://env", "ours", ""]);
  assert.deepEqual([read.caCert, read.clientCert, read.clientKey], ["/ca", "/c", "/k"]);
  assert.deepEqual([read.caBytes, read.caPath, read.tlsServerName], ["pem", "/cas", "v.example"]);
  assert.deepEqual([read.insecureSkipVerify, read.timeout], [true, 7_000]);
  const own = await vault("{addr: 'https://file', token: mine, keyName: k, timeout: 1s}", env);
  assert.deepEqual([own.addr, own.token.reveal(), own.timeout], ["https://file", "mine", 1_000]);
  assert.equal((await vault(minimal, { VAULT_AGENT_ADDR: "http://127.0.0.1:8100" })).addr, "http://127.0.0.1:8100");
});

test("a login of the file's own leaves the environment's token aside", async () => {
  const read = await vault("{addr: 'https://v', keyName: k, kubernetes: {role: dex}}", { VAULT_TOKEN: "t" });
  assert.deepEqual([read.kubernetes.role, read.token.reveal()], ["dex", ""]);
});

const failed = "failed to open vault signer: ";
const client = `${failed}failed to create vault client: `;
for (const [config, ...expected] of [
  ["{token: t, keyName: k}", ["signer.config.addr", `${client}no address`]],
  [
    "{addr: 'unix:///v', token: t, keyName: k}",
    ["signer.config.addr", `${client}the address is no URL of http or https`],
  ],
  ["{addr: 'https://v', token: t}", ["signer.config.keyName", `${failed}keyName must be specified`]],
  [
    "{addr: 'https://v', token: t, keyName: dex/signing-key}",
    ["signer.config.keyName", `${failed}Transit's key names hold letters, digits, _, . and -`],
  ],
  ["{addr: 'https://v', keyName: k}", ["signer.config.token", `${failed}no token and no login`]],
  [
    "{addr: 'https://v', keyName: k, token: t, tokenFile: /f}",
    ["signer.config.token", `${failed}more than one way to log in`],
  ],
  [
    "{addr: 'https://v', keyName: k, appRole: {roleID: r}}",
    ["signer.config.appRole.secretID", `${failed}an AppRole needs its secret ID`],
  ],
  [
    "{addr: 'https://v', keyName: k, token: t, mount: ../sys}",
    ["signer.config.mount", `${failed}that is no path of a mount`],
  ],
  [
    "{addr: 'https://v', keyName: k, kubernetes: {role: r, mount: ''}}",
    ["signer.config.kubernetes.mount", `${failed}that is no path of a mount`],
  ],
  [
    "{addr: 'https://v', keyName: k, token: t, clientCert: /c}",
    ["signer.config.clientCert", `${client}both client cert and client key must be provided`],
  ],
  [
    "{addr: 'https://v', keyName: k, token: t, timeout: 1d}",
    [
      "signer.config.timeout",
      `${failed}invalid config value "1d" for timeout: time: unknown unit "d" in duration "1d"`,
    ],
  ],
] as const) {
  test(`${config} is refused`, async () => assert.deepEqual(await refused(config), expected));
}

test("a token in clear text over a network, and certificates that nobody checks, are warned of", async () => {
  const loaded = await load("{addr: 'http://vault:8200', token: t, keyName: k, insecureSkipVerify: true}");
  assert.ok(loaded.ok);
  const paths = loaded.warnings.map(({ path }) => path);
  assert.deepEqual(paths, ["signer.config.addr", "signer.config.insecureSkipVerify"]);
});
