/** How many statements a request sends: fixed numbers, which docs/guide/storage.md states. PostgreSQL itself counts them. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { missing } from "../peer/peer.ts";
import { type PostgresPeer, postgresPrograms, startPostgres } from "../peer/postgres.ts";
import { authPath, obtainCode, redeem, refresh, tokensOf, userinfo } from "../spec/relying-party.ts";
import { type ServerUnderTest, startServerUnderTest } from "../spec/server-under-test.ts";

/** "select from auth_code": what a statement does, to which table. */
const inShort = (statement: string): string => {
  const [, verb = "", table = ""] =
    /^(select) .*? from (\S+)|^(insert) into (\S+)|^(update) (\S+)|^(delete) from (\S+)/
      .exec(statement)
      ?.filter((part) => part !== undefined) ?? [];
  return `${verb} ${table}`;
};

describe("statements of a request", { skip: missing(postgresPrograms) }, () => {
  let peer: PostgresPeer;
  let server: ServerUnderTest;
  let logged: () => readonly string[];
  before(async () => {
    peer = await startPostgres();
    server = await startServerUnderTest({
      storage: { type: "postgres", config: peer.config(await peer.createDatabase()) },
    });
    logged = await peer.logStatements();
    // Each of its connections reads the new setting between two statements.
    const health = () => server.newAgent().get("/healthz");
    for (let tries = 0; tries < 50 && (await statementsOf(health)).length === 0; tries++) await wait(100);
    // What the start does behind everybody's back is over once nothing comes any more: the first keys.
    for (let seen = -1; seen !== logged().length; await wait(500)) seen = logged().length;
  });
  after(async () => {
    await server.close();
    await peer.stop();
  });

  async function statementsOf(work: () => Promise<unknown>): Promise<readonly string[]> {
    const before = logged().length;
    await work();
    return logged().slice(before).map(inShort);
  }

  test("asking for authorization, keys and discovery: none", async () => {
    const agent = server.newAgent();
    for (const path of ["/keys", "/.well-known/openid-configuration", authPath({ prompt: "none" })])
      assert.deepEqual(await statementsOf(() => agent.get(path)), [], path);
  });

  test("a code: three; with a refresh token five, and six the first time", async () => {
    const agent = server.newAgent();
    const plain = await obtainCode(agent);
    const spent = ["select auth_code", "insert dexts_redeemed_code", "delete auth_code"];
    assert.deepEqual(await statementsOf(() => redeem(agent, plain)), spent);
    const family = ["insert refresh_token", "select offline_session"];
    for (const more of [["insert offline_session"], ["update offline_session"]]) {
      const code = await obtainCode(agent, { scope: "openid offline_access" });
      const sent = await statementsOf(async () => tokensOf(await redeem(agent, code)));
      assert.deepEqual([...sent].sort(), [...spent, ...family, ...more].sort());
    }
  });

  test("a refresh: two; userinfo: three", async () => {
    const agent = server.newAgent();
    const code = await obtainCode(agent, { scope: "openid offline_access" });
    const tokens = tokensOf(await redeem(agent, code));
    const sent = await statementsOf(async () => tokensOf(await refresh(agent, tokens.refresh_token ?? "")));
    assert.deepEqual(sent, ["select refresh_token", "update refresh_token"]);
    const asked = await statementsOf(() => userinfo(agent, tokens.access_token));
    assert.deepEqual(
      asked,
      Array.from({ length: 3 }, () => "select dexts_revoked_token"),
    );
  });
});
