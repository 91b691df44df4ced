/** `dex connector test`, the real program against real upstreams on loopback. */
import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { stringify } from "yaml";
import { newAuthority } from "../fake/certificates.ts";
import { startFakeOAuth2 } from "../fake/oauth2.ts";
import { type FakeOidcOptions, startFakeOidc } from "../fake/oidc.ts";
import { configFile, dex, startDex } from "./run-dex.ts";

const issuer = "http://127.0.0.1:5556/dex";

async function aProvider(t: TestContext, options: FakeOidcOptions = {}) {
  const fake = await startFakeOidc(options);
  t.after(() => fake.close());
  fake.people.set("jane", { name: "Jane", email: "jane@up.test", email_verified: true, groups: ["staff"] });
  return fake;
}

const config = (connector: Readonly<Record<string, unknown>>): string =>
  stringify({
    issuer,
    storage: { type: "memory" },
    web: { http: "127.0.0.1:0" },
    connectors: [{ id: "up", name: "Up", ...connector }],
  });

const oidcTo = (url: string, more: Readonly<Record<string, unknown>> = {}) =>
  config({
    type: "oidc",
    config: {
      issuer: url,
      clientID: "dex",
      clientSecret: "dex-secret",
      redirectURI: `${issuer}/callback`,
      insecureEnableGroups: true,
      ...more,
    },
  });

async function tested(t: TestContext, yaml: string, flags: readonly string[] = [], stdin = "") {
  const { cwd, path } = configFile(t, yaml);
  return dex(["connector", "test", path, "up", ...flags], { cwd, stdin });
}

/** That a line says `outcome` about `about`, in words that match. */
const says = (output: string, outcome: string, about: string, pattern: RegExp): void =>
  assert.ok(
    output
      .split("\n")
      .some((line) => line.startsWith(`${outcome.padEnd(5)} ${about.padEnd(12)}`) && pattern.test(line)),
    `no "${outcome} ${about}" that matches ${pattern} in:\n${output}`,
  );

test("tells what a provider offers, and that it knows us", async (t) => {
  const fake = await aProvider(t);
  const { code, stdout, stderr } = await tested(t, oidcTo(fake.issuer));
  assert.equal(code, 0, stdout + stderr);
  says(stdout, "pass", "redirect", /the upstream must know http:\/\/127.0.0.1:5556\/dex\/callback/);
  says(stdout, "pass", "connect", /listens, in clear/);
  says(stdout, "pass", "clock", /the clocks agree/);
  says(stdout, "pass", "discovery", new RegExp(fake.issuer));
  says(stdout, "pass", "pkce", /plain, S256/);
  says(stdout, "pass", "keys", /key-1 \(ES256\)/);
  says(stdout, "pass", "client", /knows us and our secret/);
  says(stdout, "pass", "open", /opens/);
});

test("tells which of the usual mistakes it is", async (t) => {
  const fake = await aProvider(t);
  const wrongSecret = await tested(t, oidcTo(fake.issuer, { clientSecret: "hunter2" }));
  assert.equal(wrongSecret.code, 2);
  says(wrongSecret.stdout, "fail", "client", /may not know us: .*invalid_client/);
  assert.doesNotMatch(wrongSecret.stdout + wrongSecret.stderr, /hunter2/);
  const wrongRedirect = await tested(t, oidcTo(fake.issuer, { redirectURI: "https://dex.example/callback" }));
  says(wrongRedirect.stdout, "fail", "redirect", /should be http:\/\/127.0.0.1:5556\/dex\/callback/);
  const wrongIssuer = await tested(t, oidcTo(`${fake.issuer}/`));
  says(wrongIssuer.stdout, "fail", "upstream", /did not match the issuer URL/);
  await fake.close();
  const dead = await tested(t, oidcTo(fake.issuer));
  says(dead.stdout, "fail", "connect", /ECONNREFUSED/);
  assert.equal(dead.code, 2);
});

