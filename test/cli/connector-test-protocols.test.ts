/** `dex connector test` of those that speak no OAuth: directories, SAML, proxies. Real programs where there is one. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { loopbackServer } from "../fake/loopback-server.ts";
import { makeKeyPair } from "../fake/saml-documents.ts";
import { missing } from "../peer/peer.ts";
import { SamlBrowser } from "../peer/saml-browser.ts";
import { noSimpleSaml, startSimpleSaml } from "../peer/simplesaml.ts";
import { slapdPrograms, startSlapd } from "../peer/slapd.ts";
import { baseDn, service } from "../peer/slapd-seed.ts";
import { configFile, dex, startDex } from "./run-dex.ts";

const issuer = "http://127.0.0.1:5556/dex";
const redirectURI = `${issuer}/callback`;
type Settings = Readonly<Record<string, unknown>>;

const fileOf = (t: TestContext, type: string, config: Settings, more: Settings = {}) =>
  configFile(
    t,
    stringify({
      issuer,
      storage: { type: "memory" },
      web: { http: "127.0.0.1:0" },
      connectors: [{ id: "up", name: "Up", type, config }],
      ...more,
    }),
  );

async function tested(t: TestContext, type: string, config: Settings, flags: readonly string[] = [], stdin = "") {
  const { cwd, path } = fileOf(t, type, config);
  return dex(["connector", "test", path, "up", ...flags], { cwd, stdin });
}

/** That a line says `outcome` about `about`, in words that match. */
const says = (output: string, outcome: string, about: string, pattern: RegExp): void =>
  assert.ok(
    output
      .split("\n")
      .some((line) => line.startsWith(`${outcome.padEnd(5)} ${about.padEnd(12)} `) && pattern.test(line)),
    `no "${outcome} ${about}" that matches ${pattern} in:\n${output}`,
  );

