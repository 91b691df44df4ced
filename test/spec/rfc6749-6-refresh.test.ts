/** Refreshing, rotation, and what happens when a token comes twice. RFC 6749 §6, RFC 9700 §4.14.2, OIDC Core §12. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import {
  app,
  askToken,
  assertRefused,
  refresh,
  refreshTokenOf,
  signIn,
  tokensOf,
  userinfo,
  verify,
} from "./relying-party.ts";
import { type ConfigFile, passwordConnector, type ServerUnderTest, startServerUnderTest } from "./server-under-test.ts";
import type { Answer, UserAgent } from "./user-agent.ts";

const open: ServerUnderTest[] = [];
after(() => Promise.all(open.map((server) => server.close())));

/** A server with these `expiry.refreshTokens`. */
async function start(refreshTokens: ConfigFile): Promise<ServerUnderTest> {
  const server = await startServerUnderTest({ expiry: { refreshTokens } });
  open.push(server);
  return server;
}

const server = await start({});
const agent = server.newAgent();
const forgiving = await start({ reuseInterval: "30s" });

const dead = ["invalid_grant", "Refresh token is invalid or has already been claimed by another client."] as const;
const expired = ["invalid_grant", "Refresh token expired."] as const;
const minute = 60_000;
const hour = 60 * minute;

const refreshToken = async (agent: UserAgent): Promise<string> => (await signIn(agent)).refresh_token ?? "";

/** `token` presented over a connection of its own. */
const freshly = (agent: UserAgent, token: string): Promise<Answer> =>
  askToken(agent, { grant_type: "refresh_token", refresh_token: token }, app, { isFresh: true });

describe("a refresh", () => {
  it("answers with new tokens of the same person, login and nonce", async () => {
    const first = await signIn(agent, { nonce: "n-1" });
    await server.clock.advance(minute);
    const answer = await refresh(agent, first.refresh_token ?? "");
    const second = tokensOf(answer);
    assert.equal(answer.headers["cache-control"], "no-store");
    assert.notEqual(second.refresh_token, first.refresh_token);
    assert.equal(second.scope, undefined);
    const before = (await verify(first.id_token, server, agent)).claims;
    const now = (await verify(second.id_token, server, agent)).claims;
    assert.equal(now.sub, before.sub);
    assert.equal(now.aud, before.aud);
    assert.equal(now.nonce, "n-1");
    assert.equal(now.iat, (before.iat ?? 0) + 60);
    assert.notEqual(now.jti, before.jti);
    assert.ok(now.at_hash !== undefined);
    assert.equal(now.c_hash, undefined);
    assert.equal((await userinfo(agent, second.access_token)).status, 200);
  });

  it("goes on from token to token", async () => {
    let token = await refreshToken(agent);
    const seen = new Set([token]);
    for (let round = 0; round < 5; round++) {
      token = refreshTokenOf(await refresh(agent, token));
      seen.add(token);
      await server.clock.advance(hour);
    }
    assert.equal(seen.size, 6);
  });

  it("may narrow the scope, for this one answer: RFC 6749 §6, §5.1", async () => {
    const narrowed = tokensOf(await refresh(agent, await refreshToken(agent), { scope: " openid  email " }));
    assert.equal(narrowed.scope, "openid email");
    const { claims } = await verify(narrowed.id_token, server, agent);
    assert.equal(claims.email, "kilgore@kilgore.trout");
    assert.equal(claims.groups, undefined);
    assert.equal(claims.name, undefined);
    const whole = tokensOf(await refresh(agent, narrowed.refresh_token ?? ""));
    assert.equal(whole.scope, undefined);
    assert.deepEqual((await verify(whole.id_token, server, agent)).claims.groups, ["authors"]);
  });

  it("tells of a narrowed scope also where a word was said twice", async () => {
    const token = await refreshToken(agent);
    const answer = tokensOf(await refresh(agent, token, { scope: "openid openid openid email email" }));
    assert.deepEqual(new Set(answer.scope?.split(" ")), new Set(["openid", "email"]));
  });

  it("never widens it", async () => {
    const token = (await signIn(agent, { scope: "openid offline_access" })).refresh_token ?? "";
    const answer = await refresh(agent, token, { scope: "openid groups" });
    assertRefused(answer, "invalid_scope", 'Requested scopes contain unauthorized scope(s): ["groups"].');
    tokensOf(await refresh(agent, token));
  });

  it("of one device does not end that of another", async () => {
    const laptop = server.newAgent();
    const phone = server.newAgent();
    let [one, two] = [await refreshToken(laptop), await refreshToken(phone)];
    for (let round = 0; round < 3; round++) {
      await server.clock.advance(minute);
      one = refreshTokenOf(await refresh(laptop, one));
      two = refreshTokenOf(await refresh(phone, two));
    }
  });

  it("of one device that is replayed ends that device alone", async () => {
    const [stolen, other] = [await refreshToken(agent), await refreshToken(agent)];
    const next = refreshTokenOf(await refresh(agent, stolen));
    await server.clock.advance(minute);
    assertRefused(await refresh(agent, stolen), ...dead);
    assertRefused(await refresh(agent, next), ...dead);
    tokensOf(await refresh(agent, other));
  });
});

