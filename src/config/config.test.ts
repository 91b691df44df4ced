import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { levels } from "../kernel/log-level.ts";
import { type Config, loadConfig } from "./config.ts";
import type { Env } from "./feature-flags.ts";
import { everyKey, everyKeyEnv } from "./testing/every-key.ts";

const base = `issuer: http://127.0.0.1:5556/dex
storage: {type: memory}
web: {http: 127.0.0.1:0}
enablePasswordDB: true
`;

async function configOf(yaml: string, env: Env = {}): Promise<Config> {
  const loaded = await loadConfig(yaml, { env });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  return loaded.config;
}

const hour = 3_600_000;

test("the least configuration has Dex's defaults", async () => {
  const { flags, ...config } = await configOf(base);
  assert.equal(flags.DEX_EXPAND_ENV, true);
  assert.deepEqual(config, {
    issuer: "http://127.0.0.1:5556/dex",
    issuerPath: "/dex",
    storage: { type: "memory", config: {} },
    web: {
      http: "127.0.0.1:0",
      tlsMinVersion: "1.2",
      headers: {},
      allowedOrigins: [],
      allowedHeaders: ["Authorization"],
      clientRemoteIP: { trustedProxies: [] },
      shutdownDelay: 0,
    },
    telemetry: { enableProfiling: false },
    grpc: { tlsMinVersion: "1.2", reflection: false },
    oauth2: {
      grantTypes: [
        "authorization_code",
        "refresh_token",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:token-exchange",
      ],
      responseTypes: ["code"],
      skipApprovalScreen: false,
      anonymousIntrospection: false,
      alwaysShowLoginScreen: false,
      loginHintDomains: {},
      pkce: { enforce: false, codeChallengeMethodsSupported: ["S256", "plain"] },
    },
    expiry: {
      idTokens: 24 * hour,
      authRequests: 24 * hour,
      deviceRequests: 300_000,
      refreshTokens: { disableRotation: false, validIfNotUsedFor: 0, absoluteLifetime: 0, reuseInterval: 0 },
    },
    signer: { type: "local", keysRotationPeriod: 6 * hour, algorithm: "RS256" },
    logger: { level: levels.info, format: "text", excludeFields: [] },
    frontend: { theme: "light", issuer: "dex", logoURL: "theme/logo.png", extra: {} },
    staticClients: [],
    enablePasswordDB: true,
    signup: { isEnabled: false, breachedPasswords: "", assumeEmailVerified: false, maxPerHour: 20 },
    staticPasswords: [],
    connectors: [],
    sessions: {
      cookieName: "dex_session",
      absoluteLifetime: 24 * hour,
      validIfNotUsedFor: hour,
      rememberMeCheckedByDefault: true,
      ssoSharedWithDefault: "none",
      checkSessionIframe: false,
    },
    mfa: { authenticators: [], defaultMFAChain: [], trustedConnectors: [], askEveryTime: false },
    lockout: { disabled: false, attempts: 5, firstLock: 30_000, longestLock: 900_000, attemptsPerAddress: 100 },
  });
});

