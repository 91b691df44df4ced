/**
 * No upstream is asked while storage is held: a slow one would stop everybody's logins. At every single call that reaches
 * an upstream the database is looked at by somebody else, and the upstream does not answer before that is done: a
 * transaction around the call would still be open then.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, it } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { type HandClock, handClock } from "../fake/hand-clock.ts";
import { startFakeOidc } from "../fake/oidc.ts";
import { missing } from "../peer/peer.ts";
import { postgresPrograms, startPostgres } from "../peer/postgres.ts";
import { slapdPrograms, startSlapd } from "../peer/slapd.ts";
import { baseDn, service } from "../peer/slapd-seed.ts";
import { askToken, authPath, codeOf, redeem, refresh, tokensOf } from "./relying-party.ts";
import { type ConfigFile, issuer, type ServerUnderTest, startServerUnderTest } from "./server-under-test.ts";
import type { UserAgent } from "./user-agent.ts";

const folder = mkdtempSync(join(tmpdir(), "dex-held-"));

/** Whether nobody holds the database now. */
type Look = () => Promise<boolean>;

/** Somebody may write at this very moment; whoever holds it during a call holds it until the call is answered. */
async function isHeld(look: Look): Promise<boolean> {
  for (let tries = 0; tries < 25; tries++) {
    if (await look()) return false;
    await wait(20);
  }
  return true;
}

/** Calls that came while storage was held, of all that came. */
class Calls {
  readonly all: string[] = [];
  readonly held: string[] = [];
  look: Look = async () => true;

  async came(what: string): Promise<void> {
    this.all.push(what);
    if (await isHeld(this.look)) this.held.push(what);
  }
}

async function aProvider(calls: Calls, clock: HandClock) {
  const fake = await startFakeOidc({ now: () => Math.floor(clock.now() / 1000) });
  fake.people.set("jane", { name: "Jane", email: "jane@up.test", email_verified: true, groups: ["staff"] });
  const { handler } = fake;
  fake.handler = async (heard, response) => {
    await calls.came(`${heard.method} ${heard.path}`);
    return handler(heard, response);
  };
  fake.metadata = { introspection_endpoint: `${fake.url}/introspect` };
  return fake;
}

