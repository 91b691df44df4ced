/** A real process on an SQLite file, killed while it mails: who was told that a mail is on its way gets it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";
import { type CaughtMail, fakeSmtp, linkIn } from "../fake/smtp.ts";
import { unescapeHtml } from "../spec/relying-party.ts";
import { UserAgent } from "../spec/user-agent.ts";
import { configFile, type Running, startDex } from "./run-dex.ts";

const issuer = "http://127.0.0.1:5556/dex";

async function placeOf(running: Running): Promise<{ readonly issuer: string; readonly port: number }> {
  const said = await running.until(/listening on.*127\.0\.0\.1:\d+/s);
  return { issuer, port: Number(/listening on[^\n]*127\.0\.0\.1:(\d+)/.exec(said)?.[1]) };
}

/** True: the server has answered that it did. */
async function signUp(agent: UserAgent, email: string): Promise<boolean> {
  const { body } = await agent.get("/signup");
  const csrf = unescapeHtml(/name="csrf" value="([^"]*)"/.exec(body)?.[1] ?? "");
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

test("mails that were acknowledged arrive after kills, and those that had arrived come no second time", {
  timeout: 120_000,
}, async (t) => {
  const smtp = await fakeSmtp();
  t.after(() => smtp.close());
  const { cwd, path } = configFile(
    t,
    stringify({
      issuer,
      storage: { type: "sqlite3", config: { file: "dex.db" } },
      web: { http: "127.0.0.1:0" },
      enablePasswordDB: true,
      enableSignup: true,
      signup: { maxPerHour: 1000 },
      mail: { from: "no-reply@example.com", host: "127.0.0.1", port: smtp.port, tls: "none" },
    }),
  );
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