describe("dex connector test, of a directory", { skip: missing(slapdPrograms) }, () => {
  it("looks at names, TLS and certificates, binds, searches, and signs somebody in", async (t) => {
    const slapd = await startSlapd();
    t.after(() => slapd.stop());
    const config = {
      host: `localhost:${slapd.port}`,
      startTLS: true,
      rootCA: slapd.caFile,
      bindDN: service.dn,
      bindPW: service.password,
      userSearch: { baseDN: `ou=People,${baseDn}`, username: "uid", idAttr: "uid", nameAttr: "cn", emailAttr: "mail" },
      groupSearch: {
        baseDN: `ou=Groups,${baseDn}`,
        nameAttr: "cn",
        userMatchers: [{ userAttr: "DN", groupAttr: "member" }],
      },
    };
    const { code, stdout, stderr } = await tested(t, "ldap", config, ["--login"], "jane\nfoo\n");
    assert.equal(code, 0, stdout + stderr);
    says(stdout, "pass", "dns", /localhost is .*127\.0\.0\.1/);
    says(stdout, "pass", "connect", /listens, in clear/);
    says(stdout, "pass", "tls", /TLSv1\.[23]/);
    says(stdout, "warn", "certificate", /localhost, by Test CA, \d+ days left/);
    says(stdout, "pass", "bind", /cn=readonly/);
    says(stdout, "pass", "user search", /uid "/);
    says(stdout, "pass", "group search", /member "/);
    says(stdout, "pass", "answer", /dn "cn=jane,ou=People.*; uid "jane"/);
    says(stdout, "pass", "claims", /"groups":\[.*"admins"/);
    assert.doesNotMatch(stdout, /"foo"|readonly"/);
    const overTls = { ...config, host: `localhost:${slapd.tlsPort}`, startTLS: false };
    says((await tested(t, "ldap", overTls)).stdout, "warn", "certificate", /localhost, by Test CA/);
    const wrong = await tested(t, "ldap", config, ["--login"], "jane\nhunter2\n");
    says(wrong.stdout, "fail", "login", /wrong_credentials/);
    // A certificate that nobody trusts is looked at all the same.
    const untrusted = await tested(t, "ldap", { ...config, rootCA: undefined });
    says(untrusted.stdout, "pass", "certificate", /by Test CA/);
    assert.equal(untrusted.code, 2);
    await slapd.kill();
    const dead = await tested(t, "ldap", config);
    says(dead.stdout, "fail", "connect", /ECONNREFUSED/);
    says(dead.stdout, "fail", "server", /ECONNREFUSED/);
    assert.equal(dead.code, 2);
  });
});

const common = { redirectURI, usernameAttr: "name", emailAttr: "email", groupsAttr: "groups" };
const base64 = (text: string): string => Buffer.from(text).toString("base64");

describe("dex connector test, of SimpleSAMLphp", { skip: noSimpleSaml }, () => {
  it("reads its metadata, and signs somebody in with the answer that the browser was given", async (t) => {
    const idp = await startSimpleSaml({ acsUrl: redirectURI });
    t.after(() => idp.stop());
    const config = { ...common, entityIssuer: "urn:test:both", metadataURL: idp.metadataUrl };
    const { cwd, path } = fileOf(t, "saml", config);
    const running = startDex(["connector", "test", path, "up", "--login"], { cwd, keepsStdin: true });
    const asked = await running.until(/\n> $/);
    const page = readFileSync(fileURLToPath(/^(file:\S+)$/m.exec(asked)?.[1] ?? ""), "utf8");
    const [, action = ""] = /action="([^"]*)"/.exec(page) ?? [];
    const fields = [...page.matchAll(/name="([^"]*)" value="([^"]*)"/g)].map(([, name = "", value = ""]) => [
      name,
      value,
    ]);
    const browser = new SamlBrowser();
    const form = await browser.ask(action, Object.fromEntries(fields) as Record<string, string>);
    const back = await browser.signIn(form, "jane", "foo");
    writeFileSync(join(cwd, "response"), back.fields.SAMLResponse ?? "");
    running.process.stdin?.end(`${join(cwd, "response")}\n`);
    const { code, stdout, stderr } = await running.finished;
    assert.equal(code, 0, stdout + stderr);
    says(stdout, "pass", "connect", /listens/);
    says(stdout, "pass", "clock", /agree/);
    says(stdout, "pass", "issuer", new RegExp(`${idp.entityId}, by http`));
    says(stdout, "pass", "audience", /urn:test:both/);
    says(stdout, "pass", "consumer", /callback/);
    says(stdout, "pass", "sign-on", /post to .*SSOService/);
    says(stdout, "pass", "logout", /SingleLogoutService/);
    says(stdout, "pass", "key", /RSA 2048/);
    says(stdout, "pass", "certificate", /listed; it ends 20\d\d-/);
    says(stdout, "pass", "requests", /not signed/);
    says(stdout, "pass", "answer", /<saml:Attribute Name="groups"/);
    says(stdout, "pass", "saml.signature", /signed by/);
    says(stdout, "pass", "claims", /"name":"Jane Doe",.*"groups":\["admins","developers"\]/);
    assert.throws(() => readFileSync(fileURLToPath(/^(file:\S+)$/m.exec(asked)?.[1] ?? "")), /ENOENT/);
    await idp.kill();
    const dead = await tested(t, "saml", config);
    says(dead.stdout, "fail", "connect", /ECONNREFUSED/);
    says(dead.stdout, "fail", "upstream", /metadata cannot be read.*ECONNREFUSED/);
  });
});

/** A certificate that ends in so many days; 0: it has ended. */
function endingIn(t: TestContext, days: number, bits = 2048): string {
  const { cwd } = configFile(t, "");
  const openssl = (...args: readonly string[]) => execFileSync("openssl", args, { cwd, stdio: "ignore" });
  openssl("req", "-new", "-newkey", `rsa:${bits}`, "-nodes", "-subj", "/CN=Old IdP", "-keyout", "key", "-out", "csr");
  openssl("x509", "-req", "-in", "csr", "-signkey", "key", "-days", String(days), "-out", "cert");
  return readFileSync(join(cwd, "cert"), "utf8");
}

describe("dex connector test, of SAML by hand", () => {
  it("looks at every certificate, ours too, and at the clock", async (t) => {
    const late = new Date(Date.now() + 300_000).toUTCString();
    const idp = await loopbackServer((_, response) => void response.writeHead(400, { date: late }).end());
    t.after(() => idp.close());
    const ours = makeKeyPair("Dex");
    const config = {
      ...common,
      ssoURL: `${idp.url}/sso`,
      privateKey: ours.key,
      certificate: makeKeyPair("Other").certificate,
      caData: base64([endingIn(t, 5), endingIn(t, 0, 1024)].join("\n")),
    };
    const { code, stdout } = await tested(t, "saml", config);
    assert.equal(code, 2);
    says(stdout, "warn", "issuer", /ssoIssuer is empty/);
    says(stdout, "fail", "clock", /ours is (29\d|30\d) s behind/);
    says(stdout, "warn", "certificate", /Old IdP.*[45] days left/);
    says(stdout, "fail", "certificate", /Old IdP.*expired 1 days ago/);
    says(stdout, "warn", "key", /RSA 1024/);
    says(stdout, "pass", "requests", /signed with our key, RSA 2048/);
    says(stdout, "fail", "certificate", /ours is of another key/);
    assert.doesNotMatch(stdout, /BEGIN/);
  });

  it("says that requests must be signed, and that an address is not to be reached from here", async (t) => {
    const idp = await loopbackServer((_, response) => void response.end());
    await idp.close();
    const certificate = makeKeyPair().certificate.replace(/-----.*?-----|\s/g, "");
    const { cwd, path } = fileOf(t, "saml", { ...common, metadataFile: "idp.xml", ssoIssuer: "https://idp.example" });
    writeFileSync(
      join(cwd, "idp.xml"),
      `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example"><md:IDPSSODescriptor WantAuthnRequestsSigned="true" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>${certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="${idp.url}/sso"/></md:IDPSSODescriptor></md:EntityDescriptor>`,
    );
    const { stdout } = await dex(["connector", "test", path, "up"], { cwd });
    says(stdout, "pass", "issuer", /https:\/\/idp\.example, by idp\.xml/);
    says(stdout, "pass", "sign-on", /redirect to/);
    says(stdout, "warn", "sign-on", /not from here: .*ECONNREFUSED/);
    says(stdout, "fail", "requests", /wants them signed/);
  });
});

describe("dex connector test, of a proxy", () => {
  it("says what the proxy must do, and whose word is taken", async (t) => {
    const open = await tested(t, "authproxy", { userHeader: "X-Who" });
    says(open.stdout, "pass", "path", /\/callback\/up/);
    says(open.stdout, "pass", "headers", /X-Who, X-Remote-User-Id/);
    says(open.stdout, "warn", "proxies", /none is named/);
    const named = await tested(t, "authproxy", { trustedProxies: ["10.0.0.7/32"] }, ["--login"]);
    says(named.stdout, "pass", "proxies", /10\.0\.0\.7\/32/);
    says(named.stdout, "fail", "login", /to the running server alone/);
  });
});