describe("a refresh token that was rotated", () => {
  it("ends every token of its family with it: RFC 9700 §4.14.2", async () => {
    const first = await signIn(agent);
    const second = tokensOf(await refresh(agent, first.refresh_token ?? ""));
    await server.clock.advance(3_000);
    assertRefused(await freshly(agent, first.refresh_token ?? ""), ...dead);
    for (const { access_token } of [first, second]) assert.equal((await userinfo(agent, access_token)).status, 401);
  });

  it("ends its family when it comes three seconds later", async () => {
    const stolen = await refreshToken(agent);
    const next = refreshTokenOf(await refresh(agent, stolen));
    await server.clock.advance(3_000);
    assertRefused(await freshly(agent, stolen), ...dead);
    assertRefused(await refresh(agent, next), ...dead);
  });

  it("ends its family when it comes at once over the connection that had the answer", async () => {
    const one = server.newAgent(1);
    const stolen = await refreshToken(one);
    const first = await refresh(one, stolen);
    const again = await refresh(one, stolen);
    assert.equal(again.connection, first.connection);
    assertRefused(again, ...dead);
    assertRefused(await refresh(agent, refreshTokenOf(first)), ...dead);
  });

  it("is taken for its holder's race when it comes at once over another connection", async () => {
    const twice = await refreshToken(agent);
    const next = refreshTokenOf(await freshly(agent, twice));
    assertRefused(await freshly(agent, twice), ...dead);
    tokensOf(await freshly(agent, next));
  });

  it("is a race over a connection too that carried an earlier answer of the family, but not this one", async () => {
    const agent = server.newAgent(1);
    const first = await refreshToken(agent);
    const twice = refreshTokenOf(await refresh(agent, first));
    const next = refreshTokenOf(await freshly(agent, twice));
    assertRefused(await refresh(agent, twice), ...dead);
    tokensOf(await refresh(agent, next));
  });

  it("ends its family at any time once the next one has been used", async () => {
    const grandparent = await refreshToken(agent);
    const parent = refreshTokenOf(await freshly(agent, grandparent));
    const child = refreshTokenOf(await freshly(agent, parent));
    assertRefused(await freshly(agent, grandparent), ...dead);
    assertRefused(await freshly(agent, child), ...dead);
  });

  it("cannot be used by another family's secret", async () => {
    const [one, two] = [await refreshToken(agent), await refreshToken(agent)];
    const [first, second] = [one, two].map((token) => Buffer.from(token, "base64url"));
    assert.ok(first !== undefined && second !== undefined);
    // Both are (id, secret) with an id of 25 letters behind two bytes of frame.
    const mixed = Buffer.concat([first.subarray(0, 27), second.subarray(27)]).toString("base64url");
    assertRefused(await refresh(agent, mixed), ...dead);
    tokensOf(await refresh(agent, one));
    tokensOf(await refresh(agent, two));
  });
});

describe("many refreshes at once", () => {
  it("of one token: one wins, nobody sees a fault, and the family lives with the winner", async () => {
    const token = await refreshToken(agent);
    const answers = await Promise.all(Array.from({ length: 50 }, () => freshly(agent, token)));
    assert.equal(new Set(answers.map(({ connection }) => connection)).size, 50);
    const winners = answers.filter(({ status }) => status === 200);
    assert.equal(winners.length, 1);
    for (const answer of answers) if (answer.status !== 200) assertRefused(answer, ...dead);
    const next = refreshTokenOf(await refresh(agent, winners.map(refreshTokenOf)[0] ?? ""));
    await server.clock.advance(hour);
    tokensOf(await refresh(agent, next));
  });

  it("of 64 tokens, five rounds: all of them live", async () => {
    let tokens = await Promise.all(Array.from({ length: 64 }, () => refreshToken(agent)));
    for (let round = 0; round < 5; round++) {
      tokens = (await Promise.all(tokens.map((token) => refresh(agent, token)))).map(refreshTokenOf);
      await server.clock.advance(minute);
    }
    assert.equal(new Set(tokens).size, 64);
  });
});

describe("reuseInterval", () => {
  const server = forgiving;
  const agent = server.newAgent();

  it("gives the same answer again to who lost the first one", async () => {
    const token = await refreshToken(agent);
    await server.clock.advance(minute);
    const next = refreshTokenOf(await refresh(agent, token));
    assert.notEqual(next, token);
    await server.clock.advance(30_000);
    assert.equal(refreshTokenOf(await refresh(agent, token)), next);
    assert.equal(refreshTokenOf(await refresh(agent, next)), next);
  });

  it("opens with the first issue, as in Dex", async () => {
    const token = await refreshToken(agent);
    assert.equal(refreshTokenOf(await refresh(agent, token)), token);
  });

  it("ends: then the old token is a replay", async () => {
    const token = await refreshToken(agent);
    await server.clock.advance(minute);
    const next = refreshTokenOf(await refresh(agent, token));
    await server.clock.advance(30_001);
    assertRefused(await refresh(agent, token), ...dead);
    assertRefused(await refresh(agent, next), ...dead);
  });

  it("never forgives a token older than the last one", async () => {
    const grandparent = await refreshToken(agent);
    await server.clock.advance(minute);
    const parent = refreshTokenOf(await refresh(agent, grandparent));
    await server.clock.advance(minute);
    const child = refreshTokenOf(await refresh(agent, parent));
    assertRefused(await refresh(agent, grandparent), ...dead);
    assertRefused(await refresh(agent, child), ...dead);
  });

  it("gives all of many at once the same new token", async () => {
    const token = await refreshToken(agent);
    await server.clock.advance(minute);
    const answers = await Promise.all(Array.from({ length: 20 }, () => freshly(agent, token)));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    const next = new Set(answers.map(refreshTokenOf));
    assert.equal(next.size, 1);
    assert.ok(!next.has(token));
  });
});

