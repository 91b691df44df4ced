/**
 * Databases that real Dex versions wrote, opened in place: same config file, same database, no conversion step.
 * Device grants, sessions and the API come with the features that serve them.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { parse } from "yaml";
import { z } from "zod";
import { handClock } from "../fake/hand-clock.ts";
import { type ConfigFile, type ServerUnderTest, startServerUnderTest } from "../spec/server-under-test.ts";
import type { Backend, RunningBackend } from "./backends.ts";
import { fixturesFolder, fixturesOf, withoutFixtures } from "./fixtures.ts";

const secretsShape = z.object({
  env: z.record(z.string(), z.string()).optional(),
  clients: z.record(z.string(), z.object({ secret: z.string().optional() })),
  users: z.record(
    z.string(),
    z.object({ sub: z.string(), login: z.string().optional(), password: z.string().optional() }),
  ),
  jwks: z.object({ keys: z.array(z.object({ kid: z.string() })) }),
  keys: z.object({ signing: z.string() }),
  tokens: z.array(z.object({ user: z.string(), id_token: z.string(), access_token: z.string().optional() })),
  refresh: z.array(
    z.object({ user: z.string(), client: z.string(), current: z.string(), obsolete: z.string().optional() }),
  ),
  codes: z.array(
    z.object({
      user: z.string(),
      client: z.string(),
      code: z.string(),
      redirect_uri: z.string(),
      nonce: z.string(),
      code_verifier: z.string().optional(),
    }),
  ),
});
type Secrets = z.output<typeof secretsShape>;

const answerShape = z.object({ access_token: z.string(), id_token: z.string(), refresh_token: z.string().optional() });
const claimsOf = (jwt: string): Record<string, unknown> =>
  z
    .record(z.string(), z.unknown())
    .parse(JSON.parse(Buffer.from(jwt.split(".")[1] ?? "", "base64url").toString("utf8")));
const kidOf = (jwt: string): unknown =>
  JSON.parse(Buffer.from(jwt.split(".")[0] ?? "", "base64url").toString("utf8")).kid;

interface Opened {
  readonly server: ServerUnderTest;
  readonly secrets: Secrets;
  ask(path: string, init?: RequestInit): Promise<Response>;
  token(client: string, params: Record<string, string>): Promise<Response>;
  close(): Promise<void>;
}

interface Opening {
  readonly backend: Backend;
  readonly running: RunningBackend;
  readonly version: string;
  /** Whether codes that have expired may be redeemed. */
  readonly hasLiveCodes?: true;
}

async function open({ backend, running, version, hasLiveCodes }: Opening): Promise<Opened> {
  const place = await running.load(version);
  if (hasLiveCodes === true) await place.reviveCodes();
  const secretsFile = join(fixturesFolder, version, `secrets-${backend.name}.json`);
  const secrets = secretsShape.parse(JSON.parse(readFileSync(secretsFile, "utf8")));
  const config = z
    .record(z.string(), z.unknown())
    .parse(parse(readFileSync(join(fixturesFolder, version, "config.yaml"), "utf8")));
  const { grpc: _grpc, sessions: _sessions, mfa: _mfa, ...kept } = config;
  // Sessions are off here, and factors with them.
  const clients = z.array(z.looseObject({ mfaChain: z.unknown().optional() })).parse(config.staticClients);
  const staticClients = clients.map(({ mfaChain: _chain, ...client }) => client);
  const changed: ConfigFile = { ...kept, staticClients, storage: place.storage, web: { http: "127.0.0.1:0" } };
  const server = await startServerUnderTest(changed, {
    env: { ...secrets.env, DEX_SESSIONS_ENABLED: "false" },
    clock: handClock(Date.now()),
  });
  const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`http://127.0.0.1:${server.port}/dex${path}`, { redirect: "manual", ...init });
  return {
    server,
    secrets,
    ask,
    token: (client, params) => {
      const secret = secrets.clients[client]?.secret;
      const body = new URLSearchParams({
        client_id: client,
        ...(secret === undefined ? {} : { client_secret: secret }),
        ...params,
      });
      return ask("/token", { method: "POST", body });
    },
    close: async () => {
      await server.close();
      await place.remove();
    },
  };
}

