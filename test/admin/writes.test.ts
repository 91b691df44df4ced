/** What is written over the API takes effect: on this replica at once, on every other within a second. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import { systemClock } from "../../src/kernel/system.ts";
import { enrol, isSettingUp, logIn as logInWithForm, totp } from "../spec/mfa.ts";
import { codeOf, signIn } from "../spec/relying-party.ts";
import { appClient, passwordConnector } from "../spec/server-under-test.ts";
import { UserAgent } from "../spec/user-agent.ts";
import { type AdminStage, databaseFolder, startAdminStage } from "./stage.ts";

/** Two servers on one database. */
async function replicas(t: TestContext): Promise<readonly [AdminStage, AdminStage, string]> {
  const file = join(databaseFolder(t), "dex.db");
  const storage = { type: "sqlite3", config: { file } };
  const [one, other] = [await startAdminStage({ storage }), await startAdminStage({ storage })];
  t.after(async () => {
    await one.close();
    await other.close();
  });
  return [one, other, file];
}

const hash = Buffer.from("$2a$10$7/WWzIaUdfZ3qgMIpgLdpui0tZWpIl1v/HWtZ1dCBmkuggArG1guy");
const tokensShape = z.looseObject({ id_token: z.string(), access_token: z.string(), refresh_token: z.string() });

async function ask(stage: AdminStage, path: string, form: Readonly<Record<string, string>>) {
  const answer = await fetch(`${stage.http}/dex${path}`, { method: "POST", body: new URLSearchParams(form) });
  return { status: answer.status, body: await answer.text() };
}

/** One login of ann with her password, by the client `app`. */
async function logIn(stage: AdminStage, secret: string, password = "trout") {
  return ask(stage, "/token", {
    grant_type: "password",
    client_id: "app",
    client_secret: secret,
    username: "ann@example.com",
    password,
    scope: "openid offline_access",
  });
}

async function furnish(stage: AdminStage): Promise<string> {
  const { client } = await stage.client.dex.CreateClient({ client: { id: "app", redirect_uris: ["https://a/cb"] } });
  const password = { email: "Ann@example.com", hash, username: "ann", user_id: "u1" };
  await stage.client.dex.CreatePassword({ password });
  assert.ok(client !== null);
  return client.secret;
}

const refresh = (stage: AdminStage, secret: string, token: string) =>
  ask(stage, "/token", { grant_type: "refresh_token", client_id: "app", client_secret: secret, refresh_token: token });

test("a client and a person made on one replica sign in on the other; the database holds no secret", async (t) => {
  const [one, other, file] = await replicas(t);
  const secret = await furnish(one);
  const answer = await logIn(other, secret);
  assert.equal(answer.status, 200, answer.body);
  assert.equal((await logIn(other, `${secret}x`)).status, 401);
  const database = new DatabaseSync(file, { readOnly: true });
  t.after(() => database.close());
  const row = z.object({ secret: z.string() }).parse(database.prepare("select secret from client").get());
  assert.match(row.secret, /^\$h1\$/);
  const rotated = await one.client.admin.RotateClientSecret({ id: "app" });
  assert.equal((await logIn(other, secret)).status, 401);
  assert.equal((await logIn(other, rotated.secret)).status, 200);
  await one.client.dex.DeletePassword({ email: "ann@example.com" });
  assert.equal((await logIn(other, rotated.secret)).status, 400);
  await one.client.dex.DeleteClient({ id: "app" });
  assert.equal((await logIn(other, rotated.secret)).status, 401);
});

test("a connector is on every replica's login page within a second, and gone as soon", async (t) => {
  const stages = await replicas(t);
  const [one, other] = stages;
  await furnish(one);
  const page = async (stage: AdminStage): Promise<string> => {
    const query = "client_id=app&redirect_uri=https%3A%2F%2Fa%2Fcb&response_type=code&scope=openid";
    return (await fetch(`${stage.http}/dex/auth?${query}`)).text();
  };
  const both = async (): Promise<readonly string[]> => [await page(one), await page(other)];
  assert.ok((await both()).every((text) => !text.includes("Fresh one")));
  const config = Buffer.from(JSON.stringify({ username: "a", password: "b" }));
  await one.client.dex.CreateConnector({ connector: { id: "fresh", type: "mockPassword", name: "Fresh one", config } });
  await wait(1_100);
  assert.ok((await both()).every((text) => text.includes("Fresh one")));
  await one.client.dex.UpdateConnector({ id: "fresh", new_name: "Renamed" });
  await wait(1_100);
  assert.ok((await both()).every((text) => text.includes("Renamed")));
  await other.client.dex.DeleteConnector({ id: "fresh" });
  await wait(1_100);
  assert.ok((await both()).every((text) => !text.includes("Renamed")));
});