describe("lifetimes", () => {
  it("absoluteLifetime counts from the login, however often the token is used", async () => {
    const server = await start({ absoluteLifetime: "3h" });
    const agent = server.newAgent();
    let token = await refreshToken(agent);
    for (let round = 0; round < 3; round++) {
      await server.clock.advance(hour);
      token = refreshTokenOf(await refresh(agent, token));
    }
    await server.clock.advance(1);
    assertRefused(await refresh(agent, token), ...expired);
  });

  it("validIfNotUsedFor counts from the last use", async () => {
    const server = await start({ validIfNotUsedFor: "1h" });
    const agent = server.newAgent();
    let token = await refreshToken(agent);
    for (let round = 0; round < 3; round++) {
      await server.clock.advance(hour);
      token = refreshTokenOf(await refresh(agent, token));
    }
    await server.clock.advance(hour + 1);
    assertRefused(await refresh(agent, token), ...expired);
  });

  it("are endless unless configured", async () => {
    const server = await start({});
    const agent = server.newAgent();
    const token = await refreshToken(agent);
    await server.clock.advance(48 * hour);
    tokensOf(await refresh(agent, token));
  });
});

describe("disableRotation", () => {
  it("keeps the token, also for many at once, and still lets it grow old", async () => {
    const server = await start({ disableRotation: true, validIfNotUsedFor: "1h" });
    const agent = server.newAgent();
    const token = await refreshToken(agent);
    await server.clock.advance(minute);
    assert.equal(refreshTokenOf(await refresh(agent, token)), token);
    const answers = await Promise.all(Array.from({ length: 20 }, () => freshly(agent, token)));
    assert.deepEqual(new Set(answers.map(refreshTokenOf)), new Set([token]));
    await server.clock.advance(hour + 1);
    assertRefused(await refresh(agent, token), ...expired);
  });
});

describe("the person behind a refresh token", () => {
  const folder = mkdtempSync(join(tmpdir(), "dex-refresh-"));
  after(() => rmSync(folder, { recursive: true }));
  const storage = { type: "sqlite3", config: { file: join(folder, "dex.db") } };
  const kilgore = {
    email: "kilgore@kilgore.trout",
    username: "kilgore",
    userID: "id-of-kilgore",
    groups: ["authors"],
    // "password"
    hash: "$2b$10$gMUj5CiVr/sp4uth6RvA7ehMTz4zJBP9lJkbWkIequzjgUyuxTNAK",
  };
  const people = (staticPasswords: readonly object[]): ConfigFile => ({
    storage,
    enablePasswordDB: true,
    staticPasswords,
    connectors: [passwordConnector],
  });

  it("is read again each time, and once gone gets nothing", async () => {
    const before = await startServerUnderTest(people([kilgore]));
    const agent = before.newAgent();
    const form = await agent.follow(await agent.get(`/auth/local?${authQuery}`));
    const back = await agent.post(form.url.href, { login: "Kilgore@kilgore.trout", password: "password" });
    const code = back.location?.searchParams.get("code") ?? "";
    const fields = { grant_type: "authorization_code", code, redirect_uri: app.redirectUri };
    const first = refreshTokenOf(await askToken(agent, fields));
    await before.close();

    const changed = await startServerUnderTest(people([{ ...kilgore, groups: ["authors", "retired"] }]), before);
    agent.moveTo(changed);
    const second = tokensOf(await refresh(agent, first));
    const { claims } = await verify(second.id_token, changed, agent);
    assert.deepEqual(claims.groups, ["authors", "retired"]);
    await changed.close();

    const other = await startServerUnderTest(people([{ ...kilgore, userID: "somebody-else" }]), before);
    agent.moveTo(other);
    assertRefused(await refresh(agent, second.refresh_token ?? ""), "invalid_grant");
    await other.close();

    const gone = await startServerUnderTest(people([]), before);
    agent.moveTo(gone);
    assertRefused(await refresh(agent, second.refresh_token ?? ""), "invalid_grant");
    await gone.close();
    agent.close();
  });

  const authQuery = new URLSearchParams({
    client_id: app.id,
    redirect_uri: app.redirectUri,
    response_type: "code",
    scope: "openid groups offline_access",
  }).toString();
});
