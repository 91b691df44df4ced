import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "./config.ts";
import type { Env } from "./feature-flags.ts";
import type { Mistake, Note } from "./mistake.ts";

/** A complete config; a case adds to it. Keys given twice count the second time. */
const base = `issuer: http://127.0.0.1:5556/dex
storage: {type: memory}
web: {http: 127.0.0.1:0}
enablePasswordDB: true
`;
const hash = "$2a$10$2b2cU8CPhOTaGrs1HRQuAueS7JTT5ZHsHSzYiFPm1leZck7Mc8T4W";

async function mistakesOf(yaml: string, env: Env = {}): Promise<readonly Mistake[]> {
  const loaded = await loadConfig(yaml, { env });
  return loaded.ok ? [] : loaded.mistakes;
}

async function warningsOf(yaml: string, env: Env = {}): Promise<readonly Note[]> {
  const loaded = await loadConfig(yaml, { env });
  assert.ok(loaded.ok, JSON.stringify(loaded.ok || loaded.mistakes));
  return loaded.warnings;
}

/** YAML added to the base, and the only mistakes in it: where, what. */
type Case = readonly [yaml: string, ...mistakes: (readonly [path: string, message: string])[]];

async function check(cases: readonly Case[], env: Env = {}): Promise<void> {
  for (const [yaml, ...expected] of cases) {
    const found = (await mistakesOf(base + yaml, env)).map(({ path, message }) => [path, message]);
    assert.deepEqual(found, expected, yaml);
  }
}

test("the checks of Dex's list come all at once, in its order and its words", async () => {
  const found = await mistakesOf(`
staticPasswords: [{email: a@b.c, hash: "${hash}"}]
web: {https: ":1", tlsMinVersion: "1.1", tlsMaxVersion: "1.0"}
grpc: {tlsKey: k, tlsClientCA: c, tlsMinVersion: "1.3", tlsMaxVersion: "1.2"}
`);
  assert.deepEqual(
    found.map(({ stage, path, message }) => [stage, path, message]),
    [
      ["check", "issuer", "no issuer specified in config file"],
      ["check", "staticPasswords", "cannot specify static passwords without enabling password db"],
      ["check", "storage", "no storage supplied in config file"],
      ["check", "web.tlsCert", "no cert specified for HTTPS"],
      ["check", "web.tlsKey", "no private key specified for HTTPS"],
      ["check", "web.tlsMinVersion", "supported TLS versions are: 1.2, 1.3"],
      ["check", "web.tlsMaxVersion", "supported TLS versions are: 1.2, 1.3"],
      ["check", "web.tlsMaxVersion", "TLSMinVersion greater than TLSMaxVersion"],
      ["check", "grpc.tlsKey", "no address specified for gRPC"],
      ["check", "grpc.tlsCert", "must specific both a gRPC TLS cert and key"],
      ["check", "grpc.tlsClientCA", "cannot specify gRPC TLS client CA without a gRPC TLS cert"],
      ["check", "grpc.tlsMaxVersion", "TLSMinVersion greater than TLSMaxVersion"],
    ],
  );
});

test("an empty file misses an issuer, a storage and an address", async () => {
  for (const yaml of ["", "# nothing", "{}", "web:\nlogger:\n"]) {
    assert.deepEqual(
      (await mistakesOf(yaml)).map(({ message, isAbsent }) => [message, isAbsent]),
      [
        ["no issuer specified in config file", true],
        ["no storage supplied in config file", true],
        ["must supply a HTTP/HTTPS  address to listen on", true],
      ],
    );
  }
});

test("gRPC without its other half", async () => {
  await check([
    [
      "grpc: {tlsCert: c}",
      ["grpc.tlsCert", "no address specified for gRPC"],
      ["grpc.tlsKey", "must specific both a gRPC TLS cert and key"],
    ],
    [
      "grpc: {addr: ':1', tlsCert: c, tlsKey: k, tlsMinVersion: '2'}",
      ["grpc.tlsMinVersion", "supported TLS versions are: 1.2, 1.3"],
    ],
  ]);
});

