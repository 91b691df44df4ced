/** Sessions that a real Dex began go on here: same cookie, same `sid`, same consents. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { parse } from "yaml";
import { z } from "zod";
import { handClock } from "../fake/hand-clock.ts";
import { type ConfigFile, type ServerUnderTest, startServerUnderTest } from "../spec/server-under-test.ts";
import { copyOfFixture, fixturesFolder, withoutFixtures } from "./fixtures.ts";

const secretsShape = z.object({
  env: z.record(z.string(), z.string()),
  clients: z.record(z.string(), z.object({ secret: z.string().optional() })),
  users: z.record(z.string(), z.object({ sub: z.string() })),
  sessions: z.object({
    list: z.array(z.object({ id: z.string() })),
    cookies: z.record(z.string(), z.object({ value: z.string() })),
  }),
  refresh: z.array(z.object({ user: z.string(), client: z.string(), current: z.string() })),
});

const redirectUri = "http://client.example.test/callback";

async function open(t: { after(run: () => unknown): void }, version: string) {
  const dbFile = copyOfFixture(t, version);
  const folder = join(fixturesFolder, version);
  const secrets = secretsShape.parse(JSON.parse(readFileSync(join(folder, "secrets-sqlite3.json"), "utf8")));
  const {
    grpc: _grpc,
    mfa: _mfa,
    ...config
  } = z.record(z.string(), z.unknown()).parse(parse(readFileSync(join(folder, "config.yaml"), "utf8")));
  // Second factors are asked for elsewhere.
  const clients = z
    .array(z.looseObject({ id: z.string(), mfaChain: z.unknown().optional() }))
    .parse(config.staticClients);
  const file: ConfigFile = {
    ...config,
    staticClients: clients.map(({ mfaChain: _chain, ...client }) => client),
    storage: { type: "sqlite3", config: { file: dbFile } },
    web: { http: "127.0.0.1:0" },
  };
  const server = await startServerUnderTest(file, { sessions: true, env: secrets.env, clock: handClock(Date.now()) });
  t.after(() => server.close());
  return { server, secrets, dbFile };
}

/** A silent request of `clientId` by whoever holds `cookie`. */
async function ask(server: ServerUnderTest, cookie: string, clientId: string, connector: string, scope = "openid") {
  const query = new URLSearchParams({
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: "code",
    scope,
    prompt: "none",
  });
  const answer = await server
    .newAgent()
    .ask(`/auth/${connector}?${query}`, { headers: { cookie: `dex_session=${cookie}` } });
  assert.equal(answer.status, 303, answer.body);
  return Object.fromEntries(answer.location?.searchParams ?? []);
}

async function claimsFor(server: ServerUnderTest, code: string, clientId: string, secret: string | undefined) {
  const form = { grant_type: "authorization_code", code, redirect_uri: redirectUri, client_id: clientId };
  const answer = await server.newAgent().ask("/token", {
    method: "POST",
    form: secret === undefined ? form : { ...form, client_secret: secret },
  });
  assert.equal(answer.status, 200, answer.body);
  const { id_token: idToken } = z.object({ id_token: z.string() }).parse(JSON.parse(answer.body));
  const payload = Buffer.from(idToken.split(".")[1] ?? "", "base64url").toString();
  return z.looseObject({ sub: z.string(), sid: z.string(), auth_time: z.number() }).parse(JSON.parse(payload));
}

const allScopes = "openid profile email groups offline_access federated:id";