test("refresh tokens are listed one by one, and end one by one or together", async (t) => {
  const [one, other] = await replicas(t);
  const secret = await furnish(one);
  const logins = [];
  for (const stage of [one, other, one]) logins.push(tokensShape.parse(JSON.parse((await logIn(stage, secret)).body)));
  const { admin, dex } = one.client;
  const { refresh_tokens: all } = await admin.ListRefreshTokens({ user_id: "u1", connector_id: "local" });
  assert.equal(all.length, 3);
  const [payload = ""] = (logins[0]?.id_token ?? "").split(".").slice(1);
  const { sub } = z.looseObject({ sub: z.string() }).parse(JSON.parse(Buffer.from(payload, "base64url").toString()));
  assert.equal((await dex.ListRefresh({ user_id: sub })).refresh_tokens.length, 1, "Dex's tools see one for a client");
  assert.deepEqual(await admin.RevokeRefreshToken({ id: all[0]?.id ?? "" }), { not_found: false });
  assert.deepEqual(await admin.RevokeRefreshToken({ id: all[0]?.id ?? "" }), { not_found: true });
  const statuses = await Promise.all(
    logins.map(async ({ refresh_token: token }) => (await refresh(other, secret, token)).status),
  );
  assert.deepEqual(statuses.toSorted(), [200, 200, 400]);
  assert.deepEqual(await dex.RevokeRefresh({ user_id: sub, client_id: "app" }), { not_found: false });
  assert.deepEqual(await dex.RevokeRefresh({ user_id: sub, client_id: "app" }), { not_found: true });
  assert.equal((await admin.ListRefreshTokens()).refresh_tokens.length, 0);
  for (const { access_token: token } of logins) {
    await wait(0);
    const seen = await fetch(`${one.http}/dex/userinfo`, { headers: { authorization: `Bearer ${token}` } });
    assert.equal(seen.status, 401, "what came from them ended with them");
  }
});

/** One login through a browser, at the connector that asks nothing. */
async function browse(stage: AdminStage, secret: string) {
  const place = { issuer: "http://127.0.0.1:5556/dex", port: Number(new URL(stage.http).port) };
  const agent = new UserAgent(place);
  const client = { id: "app", secret, redirectUri: "https://a/cb" };
  try {
    return await signIn(agent, { connector_id: "mock", scope: "openid offline_access" }, client);
  } finally {
    agent.close();
  }
}

const person = { user_id: "0-385-28089-0", connector_id: "mock" };

test("a person who is blocked gets nothing on any replica within a second, and is let in again", async (t) => {
  const [one, other] = await replicas(t);
  const secret = await furnish(one);
  const { refresh_token: token = "" } = await browse(other, secret);
  await one.client.admin.SetBlockedUntil({ ...person, blocked_until: 4_000_000_000 });
  assert.equal((await one.client.dex.GetUserIdentity(person)).identity?.blocked_until, 4_000_000_000);
  await wait(1_100);
  for (const stage of [one, other]) assert.notEqual((await refresh(stage, secret, token)).status, 200);
  await one.client.admin.SetBlockedUntil({ ...person, blocked_until: 0 });
  assert.equal((await one.client.dex.GetUserIdentity(person)).identity?.blocked_until, 0);
  await wait(1_100);
  assert.ok((await browse(other, secret)).refresh_token !== undefined);
});