test("types are refused in the decoder's words, and nothing else is said of them", async () => {
  const cannot = (kind: string, field: string, type: string) =>
    `json: cannot unmarshal ${kind} into Go struct field Config.${field} of type ${type}`;
  await check([
    ["issuer: true", ["issuer", cannot("bool", "issuer", "string")]],
    ["web: 5", ["web", cannot("number", "web", "object")]],
    ["web: {http: [a]}", ["web.http", cannot("array", "web.http", "string")]],
    ["staticClients: 5", ["staticClients", cannot("number", "staticClients", "[]object")]],
    ["staticClients: [5]", ["staticClients[0]", cannot("number", "staticClients", "object")]],
    ["oauth2: {grantTypes: x}", ["oauth2.grantTypes", cannot("string", "oauth2.grantTypes", "[]string")]],
    [
      "expiry: {refreshTokens: {disableRotation: 'x'}}",
      ["expiry.refreshTokens.disableRotation", cannot("string", "expiry.refreshTokens.disableRotation", "bool")],
    ],
    [
      `staticPasswords: [{email: a@b.c, hash: no}]`,
      ["staticPasswords[0].hash", cannot("bool", "staticPasswords.hash", "string")],
    ],
    ["frontend: {webFS: x}", ["frontend.webFS", cannot("string", "frontend.webFS", "fs.FS")]],
    ["frontend: {extra: {a: on}}", ["frontend.extra.a", cannot("bool", "frontend.extra.a", "string")]],
    ["storage: 5", ["storage", `parse storage: ${cannot("number", "storage", "object")}`]],
    [
      "storage: {type: memory, config: 5}",
      [
        "storage.config",
        "unmarshal config for env expansion: json: cannot unmarshal number into Go value of type map[string]interface {}",
      ],
    ],
    [
      "storage: {type: sqlite3, config: {file: [x]}}",
      ["storage.config.file", `parse storage config: ${cannot("array", "storage.config.file", "string")}`],
    ],
    [
      "storage: {type: postgres, config: {port: x}}",
      ["storage.config.port", `parse storage config: ${cannot("string", "storage.config.port", "int")}`],
    ],
    [
      "storage: {type: postgres, config: {port: 70000}}",
      ["storage.config.port", `parse storage config: ${cannot("number 70000", "storage.config.port", "int")}`],
    ],
    [
      "storage: {type: postgres, config: {port: 1.5}}",
      ["storage.config.port", `parse storage config: ${cannot("number 1.5", "storage.config.port", "int")}`],
    ],
    [
      "connectors: [{type: mockPassword, id: m, name: M, config: {username: u, password: off}}]",
      [
        "connectors[0].config.password",
        `parse connector config: ${cannot("bool", "connectors.config.password", "string")}`,
      ],
    ],
    [
      "sessions: {rememberMeCheckedByDefault: 5}",
      ["sessions.rememberMeCheckedByDefault", cannot("number", "sessions.rememberMeCheckedByDefault", "bool")],
    ],
  ]);
  const [list] = await mistakesOf("[]");
  assert.equal(list?.message, "json: cannot unmarshal array into Go value of type main.Config");
});

test("a boolean for text says how to write it", async () => {
  const [mistake] = await mistakesOf(`${base}frontend:\n  theme: on\n`);
  assert.equal(mistake?.hint, 'YAML reads on as a boolean; quote it: "on"');
  assert.deepEqual([mistake?.line, mistake?.column], [6, 3]);
});

test("a decimal number for text is taken as written, others are refused", async () => {
  const loaded = await loadConfig(`${base}staticClients:\n- {id: 1234, name: 1.10, secret: 123456}\n`, { env: {} });
  assert.ok(loaded.ok);
  const [client] = loaded.config.staticClients;
  assert.deepEqual([client?.id, client?.name, client?.secret.reveal()], ["1234", "1.10", "123456"]);
  assert.equal(loaded.warnings.filter(({ message }) => message.startsWith("a number stands where text")).length, 3);
  assert.ok(!JSON.stringify(loaded.warnings).includes("123456"), "a warning quotes a secret");
  for (const number of ["0123", "1_000", "1e3", "0x1F", "+1", "-1", ".5", "5."]) {
    const [mistake] = await mistakesOf(`${base}frontend: {theme: ${number}}`);
    assert.match(
      mistake?.message ?? "",
      /^json: cannot unmarshal number into Go struct field Config\.frontend\.theme/,
      number,
    );
  }
  const [version] = await mistakesOf(`${base}web: {http: ":0", tlsMinVersion: 1.2}`);
  assert.equal(version, undefined);
});