describe("sessions of Dex", { skip: withoutFixtures }, () => {
  test("answer prompt=none with their cookies, ids and consents", async (t) => {
    const { server, secrets } = await open(t, "master-sessions");
    for (const [user, connector] of [
      ["admin", "local"],
      ["kate", "local"],
      ["kilgore", "mock"],
      ["foo", "dyn-pw"],
      ["jane", "local"],
    ] as const) {
      const cookie = secrets.sessions.cookies[user]?.value ?? "";
      const scope = user === "jane" ? "openid profile email groups" : allScopes;
      const told = await ask(server, cookie, "example-app", connector, scope);
      assert.ok(told.code !== undefined, `${user}: ${told.error} ${told.error_description}`);
      const claims = await claimsFor(server, told.code, "example-app", secrets.clients["example-app"]?.secret);
      assert.equal(claims.sub, secrets.users[user]?.sub);
      assert.ok(secrets.sessions.list.some(({ id }) => id === claims.sid));
    }
  });

  test("reach no client that their own does not share them with, and prove nothing with a spoilt secret", async (t) => {
    const { server, secrets } = await open(t, "master-sessions");
    const cookie = secrets.sessions.cookies.admin?.value ?? "";
    assert.equal((await ask(server, cookie, "static-peer", "local")).error, "login_required");
    const spoilt = `${cookie.slice(0, -4)}${cookie.endsWith("aaaa") ? "bbbb" : "aaaa"}`;
    assert.equal((await ask(server, spoilt, "example-app", "local")).error, "login_required");
  });

  test("lose their clear secret when they are next written, and the cookie goes on", async (t) => {
    const { server, secrets, dbFile } = await open(t, "master-sessions");
    const cookie = secrets.sessions.cookies.admin?.value ?? "";
    assert.ok((await ask(server, cookie, "example-app", "local")).code !== undefined);
    const database = new DatabaseSync(dbFile, { readOnly: true });
    const rows = database.prepare("select secret from auth_session where id = ?").all("pmudpoml3r34pdhbuq4nbdutn");
    database.close();
    assert.match(String(rows[0]?.secret), /^\$h1\$/);
    assert.ok((await ask(server, cookie, "example-app", "local")).code !== undefined);
    // What the database holds is no cookie.
    const stolen = encode("pmudpoml3r34pdhbuq4nbdutn", String(rows[0]?.secret));
    assert.equal((await ask(server, stolen, "example-app", "local")).error, "login_required");
  });

  test("keyed by user and connector ended with Dex's own next step: the person signs in again", async (t) => {
    const { server, secrets } = await open(t, "master-ba3915fd-sessions");
    for (const user of ["admin", "kate"]) {
      const cookie = secrets.sessions.cookies[user]?.value ?? "";
      assert.equal((await ask(server, cookie, "example-app", "local")).error, "login_required");
    }
  });
});

describe("an account that is locked", { skip: withoutFixtures }, () => {
  test("is cut off within a second: session, refresh token, form", async (t) => {
    const { server, secrets, dbFile } = await open(t, "master-sessions");
    const cookie = secrets.sessions.cookies.kate?.value ?? "";
    const told = await ask(server, cookie, "example-app", "local");
    assert.ok(told.code !== undefined);
    const database = new DatabaseSync(dbFile);
    database.exec("update user_identity set blocked_until = '2099-01-01 00:00:00+00:00' where user_id = 'U-Kate-42'");
    database.close();
    await server.clock.advance(1_001);
    assert.equal((await ask(server, cookie, "example-app", "local")).error, "login_required");
    const agent = server.newAgent();
    const client = { client_id: "example-app", client_secret: secrets.clients["example-app"]?.secret ?? "" };
    const spent = await agent.post("/token", {
      grant_type: "authorization_code",
      code: told.code,
      redirect_uri: redirectUri,
      ...client,
    });
    assert.deepEqual([spent.status, JSON.parse(spent.body).error], [400, "invalid_grant"], spent.body);
    for (const { client: id, current } of secrets.refresh.filter(({ user }) => user === "kate")) {
      const secret = secrets.clients[id]?.secret;
      const answer = await agent.post("/token", {
        grant_type: "refresh_token",
        refresh_token: current,
        client_id: id,
        ...(secret === undefined ? {} : { client_secret: secret }),
      });
      assert.deepEqual([answer.status, JSON.parse(answer.body).error], [400, "invalid_grant"], `${id}: ${answer.body}`);
    }
  });
});

/** Two protobuf strings, as Dex's cookie. */
function encode(first: string, second: string): string {
  const field = (tag: number, text: string): Buffer =>
    Buffer.concat([Buffer.from([tag, text.length]), Buffer.from(text)]);
  return Buffer.concat([field(0x0a, first), field(0x12, second)]).toString("base64url");
}