test("the configuration that touches every key is accepted, and no key of it is unknown", async () => {
  const loaded = await loadConfig(everyKey, { env: everyKeyEnv });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  assert.deepEqual(
    loaded.warnings.map(({ path }) => path),
    ["staticPasswords[1].userID", "frontend.dir"],
  );
  const { config } = loaded;
  assert.equal(config.storage.type === "postgres" && config.storage.config.password.reveal(), "database password");
  assert.equal(config.storage.type === "postgres" && config.storage.config.ssl.caFile, "/etc/dex/pg/ca.pem");
  assert.deepEqual(config.web.clientRemoteIP.trustedProxies[1], { address: "2001:db8::", prefix: 32, family: "ipv6" });
  assert.equal(config.web.headers["X-XSS-Protection"], "0");
  assert.equal(config.expiry.refreshTokens.absoluteLifetime, 3960 * hour);
  assert.equal(config.signer.type === "local" && config.signer.algorithm, "ES256");
  assert.equal(config.oauth2.grantTypes.length, 7);
  assert.deepEqual(
    config.staticClients.map(({ id, secret }) => [id, secret.reveal()]),
    [
      ["web", "web-secret"],
      ["cli", ""],
      ["service", "service secret"],
    ],
  );
  assert.deepEqual(config.staticClients[0]?.clientCredentialsGroups, ["robots"]);
  assert.equal(config.staticPasswords[0]?.userId, "08a8684b-db88-4b73-90a9-3cd1661f5466");
  assert.equal(config.staticPasswords[1]?.emailVerified, undefined);
  assert.equal(config.connectors[0]?.config.clientSecret, "github secret");
  assert.equal(config.sessions?.cookieEncryptionKey?.reveal(), "0123456789abcdef0123456789abcdef");
  assert.equal(config.mfa.authenticators[1]?.type === "WebAuthn" && config.mfa.authenticators[1].timeout, 60_000);
});

test("Vault's address and token may stand in the environment, and so may the choice of ent's tables", async () => {
  const vault = await configOf(`${base}signer: {type: vault, config: {keyName: k}}`, {
    VAULT_ADDR: "http://v",
    VAULT_TOKEN: "t",
  });
  assert.ok(vault.signer.type === "vault");
  assert.deepEqual([vault.signer.addr, vault.signer.token.reveal(), vault.signer.keyName], ["http://v", "t", "k"]);
  const ent = await configOf(`${base}storage: {type: sqlite3, config: {file: f}}`, { DEX_ENT_ENABLED: "true" });
  assert.equal(ent.flags.DEX_ENT_ENABLED, true);
});

test("the environment reaches config blocks and nothing else", async () => {
  const yaml = `issuer: http://127.0.0.1/$A
web: {http: ":0"}
storage: {type: sqlite3, config: {file: /var/$A.db}}
signer: {type: local, config: {keysRotationPeriod: "\${PERIOD}"}}
enablePasswordDB: true
connectors: [{type: mockPassword, id: $A, name: $A, config: {username: $A, password: pa$$word}}]
staticClients: [{id: $A, name: $A, secret: $A}]
frontend: {issuer: $A}
`;
  const env = { A: "expanded", PERIOD: "3h" };
  const config = await configOf(yaml, env);
  assert.equal(config.storage.type === "sqlite3" && config.storage.config.file, "/var/expanded.db");
  assert.equal(config.signer.type === "local" && config.signer.keysRotationPeriod, 3 * hour);
  assert.deepEqual(config.connectors[0], {
    id: "$A",
    type: "mockPassword",
    name: "$A",
    config: { username: "expanded", password: "paword" },
    grantTypes: [],
  });
  assert.equal(config.staticClients[0]?.secret.reveal(), "$A");
  assert.deepEqual([config.issuer, config.frontend.issuer], ["http://127.0.0.1/$A", "$A"]);
  const off = await configOf(yaml.replace(/"\$.PERIOD."/, "3h"), { ...env, DEX_EXPAND_ENV: "false" });
  assert.equal(off.storage.type === "sqlite3" && off.storage.config.file, "/var/$A.db");
  assert.equal(off.connectors[0]?.config.password, "pa$$word");
});

test("grants: what is named, less what cannot work", async () => {
  const grantsOf = async (oauth2: string, env: Env = {}) =>
    (await configOf(`${base}oauth2: ${oauth2}`, env)).oauth2.grantTypes;
  const everything = await grantsOf("{responseTypes: [code, id_token token], passwordConnector: local}", {
    DEX_CLIENT_CREDENTIAL_GRANT_ENABLED_BY_DEFAULT: "1",
  });
  assert.deepEqual(everything, [
    "authorization_code",
    "client_credentials",
    "implicit",
    "password",
    "refresh_token",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:token-exchange",
  ]);
  assert.deepEqual(await grantsOf("{grantTypes: [client_credentials, implicit, password, magic]}"), [
    "client_credentials",
  ]);
  assert.deepEqual(await grantsOf("{grantTypes: [implicit], responseTypes: [id_token]}"), []);
});