test("null is absence, but for the keys where Dex reads an empty value", async () => {
  await check([
    ["web: {http: ':0', https: , headers: ~, allowedOrigins: null}\nexpiry:\noauth2: {pkce: }\nsessions:\nmfa:"],
    ["storage:", ["storage.type", 'unknown storage type ""']],
    ["storage: {type: memory, config: }"],
    ["signer:", ["signer.type", 'unknown signer type ""']],
    ["signer: {}", ["signer.type", 'unknown signer type ""']],
    [
      "connectors: [null]",
      ["connectors[0].id", "invalid config: ID, Type and Name fields are required for a connector"],
      ["connectors[0].type", 'unknown connector type ""'],
    ],
    ["staticPasswords: [null]", ["staticPasswords[0].hash", "no password hash provided"]],
    [
      "staticClients: [null]",
      ["staticClients[0].name", "invalid config: Name field is required for a client"],
      ["staticClients[0].id", "invalid config: ID or IDEnv field is required for a client"],
      ["staticClients[0].secret", 'invalid config: Secret or SecretEnv field is required for client ""'],
    ],
    ["logger: {level: null}", ["logger.level", "invalid syntax"]],
  ]);
});

test("keys match in any case, the lower-case spelling wins, objects of both merge", async () => {
  const loaded = await loadConfig(
    `ISSUER: http://127.0.0.1/upper
issuer: http://127.0.0.1/lower
Storage: {TYPE: memory}
WEB: {http: 127.0.0.1:1, headers: {x-frame-options: DENY}}
web: {HTTPS: 127.0.0.1:2, TlsCert: c, tlskey: k}
frontend: {logoUrl: a, DIR: }
enablepassworddb: true
connectors: [{Type: mockPassword, ID: m, name: M, Config: {UserName: u, PASSWORD: p}}]
`,
    { env: {} },
  );
  assert.ok(loaded.ok, JSON.stringify(loaded));
  const { config } = loaded;
  assert.equal(config.issuer, "http://127.0.0.1/lower");
  assert.deepEqual([config.web.http, config.web.https, config.web.tlsKey], ["127.0.0.1:1", "127.0.0.1:2", "k"]);
  assert.deepEqual(config.web.headers, { "X-Frame-Options": "DENY" });
  assert.equal(config.frontend.logoURL, "a");
  assert.deepEqual(config.connectors[0]?.config, { username: "u", password: "p" });
  assert.ok(loaded.warnings.some(({ path, message }) => path === "issuer" && message.includes("given twice")));
});

test("an unknown key is a warning with its place and the likely name", async () => {
  const warnings = await warningsOf(`${base}oauth2:\n  pkce:\n    enforced: true\nadditionalFeatures: []\n`);
  assert.deepEqual(warnings, [
    { line: 8, column: 1, path: "additionalFeatures", message: 'unknown key "additionalFeatures", which is ignored' },
    {
      line: 7,
      column: 5,
      path: "oauth2.pkce.enforced",
      message: 'unknown key "enforced", which is ignored',
      didYouMean: "enforce",
    },
  ]);
});

test("under the strict flag an unknown key refuses, with Dex's exceptions", async () => {
  await check(
    [
      ["isuer: x", ["isuer", 'json: unknown field "isuer"']],
      ["oauth2: {pkce: {enforced: true}}", ["oauth2.pkce.enforced", 'json: unknown field "enforced"']],
      ["storage: {type: memory, kind: x}", ["storage.kind", 'parse storage: json: unknown field "kind"']],
      [
        "storage: {type: sqlite3, config: {path: x}}",
        ["storage.config.path", 'parse storage config: json: unknown field "path"'],
      ],
      [
        "connectors: [{type: ldap, id: l, name: L, config: {HOST: h, usersearch: {basedn: x, username: u, filters: y}}}]",
        ["connectors[0].config.userSearch.filters", 'parse connector config: json: unknown field "filters"'],
      ],
      [
        "connectors: [{type: mockCallback, id: l, name: L, label: x}]",
        ["connectors[0].label", 'parse connector: json: unknown field "label"'],
      ],
      [`staticPasswords: [{hash: "${hash}", mail: x}]`, ["staticPasswords[0].mail", 'json: unknown field "mail"']],
      ["signer: {type: local, kind: x, config: {keysRotationPeriod: 6h, x: y}}"],
      ["mfa: {authenticators: [{id: a, type: TOTP, config: {x: y}}]}"],
      ["frontend: {extra: {anything: goes}}"],
      ["ISSUER: http://127.0.0.1/dex"],
    ],
    { DEX_CONFIG_DISALLOW_UNKNOWN_FIELDS: "true" },
  );
});