/** What a database of a real Dex must do under us, for every version that there is one of. */
export function runFixtureSuite(backend: Backend): void {
  describe(`databases of Dex in ${backend.name}`, { skip: withoutFixtures || backend.skip }, () => {
    let running: RunningBackend;
    before(async () => {
      running = await backend.start();
    });
    after(() => running.stop());
    test("the fixtures are there", () => {
      const versions = fixturesOf(backend.name);
      assert.ok(versions.length >= backend.count, versions.join());
    });
    for (const version of fixturesOf(backend.name))
      describe(`a database of Dex ${version}`, () => testDatabase(version));

    function testDatabase(version: string): void {
      test("its keys are served, its tokens count, its refresh tokens work and its obsolete ones do no harm", async () => {
        const { secrets, ask, token, close } = await open({ backend, running, version });
        try {
          const served = z
            .object({ keys: z.array(z.object({ kid: z.string() })) })
            .parse(await (await ask("/keys")).json());
          for (const { kid } of secrets.jwks.keys)
            assert.ok(
              served.keys.some((key) => key.kid === kid),
              kid,
            );
          for (const { access_token: access, id_token: id } of secrets.tokens) {
            for (const jwt of [id, ...(access === undefined ? [] : [access])]) {
              const answer = await ask("/userinfo", { headers: { authorization: `Bearer ${jwt}` } });
              assert.equal(answer.status, 200);
              assert.equal(z.object({ sub: z.string() }).parse(await answer.json()).sub, claimsOf(jwt).sub);
            }
          }
          for (const { user, client, current, obsolete } of secrets.refresh) {
            if (obsolete !== undefined) {
              const refused = await token(client, { grant_type: "refresh_token", refresh_token: obsolete });
              assert.equal(refused.status, 400);
              assert.equal(z.object({ error: z.string() }).parse(await refused.json()).error, "invalid_grant");
            }
            let presented = current;
            for (let round = 0; round < 2; round++) {
              const answer = await token(client, { grant_type: "refresh_token", refresh_token: presented });
              assert.equal(answer.status, 200, `${user} at ${client}, round ${round}`);
              const tokens = answerShape.parse(await answer.json());
              assert.equal(claimsOf(tokens.id_token).sub, secrets.users[user]?.sub);
              assert.equal(kidOf(tokens.id_token), secrets.keys.signing);
              assert.ok(tokens.refresh_token !== undefined);
              if (round === 0) assert.notEqual(tokens.refresh_token, current);
              presented = tokens.refresh_token;
            }
          }
        } finally {
          await close();
        }
      });

      test("its open codes redeem once their time is set forward, with the right verifier only", async () => {
        const { secrets, token, close } = await open({ backend, running, version, hasLiveCodes: true });
        try {
          for (const { user, client, code, redirect_uri, nonce, code_verifier: verifier } of secrets.codes) {
            const params = { grant_type: "authorization_code", code, redirect_uri };
            if (verifier !== undefined) {
              assert.equal((await token(client, { ...params, code_verifier: "x".repeat(43) })).status, 400);
            }
            const answer = await token(client, {
              ...params,
              ...(verifier === undefined ? {} : { code_verifier: verifier }),
            });
            assert.equal(answer.status, 200, `${user} at ${client}`);
            const claims = claimsOf(answerShape.parse(await answer.json()).id_token);
            assert.deepEqual([claims.sub, claims.nonce], [secrets.users[user]?.sub, nonce]);
          }
        } finally {
          await close();
        }
      });

      test("its people log in with their passwords, in any letter case", async () => {
        const { secrets, server, close } = await open({ backend, running, version });
        try {
          const people = ["kate", "jane", "foo"].filter((name) => secrets.users[name]?.password !== undefined);
          for (const name of people) {
            const user = secrets.users[name];
            const login = name === "kate" ? "KATE@Example.com" : (user?.login ?? "");
            const agent = server.newAgent();
            const connector = name === "foo" ? "dyn-pw" : "local";
            const query = new URLSearchParams({
              client_id: "example-app",
              redirect_uri: "http://client.example.test/callback",
              response_type: "code",
              scope: "openid",
            });
            const begin = await agent.get(`/auth/${connector}?${query}`);
            const form = await agent.post(begin.location?.href ?? "", { login, password: user?.password ?? "" });
            assert.equal(form.status, 303, `${name}: ${form.body.slice(0, 200)}`);
          }
        } finally {
          await close();
        }
      });
    }
  });
}
