/** Real processes on one SQLite file, killed: every client still hears of every logout. OIDC Back-Channel Logout §2.5. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { stringify } from "yaml";
import { logoutListener } from "../fake/logout-listener.ts";
import { authorize, codeOf, queryOf, redeem, tokensOf } from "../spec/relying-party.ts";
import { appClient, mockConnector } from "../spec/server-under-test.ts";
import { UserAgent } from "../spec/user-agent.ts";
import { configFile, type Running, startDex } from "./run-dex.ts";

const issuer = "http://127.0.0.1:5556/dex";

async function portOf(running: Running): Promise<number> {
  const said = await running.until(/listening on.*127\.0\.0\.1:\d+/s);
  return Number(/listening on[^\n]*127\.0\.0\.1:(\d+)/.exec(said)?.[1]);
}

const sidOf = (jwt: string): unknown =>
  (JSON.parse(Buffer.from(jwt.split(".")[1] ?? "", "base64url").toString()) as { readonly sid?: unknown }).sid;

test("a client that is away hears of the logouts after a kill and a restart", { timeout: 90_000 }, async (t) => {
  const listener = await logoutListener();
  t.after(() => listener.close());
  listener.answer(503);
  const yaml = stringify({
    issuer,
    storage: { type: "sqlite3", config: { file: "dex.db" } },
    web: { http: "127.0.0.1:0" },
    oauth2: { skipApprovalScreen: true },
    staticClients: [{ ...appClient, backchannelLogoutURI: `${listener.url}/bcl` }],
    connectors: [mockConnector],
  });
  const { cwd, path } = configFile(t, yaml);
  const first = startDex(["serve", path], { cwd });
  t.after(() => first.process.kill("SIGKILL"));
  const place = { issuer, port: await portOf(first) };
  const sids = new Set<unknown>();
  for (let person = 0; person < 5; person++) {
    const agent = new UserAgent(place);
    const { id_token = "" } = tokensOf(await redeem(agent, codeOf(await authorize(agent))));
    sids.add(sidOf(id_token));
    const page = await agent.get(`/logout?${queryOf({ id_token_hint: id_token })}`);
    assert.match(page.body, /have not answered yet/);
    agent.close();
  }
  assert.equal(sids.size, 5);
  first.process.kill("SIGKILL");
  await first.finished;
  const refused = listener.heard.length;
  listener.answer(200);
  const next = startDex(["serve", path], { cwd });
  t.after(() => next.process.kill("SIGKILL"));
  await portOf(next);
  const end = performance.now() + 30_000;
  const heard = (): ReadonlySet<unknown> => new Set(listener.heard.slice(refused).map(({ token }) => sidOf(token)));
  while (heard().size < 5 && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(heard(), sids);
  next.process.kill("SIGTERM");
  assert.equal((await next.finished).code, 0);
});