test("storage, signer and connector types", async () => {
  await check([
    ["storage: {type: postgress}", ["storage.type", 'unknown storage type "postgress"']],
    ["storage: {type: Memory}", ["storage.type", 'unknown storage type "Memory"']],
    ["signer: {type: vaultt}", ["signer.type", 'unknown signer type "vaultt"']],
    ["connectors: [{type: local, id: l, name: L}]", ["connectors[0].type", 'unknown connector type "local"']],
    ["connectors: [{type: githup, id: l, name: L}]", ["connectors[0].type", 'unknown connector type "githup"']],
    [
      "storage: {type: kubernetes}",
      ["storage.config", "failed to initialize storage: must specify either 'inCluster' or 'kubeConfigFile'"],
    ],
    [
      "storage: {type: kubernetes, config: {inCluster: true, kubeConfigFile: f}}",
      ["storage.config", "failed to initialize storage: cannot specify both 'inCluster' and 'kubeConfigFile'"],
    ],
    [
      "signer: {type: local}",
      [
        "signer.config.keysRotationPeriod",
        "failed to open local signer: signer.config.keysRotationPeriod must be specified",
      ],
    ],
    [
      "signer: {type: local, config: {keysRotationPeriod: 6}}",
      [
        "signer.config.keysRotationPeriod",
        'failed to open local signer: invalid config value "6" for local signer rotation period: time: missing unit in duration "6"',
      ],
    ],
    [
      "signer: {type: local, config: {keysRotationPeriod: 6h, algorithm: rs256}}",
      ["signer.config.algorithm", 'parse signer config: unsupported local signer algorithm "rs256"'],
    ],
    [
      "expiry: {signingKeys: 1d}",
      [
        "expiry.signingKeys",
        'failed to open local signer: invalid config value "1d" for local signer rotation period: time: unknown unit "d" in duration "1d"',
      ],
    ],
  ]);
  const [mistake] = await mistakesOf(`${base}storage: {type: postgress}`);
  assert.equal(mistake?.didYouMean, "postgres");
});

test("durations", async () => {
  const bad = (what: string) => `invalid config value "x" for ${what}: time: invalid duration "x"`;
  const refresh = (what: string) => `invalid refresh token expiration policy config: ${bad(what)}`;
  await check([
    [
      "expiry: {idTokens: x, authRequests: x, deviceRequests: x, refreshTokens: {reuseInterval: x, absoluteLifetime: x, validIfNotUsedFor: x}}",
      ["expiry.idTokens", bad("id token expiry")],
      ["expiry.authRequests", bad("auth request expiry")],
      ["expiry.deviceRequests", bad("device request expiry")],
      ["expiry.refreshTokens.validIfNotUsedFor", refresh("refresh token valid if not used for")],
      ["expiry.refreshTokens.absoluteLifetime", refresh("refresh tokens absolute lifetime")],
      ["expiry.refreshTokens.reuseInterval", refresh("refresh tokens reuse interval")],
    ],
    [
      "expiry: {idTokens: 1d}",
      ["expiry.idTokens", 'invalid config value "1d" for id token expiry: time: unknown unit "d" in duration "1d"'],
    ],
  ]);
});

test("the log", async () => {
  await check([
    ["logger: {level: warning}", ["logger.level", 'slog: level string "warning": unknown name']],
    ["logger: {level: ''}", ["logger.level", 'slog: level string "": unknown name']],
    [
      "logger: {level: INFO+x}",
      ["logger.level", 'slog: level string "INFO+x": strconv.Atoi: parsing "+x": invalid syntax'],
    ],
    [
      "logger: {format: xml}",
      ["logger.format", "invalid config: log format is not one of the supported values (json, text): xml"],
    ],
    ["logger: {level: debug-4, format: JSON}"],
  ]);
});