test("a session that is ended takes every refresh token of its person along", async (t) => {
  const [one, other] = await replicas(t);
  const secret = await furnish(one);
  const tokens = [await browse(one, secret), await browse(other, secret)].map(({ refresh_token: token = "" }) => token);
  const { sessions } = await one.client.dex.ListAuthSessions({ connector_id: "mock" });
  assert.equal(sessions.length, 2);
  const [first] = sessions;
  assert.deepEqual(
    first?.client_states.map(({ client_id: id }) => id),
    ["app"],
  );
  assert.equal((await one.client.dex.GetAuthSession({ id: first?.id ?? "" })).session?.user_id, person.user_id);
  assert.deepEqual(await one.client.dex.DeleteAuthSession({ id: first?.id ?? "" }), { not_found: false });
  for (const token of tokens) assert.equal((await refresh(other, secret, token)).status, 400);
  assert.deepEqual(await one.client.dex.TerminateSessionsByUser({ user_id: person.user_id }), {
    sessions_terminated: 1,
  });
  assert.equal((await other.client.dex.ListAuthSessions()).sessions.length, 0);
});

test("a person who is deleted leaves nothing, and takes nobody else's password along", async (t) => {
  const [one, other] = await replicas(t);
  const secret = await furnish(one);
  await browse(one, secret);
  const { identities } = await other.client.dex.ListUserIdentities();
  const email = identities[0]?.email ?? "";
  assert.equal(email, "kilgore@kilgore.trout");
  await one.client.dex.CreatePassword({ password: { email, hash, user_id: "somebody else" } });
  assert.deepEqual(await other.client.dex.DeleteUserIdentity(person), { not_found: false });
  assert.deepEqual(await other.client.dex.DeleteUserIdentity(person), { not_found: true });
  assert.equal((await one.client.dex.ListUserIdentities()).identities.length, 0);
  assert.equal((await one.client.dex.ListAuthSessions()).sessions.length, 0);
  assert.equal((await one.client.admin.ListRefreshTokens()).refresh_tokens.length, 0);
  const left = (await one.client.dex.ListPasswords()).passwords.map(({ user_id: id }) => id);
  assert.deepEqual(left.toSorted(), ["somebody else", "u1"]);
});

test("second factors that are taken away on one replica are set up anew on the other", async (t) => {
  const file = {
    storage: { type: "sqlite3", config: { file: join(databaseFolder(t), "dex.db") } },
    connectors: [passwordConnector],
    mfa: { authenticators: [totp] },
    staticClients: [{ ...appClient, mfaChain: ["totp"] }],
  };
  const [one, other] = [await startAdminStage(file), await startAdminStage(file)];
  t.after(() => Promise.all([one.close(), other.close()]));
  const agentOf = (stage: AdminStage): UserAgent => {
    const agent = new UserAgent({ issuer: "http://127.0.0.1:5556/dex", port: Number(new URL(stage.http).port) });
    t.after(() => agent.close());
    return agent;
  };
  const atPw = { connector_id: "pw" };
  const first = agentOf(one);
  const { answer } = await enrol(first, await logInWithForm(first, atPw), { clock: systemClock });
  codeOf(answer);
  const [kilgore] = (await other.client.dex.ListUserIdentities()).identities;
  const whom = { user_id: kilgore?.user_id ?? "", connector_id: "pw" };
  const { devices } = await other.client.dex.ListMFADevices(whom);
  assert.ok(devices.some(({ authenticator_id: id, mfa_secret: secret }) => id === "totp" && secret?.confirmed));
  assert.ok(!isSettingUp(await logInWithForm(agentOf(other), atPw)), "the app is known on the other replica");
  assert.deepEqual(await other.client.dex.ResetMFA(whom), { not_found: false });
  assert.deepEqual((await one.client.dex.ListMFADevices(whom)).devices, []);
  assert.ok(isSettingUp(await logInWithForm(agentOf(one), atPw)));
});

test("a rotation that is asked for publishes the next key and names when it signs", async (t) => {
  const stage = await startAdminStage();
  t.after(stage.close);
  const { admin } = stage.client;
  const before = await admin.ListKeys();
  const { signs_from: first } = await admin.RotateKeys();
  const now = Math.floor(Date.now() / 1000);
  assert.ok(first < before.next_rotation && first >= now + 600, "no sooner than a cache of clients lasts");
  const { signs_from: second } = await admin.RotateKeys();
  assert.equal(second, first, "asking again puts nothing off");
});
