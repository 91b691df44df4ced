/** A real process on an SQLite file, killed while it mails: who was told that a mail is on its way gets it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";
import { type CaughtMail, type FakeSmtp, fakeSmtp, linkIn } from "../fake/smtp.ts";
import { authorize, unescapeHtml } from "../spec/relying-party.ts";
import { appClient } from "../spec/server-under-test.ts";
import { UserAgent } from "../spec/user-agent.ts";
import { configFile, type Running, startDex } from "./run-dex.ts";

const issuer = "http://127.0.0.1:5556/dex";

async function placeOf(running: Running): Promise<{ readonly issuer: string; readonly port: number }> {
  const said = await running.until(/listening on.*127\.0\.0\.1:\d+/s);
  return { issuer, port: Number(/listening on[^\n]*127\.0\.0\.1:(\d+)/.exec(said)?.[1]) };
}

const csrfOn = async (agent: UserAgent, path: string): Promise<string> =>
  unescapeHtml(/name="csrf" value="([^"]*)"/.exec((await agent.get(path)).body)?.[1] ?? "");

/** True: the server has answered that it did. */
async function signUp(agent: UserAgent, email: string): Promise<boolean> {
  const csrf = await csrfOn(agent, "/signup");
  const form = { csrf, email, username: "Ada", password: "correct horse" };
  return agent.post("/signup", form).then(
    ({ status }) => status === 200,
    () => false,
  );
}

function waitingIn(file: string): number {
  const database = new DatabaseSync(file, { readOnly: true });
  const row = database.prepare("select count(*) as waiting from dexts_mail_delivery").get();
  database.close();
  return Number(row?.waiting);
}

/** As if the minute had passed in which a mail belongs to whoever has tried it. */
function letAMinutePass(file: string): void {
  const database = new DatabaseSync(file);
  database.exec("update dexts_mail_delivery set next_attempt = created_at");
  database.close();
}

const configFor = (smtp: FakeSmtp): string =>
  stringify({
    issuer,
    storage: { type: "sqlite3", config: { file: "dex.db" } },
    web: { http: "127.0.0.1:0" },
    enablePasswordDB: true,
    enableSignup: true,
    signup: { maxPerHour: 1000 },
    staticClients: [appClient],
    mail: { from: "no-reply@example.com", host: "127.0.0.1", port: smtp.port, tls: "none" },
  });

test("mails that were acknowledged arrive after kills, and those that had arrived come no second time", {
  timeout: 120_000,
}, async (t) => {
  const smtp = await fakeSmtp();
  t.after(() => smtp.close());
  const { cwd, path } = configFile(t, configFor(smtp));
  const mailsTo = (email: string): readonly CaughtMail[] => smtp.mails.filter(({ to }) => to.includes(email));
  const acknowledged: string[] = [];
  const arrived: string[] = [];
  let running = startDex(["serve", path], { cwd });
  t.after(() => running.process.kill("SIGKILL"));
  // The kill comes before the mail server was asked, while it thinks about it, and about when it has taken the mails.
  for (const [round, pause] of [0, 150, 500].entries()) {
    const agent = new UserAgent(await placeOf(running));
    const early = `early${round}@example.com`;
    assert.ok(await signUp(agent, early));
    await smtp.next(early);
    arrived.push(early);
    while (waitingIn(join(cwd, "dex.db")) > 0) await sleep(20);
    const slow = Array.from({ length: 3 }, (_, at) => `slow${round}-${at}@example.com`);
    for (const email of slow) if (await signUp(agent, email)) acknowledged.push(email);
    await sleep(pause);
    running.process.kill("SIGKILL");
    await running.finished;
    agent.close();
    letAMinutePass(join(cwd, "dex.db"));
    running = startDex(["serve", path], { cwd });
  }
  const place = await placeOf(running);
  assert.equal(acknowledged.length, 9);
  for (const email of acknowledged) await smtp.next(email);
  for (const email of acknowledged) {
    const mails = mailsTo(email);
    const ids = new Set(mails.map(({ headers }) => /^message-id: (.*)$/im.exec(headers)?.[1]));
    // Once more at the most for each kill, and the reader's program can tell.
    assert.ok(mails.length <= 2 && ids.size === 1, `${email}: ${mails.length} mails, ${[...ids].join()}`);
  }
  for (const email of arrived) assert.equal(mailsTo(email).length, 1, email);
  const visitor = new UserAgent(place);
  const link = linkIn(mailsTo(acknowledged[0] ?? "")[0] ?? assert.fail("no mail"));
  assert.equal((await visitor.get(link)).status, 200);
  visitor.close();
  running.process.kill("SIGTERM");
  assert.equal((await running.finished).code, 0);
});

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const safari =
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15";

/** From the moment on when its answer is there, the server that gave it is no more. */
for (const { what, ask, says } of [
  {
    what: "a link for a forgotten password",
    async ask(agent: UserAgent, email: string) {
      const csrf = await csrfOn(agent, "/password/forgot");
      const { status } = await agent.post("/password/forgot", { csrf, email });
      assert.equal(status, 200);
    },
    says: /password\/reset\?token=/,
  },
  {
    what: "the notice of a new device",
    async ask(agent: UserAgent, email: string) {
      const { status } = await logIn(agent, email, safari);
      assert.equal(status, 303);
    },
    says: /Safari · macOS/,
  },
]) {
  test(`${what} arrives though the server is killed with its answer`, { timeout: 120_000 }, async (t) => {
    const smtp = await fakeSmtp();
    t.after(() => smtp.close());
    const { cwd, path } = configFile(t, configFor(smtp));
    let running = startDex(["serve", path], { cwd });
    t.after(() => running.process.kill("SIGKILL"));
    // The mail server takes its time, so none of these was delivered before the kill.
    const people = ["slow0@example.com", "slow1@example.com"];
    const first = new UserAgent(await placeOf(running));
    for (const email of people) {
      assert.ok(await signUp(first, email));
      assert.equal((await logIn(first, email, firefox)).status, 303);
    }
    first.close();
    while (waitingIn(join(cwd, "dex.db")) > 0) await sleep(20);
    const before = smtp.mails.length;
    for (const email of people) {
      const agent = new UserAgent(await placeOf(running));
      await ask(agent, email);
      running.process.kill("SIGKILL");
      await running.finished;
      agent.close();
      assert.equal(
        smtp.mails.slice(before).filter(({ to }) => to.includes(email)).length,
        0,
        "it was not delivered yet",
      );
      letAMinutePass(join(cwd, "dex.db"));
      running = startDex(["serve", path], { cwd });
      assert.match((await smtp.next(email, before)).text, says);
    }
    running.process.kill("SIGTERM");
    assert.equal((await running.finished).code, 0);
  });
}

async function logIn(agent: UserAgent, login: string, browser: string) {
  const page = await authorize(agent, { scope: "openid", prompt: "login" });
  const form = { login, password: "correct horse" };
  return agent.ask(page.url.href, { method: "POST", form, headers: { "user-agent": browser } });
}
