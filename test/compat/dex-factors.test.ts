/** Second factors that people set up with a real Dex go on here, and so do logins that it left at a factor's page. */
import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { parse } from "yaml";
import { z } from "zod";
import { handClock } from "../fake/hand-clock.ts";
import { securityKey } from "../fake/security-key.ts";
import { codeAt } from "../spec/mfa.ts";
import { type ServerUnderTest, startServerUnderTest } from "../spec/server-under-test.ts";
import type { Answer, UserAgent } from "../spec/user-agent.ts";
import { copyOfFixture, fixturesFolder, withoutFixtures } from "./fixtures.ts";

const version = "master-sessions";
const secretsShape = z.object({
  env: z.record(z.string(), z.string()),
  mfa: z.object({
    totp: z.object({ secret: z.string() }),
    totpUnconfirmed: z.object({ secret: z.string() }),
    webauthn: z.object({
      rpID: z.string(),
      origin: z.string(),
      credentialID: z.string(),
      signCount: z.number(),
      privateKeyJwk: z.record(z.string(), z.string()),
    }),
  }),
  pending: z.array(z.object({ at: z.string(), page: z.string() })),
});

async function open(t: { after(run: () => unknown): void }) {
  const dbFile = copyOfFixture(t, version);
  const read = (name: string): string => readFileSync(join(fixturesFolder, version, name), "utf8");
  const secrets = secretsShape.parse(JSON.parse(read("secrets-sqlite3.json")));
  const { grpc: _grpc, ...config } = z.record(z.string(), z.unknown()).parse(parse(read("config.yaml")));
  const file = { ...config, storage: { type: "sqlite3", config: { file: dbFile } }, web: { http: "127.0.0.1:0" } };
  const server = await startServerUnderTest(file, { sessions: true, env: secrets.env, clock: handClock(Date.now()) });
  t.after(() => server.close());
  return { server, secrets, dbFile };
}

const query = (client: string) =>
  new URLSearchParams({
    client_id: client,
    redirect_uri: "http://client.example.test/callback",
    response_type: "code",
    scope: "openid",
  });

async function logIn(agent: UserAgent, client: string, login: string): Promise<Answer> {
  const form = await agent.follow(await agent.get(`/auth/local?${query(client)}`));
  return agent.follow(await agent.post(form.url.href, { login, password: "password" }));
}

function secretsOf(dbFile: string, userId: string): string {
  const database = new DatabaseSync(dbFile, { readOnly: true });
  const rows = database
    .prepare("select cast(mfa_secrets as text) as mfa_secrets from user_identity where user_id = ?")
    .all(userId);
  database.close();
  return String(rows[0]?.mfa_secrets);
}

const isAnswered = ({ status, location }: Answer): boolean =>
  status === 303 && location?.origin === "http://client.example.test" && location.searchParams.has("code");

const codeOf = (server: ServerUnderTest, seed: string): string => codeAt(seed, server.clock.now());

describe("factors of Dex", { skip: withoutFixtures }, () => {
  test("an app goes on, and its seed is unreadable once it was used", async (t) => {
    const { server, secrets, dbFile } = await open(t);
    const agent = server.newAgent();
    const page = await logIn(agent, "mfa-app", "admin@example.com");
    assert.match(page.url.pathname, /\/mfa\/totp$/);
    assert.doesNotMatch(page.body, /totp-secret/);
    const { totp } = secrets.mfa;
    const user = "08a8684b-db88-4b73-90a9-3cd1661f5466";
    assert.match(secretsOf(dbFile, user), new RegExp(totp.secret));
    assert.ok(isAnswered(await agent.post(page.url.href, { totp: codeOf(server, totp.secret) })));
    const kept = secretsOf(dbFile, user);
    assert.doesNotMatch(kept, new RegExp(totp.secret));
    assert.match(kept, /"\$e1\$1\./);
    await server.clock.advance(60_000);
    const again = server.newAgent();
    const next = await logIn(again, "mfa-app", "admin@example.com");
    assert.ok(isAnswered(await again.post(next.url.href, { totp: codeOf(server, totp.secret) })));
  });

  test("an app that was being set up is finished on the page that Dex showed", async (t) => {
    const { server, secrets } = await open(t);
    const { page } = secrets.pending.find(({ at }) => at === "TOTP enrolment page") ?? assert.fail();
    const agent = server.newAgent();
    const seed = secrets.mfa.totpUnconfirmed.secret;
    assert.match((await agent.get(page)).body.replaceAll(" ", ""), new RegExp(seed));
    assert.equal((await agent.post(page, { totp: "000000" })).status, 401);
    const done = await agent.post(page, { totp: codeOf(server, seed) });
    assert.equal(done.status, 200, done.body);
    assert.match(done.body, /recovery-codes/);
  });

  test("a key goes on, from its counter on", async (t) => {
    const { server, secrets } = await open(t);
    const { rpID, origin, credentialID, signCount, privateKeyJwk } = secrets.mfa.webauthn;
    const device = securityKey({
      rpId: rpID,
      origin,
      id: Buffer.from(credentialID, "base64url"),
      privateKey: createPrivateKey({ key: privateKeyJwk, format: "jwk" }),
      counter: signCount,
    });
    const agent = server.newAgent();
    const page = await logIn(agent, "passkey-app", "kate@example.com");
    assert.match(page.url.pathname, /\/mfa\/webauthn$/);
    const post = (what: string, body = "") =>
      agent.ask(`/mfa/webauthn/login/${what}${page.url.search}`, {
        method: "POST",
        body,
        headers: { "content-type": "application/json" },
      });
    const challenge = async (): Promise<string> =>
      z.object({ publicKey: z.object({ challenge: z.string() }) }).parse(JSON.parse((await post("begin")).body))
        .publicKey.challenge;
    device.counter = signCount - 1;
    assert.equal((await post("finish", JSON.stringify(device.sign(await challenge())))).status, 401);
    const done = await post("finish", JSON.stringify(device.sign(await challenge())));
    assert.equal(done.status, 200, done.body);
    const { redirect } = z.object({ redirect: z.string() }).parse(JSON.parse(done.body));
    assert.match((await agent.get(new URL(redirect, page.url).href)).body, /recovery-codes/);
  });

  test("a seed that Dex showed and nobody confirmed is not offered to the next login", async (t) => {
    const { server, secrets } = await open(t);
    const page = await logIn(server.newAgent(), "mfa-app", "jane@example.com");
    assert.match(page.body, /totp-secret/);
    assert.doesNotMatch(page.body.replaceAll(" ", ""), new RegExp(secrets.mfa.totpUnconfirmed.secret));
  });
});