test("looks at certificates, and at a clock that is wrong", async (t) => {
  const authority = newAuthority();
  const fake = await aProvider(t, { tls: authority.issue([], { days: 5 }) });
  const away = await tested(t, oidcTo(fake.issuer));
  says(away.stdout, "pass", "tls", /TLSv1\.3/);
  says(away.stdout, "warn", "certificate", /^warn {2}certificate {2}localhost, by Test CA, [45] days left/);
  says(away.stdout, "fail", "upstream", /certificate|CERT/i);
  const { cwd, path } = configFile(t, oidcTo(fake.issuer, { rootCAs: ["ca.pem"] }));
  writeFileSync(join(cwd, "ca.pem"), authority.cert);
  t.after(() => rmSync(join(cwd, "ca.pem"), { force: true }));
  const late = new Date(Date.now() - 300_000).toUTCString();
  fake.next("/.well-known/openid-configuration", { status: 200, headers: { date: late }, body: "{}" });
  const skewed = await dex(["connector", "test", path, "up"], { cwd });
  says(skewed.stdout, "fail", "clock", /ours is (29\d|30\d) s ahead/);
  const trusted = await dex(["connector", "test", path, "up"], { cwd });
  says(trusted.stdout, "pass", "open", /opens/);
});

test("signs somebody in, shows what was answered without its secrets, and what the client would be told", async (t) => {
  const fake = await aProvider(t);
  const { cwd, path } = configFile(t, oidcTo(fake.issuer, { getUserInfo: true }));
  const running = startDex(["connector", "test", path, "up", "--login"], { cwd, keepsStdin: true });
  const asked = await running.until(/\n> $/);
  const [, address = ""] = /^(http\S+)$/m.exec(asked) ?? [];
  running.process.stdin?.end(`${(await fake.authorize(new URL(address))).href}\n`);
  const { code, stdout, stderr } = await running.finished;
  assert.equal(code, 0, stdout + stderr);
  says(stdout, "", "answer", /"id_token":\{"iss"/);
  says(stdout, "", "answer", /"sub":"jane","name":"Jane"/);
  says(stdout, "pass", "claims", /\{"sub":"CgRqYW5lEgJ1cA","name":"Jane",.*"groups":\["staff"\]\}/);
  says(stdout, "pass", "refresh", /bytes are kept/);
  const { form } =
    fake.heard.find(({ path: asked, form }) => asked === "/token" && form.has("code_verifier")) ?? assert.fail();
  for (const secret of [form.get("code"), form.get("code_verifier"), "dex-secret"])
    assert.ok(!stdout.includes(secret ?? ""));
});

test("signs somebody in with a password", async (t) => {
  const yaml = config({ type: "mockPassword", config: { username: "kilgore", password: "trout" } });
  const right = await tested(t, yaml, ["--login"], "kilgore\ntrout\n");
  says(right.stdout, "pass", "claims", /Kilgore Trout/);
  assert.equal(right.code, 0, right.stderr);
  const wrong = await tested(t, yaml, ["--login"], "kilgore\nhunter2\n");
  says(wrong.stdout, "fail", "login", /wrong_credentials/);
  assert.equal(wrong.code, 2);
});

test("tests plain OAuth 2.0 as far as that goes", async (t) => {
  const fake = await startFakeOAuth2();
  t.after(() => fake.close());
  const { code, stdout } = await tested(
    t,
    config({
      type: "oauth",
      config: {
        clientID: "dex",
        clientSecret: "dex-secret",
        redirectURI: `${issuer}/callback`,
        authorizationURL: `${fake.url}/authorize`,
        tokenURL: `${fake.url}/token`,
        userInfoURL: `${fake.url}/userinfo`,
      },
    }),
  );
  assert.equal(code, 0, stdout);
  says(stdout, "pass", "client", /knows us/);
});

test("is told what there is to test", async (t) => {
  const { cwd, path } = configFile(t, config({ type: "mockCallback" }));
  const unknown = await dex(["connector", "test", path, "nope"], { cwd });
  assert.match(unknown.stderr, /no connector "nope" in the configuration; there are: up/);
  assert.equal(unknown.code, 2);
  assert.match(
    (await dex(["connector", "check", path, "up"], { cwd })).stderr,
    /unknown command "check" for "dex connector": test/,
  );
});
