/** Single sign-on with real tickets: MIT Kerberos gives them out, curl shows them, OpenLDAP knows the people. RFC 4559. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { kdcPrograms, startKdc } from "../peer/kdc.ts";
import { missing } from "../peer/peer.ts";
import { slapdPrograms, startSlapd } from "../peer/slapd.ts";
import { baseDn, service } from "../peer/slapd-seed.ts";
import { authPath, codeOf, redeem, tokensOf, verify } from "./relying-party.ts";
import { type ServerUnderTest, startServerUnderTest } from "./server-under-test.ts";
import type { Answer, UserAgent } from "./user-agent.ts";

const skip = missing({ ...slapdPrograms, ...kdcPrograms });
const peers = skip === false ? { kdc: await startKdc(), slapd: await startSlapd() } : undefined;
const jars = mkdtempSync(join(tmpdir(), "dex-jar-"));
Object.assign(process.env, peers?.kdc.env);

const connector = (id: string, kerberos: object) => ({
  type: "ldap",
  id,
  name: id,
  config: {
    host: `127.0.0.1:${peers?.slapd.port}`,
    insecureNoSSL: true,
    bindDN: service.dn,
    bindPW: service.password,
    userSearch: { baseDN: `ou=People,${baseDn}`, username: "uid", idAttr: "uid", nameAttr: "displayName" },
    groupSearch: {
      baseDN: `ou=Groups,${baseDn}`,
      nameAttr: "cn",
      userMatchers: [{ userAttr: "DN", groupAttr: "member" }],
    },
    kerberos: { enabled: true, keytabPath: peers?.kdc.keytab, expectedRealm: "example.org", ...kerberos },
  },
});

const server: ServerUnderTest | undefined =
  peers &&
  (await startServerUnderTest({
    connectors: [
      connector("strict", {}),
      connector("form", { fallbackToPassword: true }),
      connector("anyrealm", { expectedRealm: "" }),
      connector("upn", { usernameFromPrincipal: "userPrincipalName" }),
      connector("spn", { spn: "HTTP/auth.example.org" }),
      connector("wrongkey", { keytabPath: peers.kdc.wrongKeytab }),
      connector("nokeytab", { keytabPath: "/nowhere/keytab" }),
    ],
  }));
after(async () => {
  await server?.close();
  await peers?.kdc.stop();
  await peers?.slapd.stop();
  rmSync(jars, { recursive: true });
});

let count = 0;

/** Goes to the login as curl with a ticket does; the last answer's status and headers. */
async function curlLogin(id: string, principal: string, password: string) {
  assert.ok(peers && server);
  const env = await peers.kdc.login(principal, password);
  const jar = join(jars, String(count++));
  const base = `http://localhost:${server.port}`;
  const ask = async (url: string): Promise<string> =>
    peers.kdc.curl(env, ["-D", "-", "--negotiate", "-u", ":", "-c", jar, "-b", jar, url]);
  const first = await ask(`${base}/dex${authPath({ connector_id: id, scope: "openid email groups offline_access" })}`);
  const second = await ask(
    base + locationOf(locationOf(first).includes("/login") ? first : await ask(base + locationOf(first))),
  );
  const answers = second.split(/(?=^HTTP\/1\.1 )/m);
  const last = answers.at(-1) ?? "";
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(last)?.[1]), text: last, all: second };
}

const locationOf = (text: string): string => /^location: (.*?)\r$/im.exec(text)?.[1] ?? assert.fail(text);

const openForm = async (id: string, agent: UserAgent, more = {}): Promise<Answer> =>
  agent.follow(await agent.get(authPath({ connector_id: id, ...more })));

