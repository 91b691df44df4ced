import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { stringify } from "yaml";
import { z } from "zod";
import { differenceRows } from "../../scripts/difference-rows.ts";
import { advice } from "../../src/config/advice.ts";
import { loadConfig } from "../../src/config/config.ts";
import { differences } from "../../src/config/differences.ts";
import { examine } from "../../src/config/examine.ts";
import { readYaml } from "../../src/config/yaml.ts";
import { configFile, dex } from "./run-dex.ts";

const harmless = `issuer: https://id.example.com/dex
storage: {type: sqlite3, config: {file: dex.db}}
web: {http: 127.0.0.1:0}
expiry: {refreshTokens: {absoluteLifetime: 2160h}}
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

const forEverybody = differences.filter(({ concerns }) => concerns === "everybody");
const forAll = differences.filter(({ concerns }) => concerns === "all");

test("a harmless config: what everybody should know, what its settings touch, and success", async () => {
  const { code, stdout, stderr } = await dex(["doctor", "-"], { stdin: harmless });
  assert.deepEqual([code, stderr], [0, ""]);
  const lines = stdout.trimEnd().split("\n");
  const more = lines.pop();
  assert.match(more ?? "", new RegExp(`^${forAll.length} more differences concern every config.*: dex doctor --all$`));
  for (const line of lines)
    assert.match(line, /^-(:\d+:\d+: [\w.[\]]+)?: difference \((fixed|safer|never|ours)\): .+ \(.+\)$/);
  assert.equal(lines.filter((line) => line.startsWith("-: ")).length, forEverybody.length);
  assert.ok(lines.some((line) => line.startsWith("-:2:11: storage.type: difference (ours): SQLite in WAL mode")));
});

test("with --all, what few will notice as well", async () => {
  const { code, stdout } = await dex(["doctor", "--all", "-"], { stdin: harmless });
  assert.equal(code, 0);
  const lines = stdout.trimEnd().split("\n");
  assert.equal(lines.filter((line) => line.startsWith("-: ")).length, forEverybody.length + forAll.length);
  assert.doesNotMatch(stdout, /more differences/);
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
  const old = findings.filter(({ kind }) => kind === "deprecated");
  assert.deepEqual(
    old.map(({ path, line }) => ({ path, line })),
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

test("what doctor knows is what the page says", () => {
  assert.deepEqual(
    differences.map(({ what }) => what),
    differenceRows().map(({ what }) => what),
  );
  assert.throws(() => differenceRows("| a | b | wrong |  |\n"), /page|differences-from-dex\.md:1/);
  assert.throws(() => differenceRows("| a | b | fixed |\n"), /:1/);
  assert.throws(() => differenceRows("| a | b | fixed |  | settings |\n"), /:1/);
  const [own, section] = differenceRows("Concerns `a`.\n| w | y | fixed | | `b` `c=\\|` |\n| w | y | ours | s |\n");
  assert.deepEqual([own?.concerns, section?.concerns, section?.switch], ["`b` `c=|`", "`a`", "s"]);
});

/** A file that has what `concern` speaks of, and nothing else. */
function sampleOf(concern: string): unknown {
  const [, path = "", pattern = "x"] = /^([^=]*)(?:=(.*))?$/.exec(concern) ?? [];
  const text = pattern
    .replace(/\[\^[^\]]*\]/g, " ")
    .replace(/\[[^\]]*\]/g, "h")
    .replace(/[*?]/g, "x");
  const leaf: unknown = text === "true" || text === "false" ? text === "true" : text;
  return path.split(/\.|(?=\[)/).reduceRight<unknown>((inner, step) => {
    const selector = /^\[(.*)\]$/.exec(step)?.[1];
    if (selector === undefined) return { [step]: inner };
    if (/^\d+$/.test(selector)) return [...Array(Number(selector)).fill({}), {}];
    const entry = typeof inner === "object" ? inner : {};
    return [selector === "*" ? inner : { ...entry, type: spelled(selector.replaceAll("*", "")) }];
  }, leaf);
}

/** As the file has to spell it. */
const spelled = (type: string): string => ({ totp: "TOTP", webauthn: "WebAuthn" })[type] ?? type;

/** What of `file` no key of ours has, at any depth. */
async function unknownKeys(file: unknown): Promise<readonly string[]> {
  const loaded = await loadConfig(stringify(file), { env: { DEX_CONFIG_DISALLOW_UNKNOWN_FIELDS: "true" } });
  if (loaded.ok) return [];
  return loaded.mistakes.map(({ message }) => message).filter((message) => /unknown field/.test(message));
}

test("every setting that a row concerns is a real one, and a file that has it is told the row", async () => {
  for (const { what, concerns } of differenceRows()) {
    for (const concern of concerns.match(/(?<=`)[^` ][^`]*(?=`)/g) ?? []) {
      const file = sampleOf(concern);
      const told = examine(readYaml(stringify(file)).tree, false).map(({ message }) => message);
      assert.ok(told.includes(what), `${concern} of "${what}" is not found in ${JSON.stringify(file)}`);
      const own = concern.replace(/=.*/s, "");
      assert.deepEqual(await unknownKeys(file), [], own);
    }
  }
});

const connector = (type: string, config: object) => ({ connectors: [{ type, id: "c", name: "C", config }] });
const client = (more: object) => ({ staticClients: [{ id: "a", name: "A", ...more }] });
const samples: readonly (readonly [file: object, path: string, kind: "deprecated" | "dangerous"])[] = [
  [{ expiry: { signingKeys: "6h" } }, "expiry.signingKeys", "deprecated"],
  [{ frontend: { theme: "coreos" } }, "frontend.theme", "deprecated"],
  [{ frontend: { theme: "tectonic" } }, "frontend.theme", "deprecated"],
  [connector("samlExperimental", {}), "connectors[0].type", "deprecated"],
  [connector("github", { org: "o" }), "connectors[0].config.org", "deprecated"],
  [connector("google", { adminEmail: "a@b.c" }), "connectors[0].config.adminEmail", "deprecated"],
  [connector("ldap", { groupSearch: { userAttr: "u" } }), "connectors[0].config.groupSearch.userAttr", "deprecated"],
  [connector("ldap", { groupSearch: { groupAttr: "u" } }), "connectors[0].config.groupSearch.groupAttr", "deprecated"],
  [
    connector("ldap", { groupSearch: { recursionGroupAttr: "u" } }),
    "connectors[0].config.groupSearch.recursionGroupAttr",
    "deprecated",
  ],
  [connector("bitbucket-cloud", { includeTeamGroups: true }), "connectors[0].config.includeTeamGroups", "deprecated"],
  [connector("oidc", { hostedDomains: ["a.b"] }), "connectors[0].config.hostedDomains", "deprecated"],
  [client({ redirectURIs: ["urn:ietf:wg:oauth:2.0:oob"] }), "staticClients[0].redirectURIs[0]", "deprecated"],
  [{ issuer: "http://dex.example.com" }, "issuer", "dangerous"],
  [{ storage: { type: "memory" } }, "storage.type", "dangerous"],
  [{ storage: { config: { password: "p" } } }, "storage.config.password", "dangerous"],
  ...["disable", "allow", "prefer", "false", "preferred", "require", "skip-verify"].map(
    (mode) => [{ storage: { config: { ssl: { mode } } } }, "storage.config.ssl.mode", "dangerous"] as const,
  ),
  [{ storage: { config: { endpoints: ["http://etcd:2379"] } } }, "storage.config.endpoints[0]", "dangerous"],
  [{ oauth2: { passwordConnector: "ldap" } }, "oauth2.passwordConnector", "dangerous"],
  [{ oauth2: { responseTypes: ["code token"] } }, "oauth2.responseTypes[0]", "dangerous"],
  [
    { oauth2: { pkce: { codeChallengeMethodsSupported: ["S256", "plain"] } } },
    "oauth2.pkce.codeChallengeMethodsSupported[1]",
    "dangerous",
  ],
  [{ ...client({ public: true }), expiry: { refreshTokens: { validIfNotUsedFor: "1h" } } }, "", "dangerous"],
  [{ oauth2: { anonymousIntrospection: true } }, "oauth2.anonymousIntrospection", "dangerous"],
  [{ expiry: { refreshTokens: { disableRotation: true } } }, "expiry.refreshTokens.disableRotation", "dangerous"],
  [{ expiry: { refreshTokens: { reuseInterval: "1h" } } }, "expiry.refreshTokens.reuseInterval", "dangerous"],
  [{ expiry: { refreshTokens: { absoluteLifetime: "0s" } } }, "", "dangerous"],
  [{ expiry: { idTokens: "25h" } }, "expiry.idTokens", "dangerous"],
  [{ web: { allowedOrigins: ["*"] } }, "web.allowedOrigins[0]", "dangerous"],
  ...["0.0.0.0/0", "::/0"].flatMap((range) => [
    [
      { web: { clientRemoteIP: { trustedProxies: [range] } } },
      "web.clientRemoteIP.trustedProxies[0]",
      "dangerous",
    ] as const,
    [
      connector("authproxy", { trustedProxies: [range] }),
      "connectors[0].config.trustedProxies[0]",
      "dangerous",
    ] as const,
  ]),
  [{ web: { clientRemoteIP: { header: "X-Forwarded-For" } } }, "web.clientRemoteIP", "dangerous"],
  [{ grpc: { addr: "0.0.0.0:5557" } }, "grpc", "dangerous"],
  [{ telemetry: { enableProfiling: true } }, "telemetry.enableProfiling", "dangerous"],
  [{ logger: { level: "debug" } }, "logger.level", "dangerous"],
  [{ lockout: { disabled: true } }, "lockout.disabled", "dangerous"],
  [{ signup: { assumeEmailVerified: true } }, "signup.assumeEmailVerified", "dangerous"],
  [{ mail: { tls: "none" } }, "mail.tls", "dangerous"],
  [{ signer: { config: { addr: "http://vault:8200" } } }, "signer.config.addr", "dangerous"],
  [{ signer: { config: { token: "t" } } }, "signer.config.token", "dangerous"],
  [{ signer: { config: { insecureSkipVerify: true } } }, "signer.config.insecureSkipVerify", "dangerous"],
  [client({ secret: "s" }), "staticClients[0].secret", "dangerous"],
  [client({ secret: "ZXhhbXBsZS1hcHAtc2VjcmV0" }), "staticClients[0].secret", "dangerous"],
  [
    { staticPasswords: [{ hash: "$2a$10$2b2cU8CPhOTaGrs1HRQuAueS7JTT5ZHsHSzYiFPm1leZck7Mc8T4W" }] },
    "staticPasswords[0].hash",
    "dangerous",
  ],
  [client({ redirectURIs: ["http://app.example/cb"] }), "staticClients[0].redirectURIs[0]", "dangerous"],
  [client({ backchannelLogoutURI: "http://app.example/bye" }), "staticClients[0].backchannelLogoutURI", "dangerous"],
  ...(
    [
      ["oidc", "clientSecret"],
      ["ldap", "bindPW"],
      ["keystone", "keystonePassword"],
      ["keystone", "applicationCredentialSecret"],
    ] as const
  ).map(([type, key]) => [connector(type, { [key]: "s" }), `connectors[0].config.${key}`, "dangerous"] as const),
  ...(
    [
      ["oidc", "issuer"],
      ["saml", "ssoURL"],
      ["oauth", "tokenURL"],
      ["oauth", "userInfoURL"],
      ["oauth", "authorizationURL"],
      ["gitlab", "baseURL"],
      ["keystone", "keystoneHost"],
      ["ldap", "host"],
    ] as const
  ).map(
    ([type, key]) =>
      [connector(type, { [key]: "http://up.example" }), `connectors[0].config.${key}`, "dangerous"] as const,
  ),
  ...(
    [
      ["oauth", "insecureSkipVerify"],
      ["openshift", "insecureCA"],
      ["ldap", "insecureNoSSL"],
      ["saml", "insecureSkipSignatureValidation"],
      ["saml", "insecureAllowSHA1"],
      ["saml", "insecureAllowMissingRestrictions"],
      ["oidc", "insecureSkipEmailVerified"],
      ["oidc", "insecureSkipNonce"],
      ["github", "insecureIgnoreOrg"],
      ["gitea", "insecureIgnoreTeams"],
      ["oidc", "insecureIgnoreAllowedGroups"],
    ] as const
  ).map(([type, key]) => [connector(type, { [key]: true }), `connectors[0].config.${key}`, "dangerous"] as const),
  [connector("mockCallback", {}), "connectors[0].type", "dangerous"],
  [connector("mockPassword", {}), "connectors[0].type", "dangerous"],
];

const quiet = { expiry: { refreshTokens: { absoluteLifetime: "24h" } } };
const advised = (file: object) =>
  examine(readYaml(stringify(file)).tree, false).filter(({ kind }) => kind !== "difference");

test("every deprecated or dangerous setting is found where it stands, and every advice by a sample", async () => {
  const given = new Set<string>();
  for (const [sample, path, kind] of samples) {
    const file = "expiry" in sample ? sample : { ...quiet, ...sample };
    const found = advised(file);
    assert.ok(
      found.some((finding) => finding.path === path && finding.kind === kind),
      `${path} in ${JSON.stringify(sample)}: ${JSON.stringify(found)}`,
    );
    for (const { message, todo } of found) given.add(`${message} ${todo}`);
    assert.deepEqual(await unknownKeys(sample), [], path);
  }
  assert.deepEqual(
    advice.map(({ message, todo }) => `${message} ${todo}`).filter((one) => !given.has(one)),
    [],
  );
});

test("what is right is left alone", () => {
  const local = ["http://localhost:5556/dex", "http://127.0.0.1/dex", "http://[::1]:1/", "https://a.example"];
  for (const issuer of local) assert.deepEqual(advised({ ...quiet, issuer }), [], issuer);
  for (const issuer of ["http://localhost.evil.example", "HTTP://a.example", "http://127.0.0.1.example"])
    assert.equal(advised({ ...quiet, issuer }).length, 1, issuer);
  const good = [
    client({ secretEnv: "A", redirectURIs: ["https://a.example/cb", "http://127.0.0.1:1/cb"] }),
    { ...client({ public: true }), oauth2: { pkce: { enforce: true } } },
    connector("ldap", { host: "ldap.example.com:636", bindPW: "$LDAP_PW" }),
    { grpc: { addr: "127.0.0.1:5557" } },
    { grpc: { addr: "0.0.0.0:5557", tlsCert: "c", tlsKey: "k", tlsClientCA: "ca" } },
    { web: { allowedOrigins: ["https://a.example"], clientRemoteIP: { header: "X", trustedProxies: ["10.0.0.0/8"] } } },
    { storage: { type: "postgres", config: { password: "$PG", ssl: { mode: "verify-full" } } } },
  ];
  for (const file of good) assert.deepEqual(advised({ ...quiet, ...file }), [], JSON.stringify(file));
  assert.deepEqual(advised({ expiry: { idTokens: "1day", refreshTokens: { validIfNotUsedFor: "24h" } } }), []);
});

test("our own examples are examined whole", () => {
  const folder = join(import.meta.dirname, "../../examples");
  const files = globSync("*.yaml", { cwd: folder });
  assert.ok(files.length > 5);
  for (const file of files) {
    const findings = examine(readYaml(readFileSync(join(folder, file), "utf8")).tree, true);
    assert.ok(findings.length >= forEverybody.length + forAll.length, file);
  }
});