test("the protocol", async () => {
  await check([
    ["issuer: foo", ["issuer", "failed to initialize server: server: can't parse issuer URL"]],
    [
      "oauth2: {responseTypes: [token code, codes]}",
      ["oauth2.responseTypes[0]", 'failed to initialize server: unsupported response_type "token code"'],
      ["oauth2.responseTypes[1]", 'failed to initialize server: unsupported response_type "codes"'],
    ],
    [
      "oauth2: {pkce: {codeChallengeMethodsSupported: [s256]}}",
      [
        "oauth2.pkce.codeChallengeMethodsSupported[0]",
        'failed to initialize server: unsupported PKCE challenge method "s256"',
      ],
    ],
    [
      "web: {http: ':0', workers: 2}",
      ["web.workers", "several workers cannot share what storage.type memory keeps in memory"],
    ],
    [
      "web: {http: ':0', workers: 2}\nstorage: {type: sqlite3, config: {file: ':memory:'}}",
      ["web.workers", "several workers cannot share what storage.type sqlite3 keeps in memory"],
    ],
    ["web: {http: ':0', workers: 2}\nstorage: {type: sqlite3, config: {file: dex.db}}"],
    [
      "web: {http: ':0', clientRemoteIP: {trustedProxies: [10.0.0.0/8, 10.0.0.1]}}",
      [
        "web.clientRemoteIP.trustedProxies[1]",
        `failed to parse client remote IP settings: failed to parse CIDR "10.0.0.1": netip.ParsePrefix("10.0.0.1"): no '/'`,
      ],
    ],
  ]);
  const [swapped] = await mistakesOf(`${base}oauth2: {responseTypes: [token code]}`);
  assert.equal(swapped?.didYouMean, "code token");
});

test("clients, and variables that are not set", async () => {
  await check(
    [
      [
        "staticClients: [{id: a, secret: s}]",
        ["staticClients[0].name", "invalid config: Name field is required for a client"],
      ],
      [
        "staticClients: [{name: A, secret: s}]",
        ["staticClients[0].id", "invalid config: ID or IDEnv field is required for a client"],
      ],
      [
        "staticClients: [{name: A, id: a, idEnv: B, secret: s}]",
        ["staticClients[0].idEnv", 'invalid config: ID and IDEnv fields are exclusive for client "a"'],
      ],
      [
        "staticClients: [{name: A, id: a}]",
        ["staticClients[0].secret", 'invalid config: Secret or SecretEnv field is required for client "a"'],
      ],
      [
        "staticClients: [{name: A, id: a, secret: ''}]",
        ["staticClients[0].secret", 'invalid config: Secret or SecretEnv field is required for client "a"'],
      ],
      [
        "staticClients: [{name: A, id: a, public: true, secret: s, secretEnv: B}]",
        ["staticClients[0].secretEnv", 'invalid config: Secret and SecretEnv fields are exclusive for client "a"'],
      ],
      ["staticClients: [{name: A, id: a, public: true}]"],
      [
        "staticClients: [{name: A, idEnv: UNSET, secretEnv: EMPTY}]",
        ["staticClients[0].idEnv", 'invalid config: the environment variable "UNSET" is not set or empty'],
        ["staticClients[0].secretEnv", 'invalid config: the environment variable "EMPTY" is not set or empty'],
      ],
      [
        "staticClients: [{name: A, id: a, secretEnv: constructor}]",
        ["staticClients[0].secretEnv", 'invalid config: the environment variable "constructor" is not set or empty'],
      ],
      [
        "staticClients: [{name: A, id: a, secret: s, refreshTokenLifetime: forever}]",
        [
          "staticClients[0].refreshTokenLifetime",
          'staticClients: client "a": invalid refresh token lifetime "forever": want "standalone" or "session"',
        ],
      ],
    ],
    { EMPTY: "" },
  );
});

test("passwords", async () => {
  await check([
    ["staticPasswords: [{email: a@b.c}]", ["staticPasswords[0].hash", "no password hash provided"]],
    [
      "staticPasswords: [{email: a@b.c, hashFromEnv: UNSET}]",
      ["staticPasswords[0].hashFromEnv", "no password hash provided"],
    ],
    [
      "staticPasswords: [{email: a@b.c, hash: opensesame}]",
      [
        "staticPasswords[0].hash",
        "malformed bcrypt hash: crypto/bcrypt: hashedSecret too short to be a bcrypted password",
      ],
    ],
  ]);
  const weak = await warningsOf(
    `${base}staticPasswords: [{email: a@b.c, userID: u, hash: "${hash.replace("$10$", "$04$")}"}]`,
  );
  assert.match(weak[0]?.message ?? "", /given hash cost = 4 does not meet minimum cost requirement = 10/);
});