/** A cable to `port` on which every message is counted. */
async function counted(port: number, calls: Calls) {
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1").on("error", () => near.destroy());
    near.on("error", () => far.destroy()).on("close", () => far.destroy());
    far.on("data", (chunk) => near.write(chunk)).on("close", () => near.destroy());
    let before = Promise.resolve();
    near.on("data", (chunk) => {
      before = before.then(() => calls.came("LDAP")).then(() => void far.write(chunk));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

/** SQLite has one writer: who could begin now knows that nobody else has. */
function sqlite(): { readonly storage: ConfigFile; readonly look: Look } {
  const file = join(folder, "dex.db");
  const look = async (): Promise<boolean> => {
    const database = new DatabaseSync(file, { timeout: 0 });
    try {
      database.exec("begin immediate");
      database.exec("rollback");
      return true;
    } catch {
      return false;
    } finally {
      database.close();
    }
  };
  return { storage: { type: "sqlite3", config: { file } }, look };
}

const open: (() => unknown)[] = [() => rmSync(folder, { recursive: true })];
after(async () => {
  for (const close of open.reverse()) await close();
});

async function postgres(): Promise<{ readonly storage: ConfigFile; readonly look: Look }> {
  const peer = await startPostgres();
  open.push(() => peer.stop());
  const name = await peer.createDatabase();
  const sql = `select count(*)::int as open from pg_stat_activity where datname = '${name}' and pid <> pg_backend_pid() and xact_start is not null and backend_type = 'client backend'`;
  // Nobody can say once it has stopped.
  const look = async () => (await peer.query("postgres", sql).catch(() => []))[0]?.open === 0;
  return { storage: { type: "postgres", config: peer.config(name) }, look };
}

const everything = "openid email profile groups offline_access";

for (const [name, make, skip] of [
  ["SQLite", async () => sqlite(), false],
  ["PostgreSQL", postgres, missing(postgresPrograms)],
] as const) {
  describe(`with ${name}`, { skip }, () => {
    const calls = new Calls();
    let server: ServerUnderTest;
    let agent: UserAgent;
    let fake: Awaited<ReturnType<typeof startFakeOidc>>;
    before(async () => {
      const clock = handClock();
      fake = await aProvider(calls, clock);
      const slapd = missing(slapdPrograms) === false ? await startSlapd() : undefined;
      const relay = slapd && (await counted(slapd.port, calls));
      open.push(
        fake.close,
        () => slapd?.stop(),
        () => relay?.close(),
      );
      const { storage, look } = await make();
      const oidc = { clientID: "dex", clientSecret: "dex-secret", redirectURI: `${issuer}/callback` };
      const ldap = {
        ...{ host: `127.0.0.1:${relay?.port ?? 1}`, insecureNoSSL: true, bindDN: service.dn, bindPW: service.password },
        userSearch: { baseDN: `ou=People,${baseDn}`, username: "uid", idAttr: "uid", nameAttr: "cn" },
      };
      server = await startServerUnderTest(
        {
          storage,
          oauth2: { skipApprovalScreen: true, passwordConnector: "ldap" },
          connectors: [
            {
              type: "oidc",
              id: "up",
              name: "Up",
              config: { ...oidc, issuer: fake.url, getUserInfo: true, insecureEnableGroups: true },
            },
            { type: "ldap", id: "ldap", name: "Directory", config: ldap },
          ],
        },
        { sessions: true, clock },
      );
      open.push(server.close);
      calls.look = look;
      agent = server.newAgent();
    });

    /** What was asked of an upstream meanwhile, none of it while storage was held. */
    async function askedBy(work: () => Promise<unknown>): Promise<readonly string[]> {
      const before = calls.all.length;
      await work();
      assert.deepEqual(calls.held, []);
      return calls.all.slice(before);
    }

    async function signIn(): Promise<string> {
      const away = await agent.follow(
        await agent.get(authPath({ scope: everything, prompt: "login" }, undefined, "/auth/up")),
      );
      const back = await fake.authorize(away.location ?? assert.fail(away.body));
      return tokensOf(await redeem(agent, codeOf(await agent.follow(await agent.get(back.href))))).refresh_token ?? "";
    }

    it("a provider is asked at a login, a refresh and an exchange", async () => {
      let token = "";
      const atLogin = await askedBy(async () => {
        token = await signIn();
      });
      assert.ok(
        ["POST /token", "GET /jwks", "GET /userinfo"].every((call) => atLogin.includes(call)),
        atLogin.join(),
      );
      await server.clock.advance(60_000);
      const atRefresh = await askedBy(async () => tokensOf(await refresh(agent, token)));
      assert.ok(
        ["POST /token", "GET /userinfo"].every((call) => atRefresh.includes(call)),
        atRefresh.join(),
      );
      const accessToken = fake.heard.findLast(({ path }) => path === "/userinfo")?.headers.authorization?.slice(7);
      const atExchange = await askedBy(() =>
        askToken(agent, {
          grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
          connector_id: "up",
          subject_token: accessToken,
          subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
        }),
      );
      assert.ok(atExchange.includes("POST /introspect"), atExchange.join());
    });

    it("a directory is asked at a login, a refresh and a password grant", {
      skip: missing(slapdPrograms),
    }, async () => {
      const query = { scope: everything, prompt: "login" };
      let token = "";
      const atLogin = await askedBy(async () => {
        const form = await agent.follow(await agent.get(authPath(query, undefined, "/auth/ldap")));
        const answer = await agent.follow(await agent.post(form.url.href, { login: "jane", password: "foo" }));
        token = tokensOf(await redeem(agent, codeOf(answer))).refresh_token ?? "";
      });
      assert.ok(atLogin.length >= 3, "a bind, a search, another bind");
      assert.ok((await askedBy(async () => tokensOf(await refresh(agent, token)))).length >= 1);
      const byPassword = await askedBy(async () =>
        tokensOf(
          await askToken(agent, { grant_type: "password", username: "jane", password: "foo", scope: everything }),
        ),
      );
      assert.ok(byPassword.length >= 1);
    });
  });
}

it("somebody who holds it would be noticed", async () => {
  const { look } = sqlite();
  const file = new DatabaseSync(join(folder, "dex.db"));
  file.exec("begin immediate");
  assert.equal(await isHeld(look), true);
  file.exec("rollback");
  assert.equal(await isHeld(look), false);
  file.close();
});
