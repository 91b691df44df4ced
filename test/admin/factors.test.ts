/** Somebody cannot get in with their second factor: an administrator sees why, lifts the lock, or takes the factor away. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { assertAskedForCode, codeAt, isSettingUp, recoveryCodesOn, seedOn, sendCode, totp } from "../spec/mfa.ts";
import { authorize, messageOf } from "../spec/relying-party.ts";
import { type Answer, UserAgent } from "../spec/user-agent.ts";
import { type AdminStage, startAdminStage } from "./stage.ts";

const hash = Buffer.from("$2a$10$7/WWzIaUdfZ3qgMIpgLdpui0tZWpIl1v/HWtZ1dCBmkuggArG1guy");
const ann = { email: "ann@example.com", hash, username: "ann", user_id: "u1" };
const person = { user_id: ann.user_id, connector_id: "local" };
const app = { id: "app", secret: "app-secret", redirectUri: "https://app.example/callback" };

async function stageWithFactor(t: TestContext): Promise<AdminStage> {
  const stage = await startAdminStage({
    mfa: { authenticators: [totp], defaultMFAChain: ["totp"] },
    lockout: { firstLock: "10m" },
    staticClients: [{ id: app.id, secret: app.secret, name: "App", redirectURIs: [app.redirectUri] }],
  });
  t.after(stage.close);
  await stage.client.dex.CreatePassword({ password: ann });
  return stage;
}

function browserAt(t: TestContext, stage: AdminStage): UserAgent {
  const agent = new UserAgent({ issuer: "http://127.0.0.1:5556/dex", port: Number(new URL(stage.http).port) });
  t.after(() => agent.close());
  return agent;
}

/** With the password, up to the page of the second factor. */
async function logIn(agent: UserAgent): Promise<Answer> {
  const page = await authorize(agent, { connector_id: "local", prompt: "login" }, app);
  return agent.follow(await agent.post(page.url.href, { login: ann.email, password: "trout" }));
}

test("a locked factor is listed under the person's id, and unlocked by it", async (t) => {
  const stage = await stageWithFactor(t);
  const owner = browserAt(t, stage);
  const first = await logIn(owner);
  const seed = seedOn(first);
  assert.equal((await sendCode(owner, first, codeAt(seed, Date.now()))).status, 200);
  const thief = browserAt(t, stage);
  const page = await logIn(thief);
  assertAskedForCode(page);
  for (let count = 0; count < 6; count++) await sendCode(thief, page, "000000");
  // The clock is the machine's: the code of the next half minute is good already, and not spent.
  const right = () => sendCode(thief, page, codeAt(seed, Date.now() + 30_000));
  assert.match(messageOf(await right()), /^Too many attempts\. Try again in 10 minutes\.$/);
  const { accounts } = await stage.client.admin.ListLockedAccounts();
  assert.deepEqual(
    accounts.map(({ kind, connector_id, name }) => [kind, connector_id, name]),
    [["factor", "local", "u1"]],
  );
  assert.deepEqual(await stage.client.admin.UnlockAccount({ connector_id: "local", name: "u1" }), { not_found: false });
  const answer = await right();
  assert.equal(answer.status, 303, answer.body);
});

test("factors that were reset are set up anew, and neither the old app nor the old recovery codes count", async (t) => {
  const stage = await stageWithFactor(t);
  const owner = browserAt(t, stage);
  const first = await logIn(owner);
  const old = seedOn(first);
  const shown = await sendCode(owner, first, codeAt(old, Date.now()));
  const [recovery = ""] = recoveryCodesOn(shown);
  assert.equal((await stage.client.dex.ListMFADevices(person)).devices.length > 0, true);
  assert.deepEqual(await stage.client.dex.ResetMFA(person), { not_found: false });
  assert.deepEqual((await stage.client.dex.ListMFADevices(person)).devices, []);
  const again = browserAt(t, stage);
  const page = await logIn(again);
  assert.ok(isSettingUp(page), page.body);
  const seed = seedOn(page);
  assert.notEqual(seed, old);
  assert.equal((await sendCode(again, page, codeAt(old, Date.now()))).status, 401);
  assert.equal((await sendCode(again, page, codeAt(seed, Date.now()))).status, 200);
  const thief = browserAt(t, stage);
  const asked = await logIn(thief);
  assertAskedForCode(asked);
  const spent = await thief.post(`/mfa/recovery${asked.url.search}`, { recovery_code: recovery });
  assert.equal(spent.status, 401);
});