test("connectors", async () => {
  const required = "invalid config: ID, Type and Name fields are required for a connector";
  await check([
    ["connectors: [{type: mockCallback, id: m}]", ["connectors[0].name", required]],
    ["connectors: [{type: mockCallback, name: M}]", ["connectors[0].id", required]],
    [
      "connectors: [{type: mockCallback, id: m, name: M, grantTypes: [client_credentials]}]",
      ["connectors[0].grantTypes[0]", 'invalid config: unknown grant type "client_credentials" for connector "m"'],
    ],
    [
      "connectors: [{type: mockPassword, id: m, name: M}]",
      [
        "connectors[0].config.username",
        "failed to initialize server: server: Failed to open connector m: no username supplied",
      ],
      [
        "connectors[0].config.password",
        "failed to initialize server: server: Failed to open connector m: no password supplied",
      ],
    ],
    ["connectors: [{type: mockCallback, id: m, name: M, config: }]"],
  ]);
});

test("sessions", async () => {
  const invalid = (message: string) => `invalid session config: ${message}`;
  await check([
    [
      "sessions: {absoluteLifetime: x}",
      ["sessions.absoluteLifetime", invalid('invalid absoluteLifetime "x": time: invalid duration "x"')],
    ],
    [
      "sessions: {validIfNotUsedFor: x}",
      ["sessions.validIfNotUsedFor", invalid('invalid validIfNotUsedFor "x": time: invalid duration "x"')],
    ],
    [
      "sessions: {absoluteLifetime: 0s}",
      ["sessions.absoluteLifetime", invalid("absoluteLifetime must be positive, got 0s")],
    ],
    [
      "sessions: {validIfNotUsedFor: -1m}",
      ["sessions.validIfNotUsedFor", invalid("validIfNotUsedFor must be positive, got -1m0s")],
    ],
    [
      "sessions: {absoluteLifetime: 30m}",
      ["sessions.validIfNotUsedFor", invalid("validIfNotUsedFor (1h0m0s) must not exceed absoluteLifetime (30m0s)")],
    ],
    [
      "sessions: {cookieEncryptionKey: short}",
      [
        "sessions.cookieEncryptionKey",
        invalid("cookieEncryptionKey must be 16, 24, or 32 bytes (AES-128/192/256), got 5"),
      ],
    ],
    [
      "sessions: {ssoSharedWithDefault: some}",
      ["sessions.ssoSharedWithDefault", invalid('ssoSharedWithDefault must be "none" or "all", got "some"')],
    ],
    [
      "sessions: {cookieEncryptionKey: ééééééééé}",
      [
        "sessions.cookieEncryptionKey",
        invalid("cookieEncryptionKey must be 16, 24, or 32 bytes (AES-128/192/256), got 18"),
      ],
    ],
  ]);
});

test("with sessions switched off neither sessions nor second factors may be configured", async () => {
  const off = { DEX_SESSIONS_ENABLED: "false" };
  await check(
    [
      ["sessions: {}", ["sessions", "sessions config requires sessions to be enabled (DEX_SESSIONS_ENABLED=true)"]],
      [
        "mfa: {authenticators: [{id: a, type: TOTP, config: {}}]}",
        ["mfa", "mfa requires sessions to be enabled (DEX_SESSIONS_ENABLED=true)"],
      ],
      [
        "staticClients: [{id: a, name: A, secret: s, mfaChain: [x], ssoSharedWith: [a]}]",
        ["staticClients[0].mfaChain[0]", 'staticClients: client "a" references unknown MFA authenticator "x"'],
      ],
      ["sessions: ~\nmfa: {}"],
    ],
    off,
  );
  await check([["sessions: {}"]], { DEX_SESSIONS_ENABLED: "no" });
});