test("zero is the default for requests and tokens, and never for refresh", async () => {
  const { expiry } = await configOf(
    `${base}expiry: {idTokens: 0s, authRequests: "0", deviceRequests: "", refreshTokens: {absoluteLifetime: 0s}}`,
  );
  assert.deepEqual([expiry.idTokens, expiry.authRequests, expiry.deviceRequests], [24 * hour, 24 * hour, 300_000]);
  assert.equal(expiry.refreshTokens.absoluteLifetime, 0);
  assert.equal((await configOf(`${base}expiry: {idTokens: -1h}`)).expiry.idTokens, -hour);
});

test("an empty chain differs from none", async () => {
  const { staticClients } = await configOf(
    `${base}staticClients:\n- {id: a, name: A, secret: s, mfaChain: [], ssoSharedWith: []}\n- {id: b, name: B, secret: s, mfaChain: , ssoSharedWith: ~}`,
  );
  assert.deepEqual([staticClients[0]?.mfaChain, staticClients[0]?.ssoSharedWith], [[], []]);
  assert.ok(
    staticClients[1] !== undefined && !("mfaChain" in staticClients[1]) && !("ssoSharedWith" in staticClients[1]),
  );
});

test("addresses of the command line win before anything is checked, empty ones say nothing", async () => {
  const yaml = base.replace("web: {http: 127.0.0.1:0}", "web: {https: ''}");
  const overrides = { webHttp: "127.0.0.1:7", webHttps: "", telemetryHttp: "127.0.0.1:8", grpcAddr: "127.0.0.1:9" };
  const loaded = await loadConfig(yaml, { env: {}, overrides });
  assert.ok(loaded.ok);
  const { web, telemetry, grpc } = loaded.config;
  assert.deepEqual(
    [web.http, web.https, telemetry.http, grpc.addr],
    ["127.0.0.1:7", undefined, "127.0.0.1:8", "127.0.0.1:9"],
  );
});

test("the configuration is frozen to its leaves, and prints no secret", async () => {
  const config = await configOf(everyKey, everyKeyEnv);
  assert.ok(
    Object.isFrozen(config) &&
      Object.isFrozen(config.web.headers) &&
      Object.isFrozen(config.staticClients[0]?.redirectUris),
  );
  const { connectors: _plain, ...typed } = config;
  const json = JSON.stringify(typed);
  for (const secret of ["web-secret", "service secret", "database password", "0123456789abcdef0123456789abcdef"]) {
    assert.ok(!json.includes(secret), secret);
  }
});

test("any file is a configuration or a list of mistakes with places", async () => {
  const lines = everyKey.split("\n");
  const mutated = fc
    .array(fc.tuple(fc.nat(lines.length - 1), fc.constantFrom("drop", "null", "list", "number", "indent", "bool")), {
      maxLength: 6,
    })
    .map((changes) => {
      const copy = [...lines];
      for (const [index, change] of changes) {
        const line = copy[index] ?? "";
        if (change === "drop") copy[index] = "";
        else if (change === "indent") copy[index] = `  ${line}`;
        else
          copy[index] = line.replace(
            /: .*$/,
            { null: ":", list: ": [x, {y: z}]", number: ": 017", bool: ": yes" }[change] ?? "",
          );
      }
      return copy.join("\n");
    });
  await fc.assert(
    fc.asyncProperty(fc.oneof(mutated, fc.string({ unit: "binary" })), async (text) => {
      const loaded = await loadConfig(text, { env: everyKeyEnv });
      if (loaded.ok) return;
      assert.ok(loaded.mistakes.length > 0);
      const last = text.split(/\r\n|\r|\n/).length + 1;
      for (const { line, column, message } of loaded.mistakes) {
        assert.ok(line >= 1 && line <= last && column >= 1 && message !== "");
      }
    }),
    { numRuns: 300 },
  );
});