describe("Kerberos", { skip }, () => {
  it("signs in who has a ticket, with the directory's word for the rest", async () => {
    assert.ok(server);
    for (const id of ["strict", "form"]) {
      const { status, text } = await curlLogin(id, "jane", "foo");
      assert.equal(status, 303, text);
      const code = new URL(locationOf(text)).searchParams.get("code") ?? assert.fail(text);
      const agent = server.newAgent();
      const tokens = tokensOf(await redeem(agent, code));
      const { claims } = await verify(tokens.id_token, server, agent);
      assert.deepEqual([claims.email, claims.groups], ["janedoe@example.com", ["admins", "developers"]]);
      const refreshed = await agent.ask("/token", {
        method: "POST",
        form: {
          grant_type: "refresh_token",
          refresh_token: tokens.refresh_token ?? "",
          client_id: "app",
          client_secret: "app-secret",
        },
      });
      assert.equal(refreshed.status, 200, refreshed.body);
    }
  });

  it("asks for a ticket together with the form, and the form works", async () => {
    assert.ok(server);
    const agent = server.newAgent();
    const form = await openForm("form", agent);
    assert.equal(form.status, 401);
    assert.equal(form.headers["www-authenticate"], "Negotiate");
    assert.match(form.body, /id="password"/);
    const answer = await agent.post(form.url.href, { login: "jane", password: "foo" });
    assert.ok(codeOf(answer));
  });

  it("asks for a ticket and shows no form where there is no other way", async () => {
    assert.ok(server);
    const answer = await openForm("strict", server.newAgent());
    assert.equal(answer.status, 401);
    assert.equal(answer.headers["www-authenticate"], "Negotiate");
    assert.ok(!answer.body.includes('id="password"'));
  });

  it("shows the form to who asks to log in anew or as somebody else", async () => {
    assert.ok(server);
    for (const prompt of ["login", "select_account"]) {
      const form = await openForm("form", server.newAgent(), { prompt });
      assert.equal(form.status, 200);
      assert.equal(form.headers["www-authenticate"], undefined);
    }
  });

  it("takes no junk for a ticket, and never fails over it", async () => {
    assert.ok(server);
    const agent = server.newAgent();
    const junk = [
      "!!!",
      "AAAA",
      "TlRMTVNTUAABAAAA",
      "YIICYgYGKwYBBQUCoIICVjCCAlI=",
      "oQcwBaADCgEC",
      "A".repeat(40_000),
    ];
    for (const token of junk) {
      for (const [id, status] of [
        ["strict", 401],
        ["form", 200],
      ] as const) {
        const { url } = await openForm(id, agent);
        const answer = await agent.ask(url.href, { headers: { authorization: `Negotiate ${token}` } });
        assert.equal(answer.status, status, `${id} ${token.slice(0, 20)}`);
        if (status === 401) assert.equal(answer.headers["www-authenticate"], "Negotiate oQcwBaADCgEC");
        else assert.match(answer.body, /id="password"/);
      }
    }
    const { url } = await openForm("strict", agent);
    const basic = await agent.ask(url.href, { headers: { authorization: "Basic amFuZTpmb28=" } });
    assert.deepEqual([basic.status, basic.headers["www-authenticate"]], [401, "Negotiate"]);
  });

  it("refuses a ticket that is shown twice", async () => {
    assert.ok(server && peers);
    const env = await peers.kdc.login("jane", "foo");
    const agent = server.newAgent();
    const { url } = await openForm("strict", agent);
    const cookie = [...agent.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const target = `http://localhost:${server.port}${url.pathname}${url.search}`;
    const { stderr } = await curlVerbose(env, target, cookie);
    const header = /^> Authorization: (Negotiate \S+)/im.exec(stderr)?.[1] ?? assert.fail(stderr);
    const again = await agent.ask(url.href, { headers: { authorization: header } });
    assert.equal(again.status, 401, "the replay was taken");
  });

  it("knows nobody of another realm, unless it is told to trust every one", async () => {
    assert.equal((await curlLogin("strict", "jane@OTHER.ORG", "foo")).status, 401);
    assert.equal((await curlLogin("anyrealm", "jane@OTHER.ORG", "foo")).status, 303);
    assert.match(server?.log.join("\n") ?? "", /expectedRealm is not set/);
  });

  it("refuses a good ticket of who has no entry, or another name there", async () => {
    for (const [id, who, password] of [
      ["strict", "ghost", "boo"],
      ["strict", "jane/admin", "adm"],
      ["upn", "jane", "foo"],
    ] as const) {
      const { status, text } = await curlLogin(id, who, password);
      assert.equal(status, 401, `${id} ${who}`);
      assert.ok(!text.includes('id="password"'));
    }
  });

  it("refuses a ticket for another service, and one it has no key for", async () => {
    assert.equal((await curlLogin("spn", "jane", "foo")).status, 401);
    assert.equal((await curlLogin("wrongkey", "jane", "foo")).status, 401);
  });

  it("leaves the form as it is where there is no keytab", async () => {
    assert.ok(server);
    const form = await openForm("nokeytab", server.newAgent());
    assert.equal(form.status, 200);
    assert.match(server.log.join("\n"), /failed to initialize kerberos; disabling kerberos/);
  });

  it("logs no ticket", async () => {
    for (const line of server?.log ?? []) assert.ok(!/YII[A-Za-z0-9+/]{40}/.test(line), line);
  });
});

async function curlVerbose(env: Readonly<Record<string, string>>, url: string, cookie: string) {
  const { execFile } = await import("node:child_process");
  const { promisify } = await import("node:util");
  return promisify(execFile)("curl", ["-sv", "--noproxy", "*", "--negotiate", "-u", ":", "-b", cookie, url], {
    env: { ...process.env, ...env },
  });
}