test("second factors", async () => {
  const totp = "{id: totp, type: TOTP, config: {}}";
  const passkey = (id: string): string => `{id: ${id}, type: WebAuthn, config: {firstFactor: true}}`;
  await check([
    [
      "mfa: {authenticators: [{type: TOTP, config: {}}]}",
      ["mfa.authenticators[0].id", "mfa.authenticators: authenticator must have an id"],
    ],
    [
      `mfa: {authenticators: [${totp}, ${totp}]}`,
      ["mfa.authenticators[1].id", 'mfa.authenticators: duplicate authenticator id "totp"'],
    ],
    [
      "mfa: {authenticators: [{id: a, type: totp}]}",
      ["mfa.authenticators[0].type", 'mfa.authenticators: unknown type "totp" for authenticator "a"'],
    ],
    [
      `mfa: {authenticators: [${totp}], defaultMFAChain: [totp, otp]}`,
      ["mfa.defaultMFAChain[1]", 'mfa.defaultMFAChain: references unknown authenticator "otp"'],
    ],
    [
      `mfa: {authenticators: [${totp}]}\nstaticClients: [{id: a, name: A, secret: s, mfaChain: [key]}]`,
      ["staticClients[0].mfaChain[0]", 'staticClients: client "a" references unknown MFA authenticator "key"'],
    ],
    // Dex drops these two from every chain, and so asks for no second factor.
    [
      "mfa: {authenticators: [{id: a, type: TOTP}]}",
      ["mfa.authenticators[0].config", "failed to parse TOTP config: there is no config"],
    ],
    [
      "mfa: {authenticators: [{id: a, type: WebAuthn, config: {timeout: x, userVerification: always}}]}",
      [
        "mfa.authenticators[0].config.userVerification",
        'failed to create WebAuthn provider: unknown userVerification "always"',
      ],
      [
        "mfa.authenticators[0].config.timeout",
        'failed to create WebAuthn provider: invalid timeout "x": time: invalid duration "x"',
      ],
    ],
    [
      "mfa: {authenticators: [{id: a, type: WebAuthn, connectorTypes: [ldap], config: {firstFactor: true, userVerification: preferred}}]}",
      [
        "mfa.authenticators[0].config.firstFactor",
        'failed to create WebAuthn provider: firstFactor does not go with userVerification "preferred"',
      ],
      [
        "mfa.authenticators[0].config.firstFactor",
        "failed to create WebAuthn provider: firstFactor is for people of the password database, whom connectorTypes leaves out",
      ],
    ],
    [
      `enablePasswordDB: false\nmfa: {authenticators: [${passkey("a")}]}`,
      [
        "mfa.authenticators[0].config.firstFactor",
        "failed to create WebAuthn provider: firstFactor is for people of the password database",
      ],
    ],
    [
      `mfa: {authenticators: [${passkey("a")}, ${passkey("b")}]}`,
      [
        "mfa.authenticators[1].config.firstFactor",
        "failed to create WebAuthn provider: firstFactor is for one authenticator",
      ],
    ],
  ]);
});

test("what does not parse is one mistake at its line", async () => {
  assert.deepEqual(
    (await mistakesOf("a: 1\nb: [")).map(({ stage, line, path }) => ({ stage, line, path })),
    [{ stage: "parse", line: 2, path: "" }],
  );
  const latin1 = await loadConfig(Buffer.from("issuer: x\nname: caf\xe9\n", "latin1"), { env: {} });
  assert.ok(!latin1.ok);
  assert.deepEqual(
    latin1.mistakes.map(({ message }) => message),
    ["yaml: line 2: invalid UTF-8"],
  );
});

test("mistakes of every stage come together, each with its place", async () => {
  const found = await mistakesOf(`issuer: true
storage: {type: memory}
expiry:
  idTokens: 1day
staticClients:
  - id: a
connectors:
  - {type: nope, id: c, name: C}
`);
  assert.deepEqual(
    found.map(({ line, column, path }) => [line, column, path]),
    [
      [1, 1, "issuer"],
      [1, 1, "web.http"],
      [6, 5, "staticClients[0].name"],
      [6, 5, "staticClients[0].secret"],
      [8, 6, "connectors[0].type"],
      [4, 3, "expiry.idTokens"],
    ],
  );
});

