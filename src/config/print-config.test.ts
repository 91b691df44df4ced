import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { loadConfig } from "./config.ts";
import { printConfig } from "./print-config.ts";
import { everyKey, everyKeyEnv } from "./testing/every-key.ts";
import { plain } from "./tree.ts";
import { readYaml } from "./yaml.ts";

async function printed(yaml: string, env = {}): Promise<string> {
  const loaded = await loadConfig(yaml, { env });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  return printConfig(loaded.config);
}

test("prints every section, defaults filled in, in the file's own words", async () => {
  const { tree } = readYaml(await printed("issuer: http://127.0.0.1\nstorage: {type: memory}\nweb: {http: ':1'}\n"));
  const file = Object(plain(tree));
  assert.deepEqual(file.expiry, {
    idTokens: "24h0m0s",
    authRequests: "24h0m0s",
    deviceRequests: "5m0s",
    refreshTokens: { disableRotation: false, reuseInterval: "0s", absoluteLifetime: "0s", validIfNotUsedFor: "0s" },
  });
  assert.deepEqual(file.signer, { type: "local", config: { algorithm: "RS256", keysRotationPeriod: "6h0m0s" } });
  assert.deepEqual(file.logger, { level: "INFO", format: "text", excludeFields: [] });
  assert.equal(file.web.tlsMinVersion, "1.2");
});

test("what is printed is read again without a word, and prints the same", async () => {
  const once = await printed(everyKey, everyKeyEnv);
  // A mask is no hash and no key of sixteen bytes: give it ones that are.
  const usable = once
    .replaceAll(/hash: "\*\*\*"/g, `hash: "${everyKeyEnv.OPS_HASH}"`)
    .replace('cookieEncryptionKey: "***"', "cookieEncryptionKey: sixteen bytes ok");
  const loaded = await loadConfig(usable, { env: {} });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  assert.ok(!loaded.warnings.some(({ message }) => message.startsWith("unknown key")), JSON.stringify(loaded.warnings));
  assert.equal(printConfig(loaded.config), once);
});

test("words that YAML 1.1 has a meaning for stay text", async () => {
  const text = await printed(
    `issuer: http://127.0.0.1\nstorage: {type: memory}\nweb: {http: ':1'}\nstaticClients: [{id: "no", name: "017", public: true, redirectURIs: ["on", "12:30", "0b1", "1_000", "~", "2020-01-02", ""]}]`,
  );
  const { tree } = readYaml(text);
  const [client] = Object(plain(tree)).staticClients;
  assert.deepEqual(client.redirectURIs, ["on", "12:30", "0b1", "1_000", "~", "2020-01-02", ""]);
  assert.deepEqual([client.id, client.name], ["no", "017"]);
});

test("no secret is printed, wherever it stands", async () => {
  const secret = fc.stringMatching(/^[A-Za-z0-9+/=_ $:@#%'"\\-]{12,40}$/).map((body) => `Zz${body}zZ`);
  await fc.assert(
    fc.asyncProperty(fc.array(secret, { minLength: 12, maxLength: 12 }), async (secrets) => {
      const quoted = secrets.map((value) => JSON.stringify(value));
      const [client, env, db, cookie, upstream, bind, admin, url, token, nested, listed, file] = secrets;
      const yaml = `issuer: http://127.0.0.1
storage: {type: postgres, config: {host: h, password: ${quoted[2]}}}
web: {http: ":1"}
enablePasswordDB: true
staticClients:
- {id: a, name: A, secret: ${quoted[0]}}
- {id: b, name: B, secretEnv: CLIENT_SECRET}
staticPasswords: [{email: a@b.c, hashFromEnv: HASH}]
signer: {type: vault, config: {addr: 'https://v', token: ${quoted[8]}, keyName: k}}
sessions: {cookieEncryptionKey: "${"k".repeat(32)}"}
connectors:
- {type: oidc, id: o, name: O, config: {clientSecret: ${quoted[4]}, issuer: "https://me:${encodeURIComponent(url ?? "")}@idp/x"}}
- {type: ldap, id: l, name: L, config: {host: h, bindPW: ${quoted[5]}, userSearch: {baseDN: b, username: u, password: ${quoted[9]}}}}
- {type: keystone, id: k, name: K, config: {keystoneHost: "http://k", keystonePassword: ${quoted[6]}, secrets: [${quoted[10]}, {a: ${quoted[11]}}]}}
- {type: mockPassword, id: m, name: M, config: {username: u, password: ${quoted[3]}}}
`;
      const variables = { CLIENT_SECRET: env, HASH: everyKeyEnv.OPS_HASH, DEX_EXPAND_ENV: "false" };
      const text = await printed(yaml, variables);
      const values = JSON.stringify(plain(readYaml(text).tree));
      const hidden = [
        client,
        env,
        db,
        cookie,
        upstream,
        bind,
        admin,
        token,
        nested,
        listed,
        file,
        encodeURIComponent(url ?? ""),
      ];
      for (const value of [...hidden, everyKeyEnv.OPS_HASH, "k".repeat(32)]) {
        assert.ok(!values.includes(JSON.stringify(value).slice(1, -1)), `printed ${value}`);
      }
    }),
    { numRuns: 60 },
  );
});

test("an sqlite address hides the password it may carry", async () => {
  const yaml =
    "issuer: http://127.0.0.1\nstorage: {type: sqlite3, config: {file: 'file:/dex.db?_auth_user=me&_auth_pass=hush&_fk=1'}}\nweb: {http: ':1'}";
  const text = await printed(yaml);
  assert.ok(text.includes("file:/dex.db?_auth_user=me&_auth_pass=***&_fk=1"), text);
});
