/** How many statements a request sends: fixed numbers, which docs/guide/storage.md states. PostgreSQL itself counts them. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { missing } from "../peer/peer.ts";
import { type PostgresPeer, postgresPrograms, startPostgres } from "../peer/postgres.ts";
import { askToken, authPath, obtainCode, redeem, refresh, tokensOf, userinfo } from "../spec/relying-party.ts";
import { type ServerUnderTest, startServerUnderTest } from "../spec/server-under-test.ts";
import type { UserAgent } from "../spec/user-agent.ts";

/** "select from auth_code": what a statement does, to which table. */
const inShort = (statement: string): string => {
  const [, verb = "", table = ""] =
    /^(select) .*? from (\S+)|^(insert) into (\S+)|^(update) (\S+)|^(delete) from (\S+)/
      .exec(statement)
      ?.filter((part) => part !== undefined) ?? [];
  return `${verb} ${table}`;
};

const password = "correct horse battery staple";
const jane = {
  email: "jane@example.com",
  hash: "$2a$10$yFvKj6f1tLMqu3lcLTbzCua.8VnuhDMB6IrAkjrPgibEi3FhQWlsm",
  username: "Jane",
  userID: "jane-1",
};

describe("statements of a request", { skip: missing(postgresPrograms) }, () => {
  let peer: PostgresPeer;
  let server: ServerUnderTest;
  let remembering: ServerUnderTest;
  let logged: () => readonly string[];
  before(async () => {
    peer = await startPostgres();
    const file = async () => ({
      storage: { type: "postgres", config: peer.config(await peer.createDatabase()) },
      enablePasswordDB: true,
      staticPasswords: [jane],
      oauth2: { skipApprovalScreen: true, passwordConnector: "local" },
    });
    server = await startServerUnderTest(await file());
    remembering = await startServerUnderTest(await file(), { sessions: true });
    logged = await peer.logStatements();
    // Each of its connections reads the new setting between two statements.
    for (const one of [server, remembering]) {
      const health = () => one.newAgent().get("/healthz");
      for (let tries = 0; tries < 50 && (await statementsOf(health)).length === 0; tries++) await wait(100);
    }
    // What the start does behind everybody's back is over once nothing comes any more: the first keys.
    for (let seen = -1; seen !== logged().length; await wait(500)) seen = logged().length;
  });
  after(async () => {
    await server.close();
    await remembering.close();
    await peer.stop();
  });

  /**
   * What `work` sends where nobody has asked about the same person a second ago. The connectors are left out: all requests
   * together read them once a second.
   */
  async function statementsOf(work: () => Promise<unknown>): Promise<readonly string[]> {
    for (const { clock } of [server, remembering]) await clock.advance(1_001);
    // Whoever slept so long has asked what it wanted to.
    await wait(200);
    const before = logged().length;
    await work();
    return logged()
      .slice(before)
      .map(inShort)
      .filter((statement) => statement !== "select connector");
  }

  test("asking for authorization, keys and discovery: none", async () => {
    const agent = server.newAgent();
    for (const path of ["/keys", "/.well-known/openid-configuration", authPath({ prompt: "none" })])
      assert.deepEqual(await statementsOf(() => agent.get(path)), [], path);
  });

  test("the connectors: once a second, however many ask", async () => {
    for (const { clock } of [server, remembering]) await clock.advance(1_001);
    // So do the keys, in the background.
    await wait(200);
    const before = logged().length;
    for (let times = 0; times < 5; times++) await server.newAgent().get(authPath({ prompt: "none" }));
    assert.deepEqual(logged().slice(before).map(inShort), ["select connector"]);
  });

  test("a login: two; four that begin a session, and five the first time; three by a session", async () => {
    const code = ["insert auth_code"];
    const login = (agent: UserAgent) => statementsOf(() => obtainCode(agent, { connector_id: "mock" }));
    assert.deepEqual(await login(server.newAgent()), ["select user_identity", ...code]);
    const first = [
      "select user_identity",
      "select user_identity",
      "insert user_identity",
      "insert auth_session",
      ...code,
    ];
    const again = ["select user_identity", "update user_identity", "insert auth_session", ...code];
    for (const sent of [first, again]) {
      const agent = remembering.newAgent();
      assert.deepEqual([...(await login(agent))].sort(), [...sent].sort());
      assert.deepEqual(await login(agent), ["select auth_session", "select user_identity", ...code]);
    }
  });

  test("a code: three, and four where a session stands behind it; three more with a refresh token", async () => {
    const agent = server.newAgent();
    const plain = await obtainCode(agent, { connector_id: "mock" });
    const spent = ["select auth_code", "select user_identity", "update auth_code"];
    assert.deepEqual(await statementsOf(() => redeem(agent, plain)), spent);
    const owned = await obtainCode(remembering.newAgent(), { connector_id: "mock" });
    const sentOwned = await statementsOf(() => redeem(remembering.newAgent(), owned));
    assert.deepEqual([...sentOwned].sort(), [...spent, "select auth_session"].sort());
    const family = ["insert refresh_token", "select offline_session"];
    const lasting = await obtainCode(remembering.newAgent(), { connector_id: "mock", scope: "openid offline_access" });
    const sentLasting = await statementsOf(() => redeem(remembering.newAgent(), lasting));
    assert.deepEqual(
      [...sentLasting].sort(),
      [...spent, "select auth_session", ...family, "insert offline_session"].sort(),
    );
    for (const more of [["insert offline_session"], ["update offline_session"]]) {
      const code = await obtainCode(agent, { connector_id: "mock", scope: "openid offline_access" });
      const sent = await statementsOf(async () => tokensOf(await redeem(agent, code)));
      assert.deepEqual([...sent].sort(), [...spent, ...family, ...more].sort());
    }
  });

  test("a refresh: three; userinfo: four", async () => {
    const agent = server.newAgent();
    const code = await obtainCode(agent, { connector_id: "mock", scope: "openid offline_access" });
    const tokens = tokensOf(await redeem(agent, code));
    const sent = await statementsOf(async () => tokensOf(await refresh(agent, tokens.refresh_token ?? "")));
    assert.deepEqual(sent, ["select refresh_token", "select user_identity", "update refresh_token"]);
    const form = { grant_type: "password", username: jane.email, password, scope: "openid offline_access" };
    const own = tokensOf(await askToken(agent, form));
    const sentForOwn = await statementsOf(async () => tokensOf(await refresh(agent, own.refresh_token ?? "")));
    assert.deepEqual(sentForOwn, sent);
    const asked = await statementsOf(() => userinfo(agent, tokens.access_token));
    const revocations = Array.from({ length: 3 }, () => "select dexts_revoked_token");
    assert.deepEqual([...asked].sort(), [...revocations, "select user_identity"]);
  });
});