test("names that point at nothing, and names given twice, are warnings", async () => {
  const warnings = await warningsOf(`${base}oauth2: {passwordConnector: locla, loginHintDomains: {corp.example: githup}}
staticClients:
- {id: web, name: W, secret: s, allowedConnectors: [githup], trustedPeers: [clii], ssoSharedWith: ["*", wep]}
- {id: cli, name: C, public: true}
- {id: cli, name: D, public: true}
connectors:
- {type: mockCallback, id: github, name: G}
- {type: mockCallback, id: github, name: G}
- {type: mockCallback, id: local, name: L}
staticPasswords:
- {email: a@b.c, userID: u, hash: "${hash}"}
- {email: A@B.C, userID: v, hash: "${hash}"}
`);
  assert.deepEqual(
    warnings.map(({ path, message, didYouMean }) => [path, message, didYouMean]),
    [
      ["oauth2.passwordConnector", 'this file has no connector "locla"', "local"],
      ["oauth2.loginHintDomains.corp.example", 'this file has no connector "githup"', "github"],
      ["staticClients[0].allowedConnectors[0]", 'this file has no connector "githup"', "github"],
      ["staticClients[0].trustedPeers[0]", 'this file has no client "clii"', "cli"],
      ["staticClients[0].ssoSharedWith[1]", 'this file has no client "wep"', "web"],
      ["staticClients[2]", 'there is another client "cli"; the last one counts', undefined],
      ["connectors[1].id", 'there is another connector "github"; the last one counts', undefined],
      ["connectors[2].id", 'the password database is connector "local" too and hides this one', undefined],
      ["staticPasswords[1].email", "attempting to create StaticPasswords with the same email id", undefined],
    ],
  );
});

test("what deserves a word though it is allowed", async () => {
  const cases: readonly (readonly [string, string, RegExp, Env?])[] = [
    ["issuer: http://dex.example.com", "issuer", /plain http/],
    ["oauth2: {grantTypes: [magic]}", "oauth2.grantTypes", /no grant is left/],
    ["expiry: {idTokens: -1h}", "expiry.idTokens", /negative/],
    [
      "web: {http: ':0', clientRemoteIP: {header: X}}",
      "web.clientRemoteIP.header",
      /ignored because any client could spoof it$/,
    ],
    [
      "expiry: {signingKeys: 1h}",
      "expiry.signingKeys",
      /^config expiry\.signingKeys will be removed in a future release$/,
    ],
    [
      "expiry: {signingKeys: 1h}\nsigner: {type: local, config: {keysRotationPeriod: 6h}}",
      "expiry.signingKeys",
      /^both expiry\.signingKeys/,
    ],
    ["frontend: {theme: drak}", "frontend.theme", /no such theme/],
    ["enablePasswordDB: false", "connectors", /no connectors specified/],
    [
      "issuer: https://dex.example.com\nconnectors: [{type: mockCallback, id: m, name: M}]",
      "connectors[0].type",
      /lets anyone in/,
    ],
    ["", "DEX_EXPAND_ENV", /no boolean/, { DEX_EXPAND_ENV: "no" }],
    ["---\nmore: 1", "", /only the first YAML document/],
  ];
  for (const [yaml, path, message, env] of cases) {
    const warnings = await warningsOf(base + yaml, env);
    assert.ok(
      warnings.some((warning) => warning.path === path && message.test(warning.message)),
      `${yaml}: ${JSON.stringify(warnings)}`,
    );
  }
});

test("a redirect URI that leads elsewhere is said before somebody fails to sign in", async () => {
  const warned = async (redirectURI: string, more = "{type: oauth, id: up 1, name: Up") =>
    (await warningsOf(`${base}connectors:\n- ${more}, config: {clientID: x, redirectURI: "${redirectURI}"}}\n`))
      .filter(({ path }) => path === "connectors[0].config.redirectURI")
      .map(({ message }) => message);
  const { issuer } = /issuer: (?<issuer>\S+)/.exec(base)?.groups ?? assert.fail();
  assert.deepEqual(await warned(`${issuer}/callback`), []);
  assert.deepEqual(await warned(`${issuer}/callback/up%201`), []);
  for (const elsewhere of [`${issuer}/callback/`, `${issuer}/callback/other`, "https://other.example/callback", ""])
    assert.deepEqual(await warned(elsewhere), [`nobody can sign in: the address must be ${issuer}/callback`]);
});
