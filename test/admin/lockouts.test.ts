/** A lock is one on every replica, whoever tries where; an administrator sees it, and lifts it everywhere at once. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { status } from "@grpc/grpc-js";
import { type AdminStage, allFlags, databaseFolder, startAdminStage } from "./stage.ts";

const hash = Buffer.from("$2a$10$7/WWzIaUdfZ3qgMIpgLdpui0tZWpIl1v/HWtZ1dCBmkuggArG1guy");
const ann = { email: "ann@example.com", hash, username: "ann", user_id: "u1" };
const lockout = { firstLock: "10m" };

async function replicas(t: TestContext): Promise<readonly [AdminStage, AdminStage, string]> {
  const folder = databaseFolder(t);
  const file = { storage: { type: "sqlite3", config: { file: join(folder, "dex.db") } }, lockout };
  const auditFile = join(folder, "audit.jsonl");
  const one = await startAdminStage({ ...file, logger: { auditFile } });
  const other = await startAdminStage(file);
  t.after(async () => {
    await one.close();
    await other.close();
  });
  return [one, other, auditFile];
}

const verify = (stage: AdminStage, password: string) => stage.client.dex.VerifyPassword({ email: ann.email, password });

const exhausted = { code: status.RESOURCE_EXHAUSTED };

async function grant(stage: AdminStage, secret: string, password: string): Promise<number> {
  const form = {
    grant_type: "password",
    client_id: "app",
    client_secret: secret,
    username: "Ann@example.com",
    password,
  };
  const body = new URLSearchParams({ ...form, scope: "openid" });
  return (await fetch(`${stage.http}/dex/token`, { method: "POST", body })).status;
}

test("wrong passwords here and there are one count, and one word lifts the lock on both", async (t) => {
  const [one, other, auditFile] = await replicas(t);
  await one.client.dex.CreatePassword({ password: ann });
  const { client } = await one.client.dex.CreateClient({ client: { id: "app", redirect_uris: ["https://a/cb"] } });
  const secret = client?.secret ?? assert.fail();
  assert.equal(await grant(other, secret, "x"), 400);
  for (let count = 0; count < 4; count++) assert.equal((await verify(one, "x")).verified, false);
  await assert.rejects(verify(other, "trout"), exhausted);
  assert.equal(await grant(one, secret, "trout"), 429);
  const { accounts } = await other.client.admin.ListLockedAccounts();
  const [account] = accounts;
  assert.deepEqual(
    [accounts.length, account?.kind, account?.connector_id, account?.name, account?.failures, account?.known_device],
    [1, "password", "local", "ann@example.com", 5, false],
  );
  const left = (account?.locked_until ?? 0) - Date.now() / 1000;
  assert.ok(left > 500 && left < 601, String(left));
  const name = { connector_id: "local", name: "ANN@example.com" };
  assert.deepEqual(await one.client.admin.UnlockAccount(name), { not_found: false });
  assert.deepEqual(await other.client.admin.ListLockedAccounts(), { accounts: [] });
  assert.equal((await verify(other, "trout")).verified, true);
  assert.equal(await grant(other, secret, "trout"), 200);
  assert.deepEqual(await other.client.admin.UnlockAccount(name), { not_found: true });
  await one.close();
  const events = readFileSync(auditFile, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line))
    .filter(({ event }) => /^(account|attempts)\./.test(event));
  assert.deepEqual(
    events.map(({ event, kind, user, by }) => [event, kind, user, by]),
    [
      ["account.locked", "password", "ann@example.com", "account"],
      ["attempts.refused", "password", "ann@example.com", "account"],
      ["account.unlocked", "password", "ann@example.com", undefined],
    ],
  );
});

test("metrics tell of refusals by kind, of locks that stand, and of those that were lifted", async (t) => {
  const stage = await startAdminStage({ lockout, telemetry: { http: "127.0.0.1:0" } });
  t.after(stage.close);
  await stage.client.dex.CreatePassword({ password: ann });
  const metrics = async (): Promise<readonly string[]> => {
    const text = await (await fetch(`http://${stage.telemetry}/metrics`)).text();
    return text.split("\n").filter((line) => /^dex_(lockouts_total|locked_accounts|unlocks_total)/.test(line));
  };
  assert.deepEqual(await metrics(), ["dex_locked_accounts 0"]);
  for (let count = 0; count < 5; count++) await verify(stage, "x");
  for (let count = 0; count < 3; count++) await assert.rejects(verify(stage, "x"), exhausted);
  const refusals = [
    'dex_lockouts_total{kind="password",by="lock"} 1',
    'dex_lockouts_total{kind="password",by="account"} 3',
  ];
  assert.deepEqual(await metrics(), [...refusals, "dex_locked_accounts 1"]);
  await stage.client.admin.UnlockAccount({ connector_id: "local", name: ann.email });
  assert.deepEqual(await metrics(), [...refusals, 'dex_unlocks_total{kind="password"} 1', "dex_locked_accounts 0"]);
});

test("people who do not exist are counted as those who do", async (t) => {
  const stage = await startAdminStage({ lockout });
  t.after(stage.close);
  const nobody = { email: "nobody@example.com", password: "x" };
  for (let count = 0; count < 5; count++)
    assert.deepEqual(await stage.client.dex.VerifyPassword(nobody), { verified: false, not_found: true });
  await assert.rejects(stage.client.dex.VerifyPassword(nobody), exhausted);
});

test("two hundred guesses at the same time, on two replicas, are five", { timeout: 60_000 }, async (t) => {
  const [one, other] = await replicas(t);
  await one.client.dex.CreatePassword({ password: ann });
  const tries = Array.from({ length: 200 }, (_, index) => verify(index % 2 === 0 ? one : other, `guess ${index}`));
  const settled = await Promise.allSettled(tries);
  assert.equal(settled.filter((each) => each.status === "fulfilled").length, 5);
});

test("locks are people's affairs: their flag comes first, and a name is needed", async (t) => {
  const stage = await startAdminStage({}, {});
  t.after(stage.close);
  const off = { details: "api_sessions_identities_crud feature flag is not enabled" };
  await assert.rejects(stage.client.admin.ListLockedAccounts(), off);
  await assert.rejects(stage.client.admin.UnlockAccount({ connector_id: "local", name: "x" }), off);
  const open = await startAdminStage({}, allFlags);
  t.after(open.close);
  await assert.rejects(open.client.admin.UnlockAccount({ name: "x" }), { details: "no connector_id supplied" });
  await assert.rejects(open.client.admin.UnlockAccount({ connector_id: "x" }), { details: "no name supplied" });
});
