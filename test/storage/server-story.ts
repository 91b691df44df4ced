/** What a whole server does on a database that many share: the same for each, told over HTTP. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import {
  askToken,
  assertRefused,
  obtainCode,
  redeem,
  refresh,
  refreshTokenOf,
  signIn,
  tokensOf,
} from "../spec/relying-party.ts";
import { type ConfigFile, type ServerUnderTest, startServerUnderTest } from "../spec/server-under-test.ts";

export interface StorageUnderTest {
  /** `storage` of the configuration file; asked once the tests run. */
  readonly config: () => ConfigFile;
  /** Makes the database unreachable, and reachable again. */
  readonly lose: () => Promise<void>;
  readonly restore: () => Promise<void>;
}

export function tellServerStory({ config, lose, restore }: StorageUnderTest): void {
  const start = (): Promise<ServerUnderTest> => startServerUnderTest({ storage: config() });

  test("64 refreshes of 64 tokens at once, five rounds: all of them live", async (t) => {
    const server = await start();
    t.after(() => server.close());
    const agent = server.newAgent();
    let tokens: readonly string[] = await Promise.all(
      Array.from({ length: 64 }, async () => (await signIn(agent)).refresh_token ?? ""),
    );
    for (let round = 0; round < 5; round++) {
      tokens = (await Promise.all(tokens.map((token) => refresh(agent, token)))).map(refreshTokenOf);
      await server.clock.advance(60_000);
    }
    assert.equal(new Set(tokens).size, 64);
  });

  test("of 50 redemptions of one code, through two replicas, one succeeds", async (t) => {
    const replicas = [await start(), await start()];
    t.after(() => Promise.all(replicas.map((server) => server.close())));
    const agents = replicas.map((server) => server.newAgent());
    const [first] = agents;
    assert.ok(first !== undefined);
    const code = await obtainCode(first, { scope: "openid offline_access" });
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => redeem(agents[index % 2] ?? first, code)),
    );
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    for (const answer of answers) if (answer.status !== 200) assertRefused(answer, "invalid_grant");
  });

  test("a token outlives its server, and a refresh on one replica is known to the other", async (t) => {
    const first = await start();
    const token = (await signIn(first.newAgent())).refresh_token ?? "";
    await first.close();
    const [second, third] = [await start(), await start()];
    t.after(() => Promise.all([second.close(), third.close()]));
    const next = refreshTokenOf(await refresh(second.newAgent(), token));
    tokensOf(await refresh(third.newAgent(), next));
  });

  test("while the database is away the answer is 503 with Retry-After; then all is well again", async (t) => {
    const server = await start();
    t.after(() => server.close());
    const agent = server.newAgent();
    const token = (await signIn(agent)).refresh_token ?? "";
    await lose();
    try {
      const answer = await refresh(agent, token);
      assert.equal(answer.status, 503, answer.body);
      assert.match(String(answer.headers["retry-after"]), /^\d+$/);
      assert.equal((await agent.get("/keys")).status, 200, "keys need no database");
    } finally {
      await restore();
    }
    const healed = await untilAnswered(() => refresh(agent, token));
    tokensOf(healed);
    tokensOf(await askToken(agent, { grant_type: "refresh_token", refresh_token: refreshTokenOf(healed) }));
  });
}

/** Asks until it is not 503, for ten seconds. */
async function untilAnswered(ask: () => ReturnType<typeof refresh>): ReturnType<typeof refresh> {
  for (let attempt = 1; ; attempt++) {
    const answer = await ask();
    if (answer.status !== 503 || attempt === 100) return answer;
    await wait(100);
  }
}
