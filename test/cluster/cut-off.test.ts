/**
 * Whoever is cut off is cut off everywhere: each way to lose access against each thing that a person may hold, on two
 * processes with one database. One hears the administrator, the other is asked a second later.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { type AdminClient, openAdminClient } from "../../src/server/admin-client.ts";
import { allFlags } from "../admin/stage.ts";
import {
  app,
  askToken,
  authorize,
  codeOf,
  obtainCode,
  redeem,
  refresh,
  signIn,
  tokensOf,
  toldClient,
  unescapeHtml,
  userinfo,
} from "../spec/relying-party.ts";
import { appClient, issuer, mockConnector } from "../spec/server-under-test.ts";
import { type Answer, UserAgent } from "../spec/user-agent.ts";
import { type Cluster, startCluster } from "./cluster.ts";

/** Of "trout". */
const hash = Buffer.from("$2a$10$7/WWzIaUdfZ3qgMIpgLdpui0tZWpIl1v/HWtZ1dCBmkuggArG1guy");
const tv = { id: "tv", redirectUri: "/device/callback" };
const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code";

let cluster: Cluster;
let admin: AdminClient;
let folder: string;
const agents: UserAgent[] = [];

const agentAt = (number: number): UserAgent => {
  const agent = new UserAgent({ issuer, port: cluster.replicas[number]?.port ?? 0 });
  agents.push(agent);
  return agent;
};

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "dex-cut-off-"));
  const file = {
    storage: { type: "sqlite3", config: { file: join(folder, "dex.db") } },
    enablePasswordDB: true,
    oauth2: {
      skipApprovalScreen: true,
      passwordConnector: "local",
      responseTypes: ["code", "id_token", "token"],
      grantTypes: [
        ...["authorization_code", "implicit", "refresh_token", "password", deviceGrant],
        "urn:ietf:params:oauth:grant-type:token-exchange",
      ],
    },
    staticClients: [
      { ...appClient, ssoSharedWith: ["*"] },
      { id: tv.id, name: "The TV", public: true },
    ],
    connectors: [mockConnector],
  };
  cluster = await startCluster(2, file, allFlags);
  admin = openAdminClient({ address: cluster.replicas[0]?.grpc ?? "", timeout: 20_000 });
});
after(async () => {
  admin.close();
  for (const agent of agents) agent.close();
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
});

const local = { connector_id: "local" };

/** Signs in with the form, as far as that leads. */
async function logIn(agent: UserAgent, login: string, more: Record<string, string> = {}): Promise<Answer> {
  const page = await authorize(agent, { ...local, prompt: "login", ...more });
  assert.equal(page.status, 200, `no form: ${page.location}`);
  return agent.follow(await agent.post(page.url.href, { login, password: "trout" }));
}

async function approveDevice(browser: UserAgent, machine: UserAgent): Promise<string> {
  const begun = await machine.ask("/device/code", { method: "POST", form: { client_id: tv.id, scope: "openid" } });
  const { device_code, user_code } = JSON.parse(begun.body);
  const enter = (more: Record<string, string> = {}) => browser.post("/device/auth/verify_code", { user_code, ...more });
  const confirm = unescapeHtml(/name="confirm" value="([^"]*)"/.exec((await enter()).body)?.[1] ?? assert.fail());
  const chosen = await browser.follow(await enter({ confirm, approval: "approve" }));
  const link = /href="([^"]*\/auth\/local[^"]*)"/.exec(chosen.body)?.[1];
  const last = link === undefined ? chosen : await browser.follow(await browser.get(unescapeHtml(link)));
  assert.match(last.body, /Your device is connected/);
  return device_code;
}

/** Everything that one browser of a person may hold, all of one session. */
async function hold(email: string) {
  const [browser, machine] = [agentAt(1), agentAt(1)];
  const code = codeOf(await logIn(browser, email, { scope: "openid email offline_access" }));
  const family = tokensOf(await redeem(machine, code));
  const plain = tokensOf(await redeem(machine, await obtainCode(browser, local)));
  const front = { ...local, response_type: "id_token token", nonce: "n" };
  const { access_token = "" } = toldClient(await authorize(browser, front));
  const pending = await obtainCode(browser, { ...local, scope: "openid offline_access" });
  const device = await approveDevice(browser, machine);
  const question = await authorize(browser, { ...local, prompt: "consent" });
  assert.match(question.url.pathname, /\/approval$/);
  return { browser, machine, family, plain, implicit: { access_token }, pending, device, question };
}
type Held = Awaited<ReturnType<typeof hold>>;

const isActive = async (machine: UserAgent, token: string): Promise<boolean> => {
  const form = { client_id: app.id, client_secret: app.secret ?? "", token };
  return JSON.parse((await machine.ask("/token/introspect", { method: "POST", form })).body).active;
};

/** What still works, by name. What is asked for is used up. */
async function whatWorks(held: Held, email: string): Promise<readonly string[]> {
  const { browser, machine, family, plain, implicit, pending, device, question } = held;
  const found: [string, boolean][] = [];
  const note = (name: string, works: boolean): void => void found.push([name, works]);
  const other = agentAt(0);
  for (const [name, { access_token: token }] of Object.entries({ family, plain, implicit })) {
    for (const place of [machine, other]) {
      const userinfoWorks = (await userinfo(place, token)).status === 200;
      assert.equal(await isActive(place, token), userinfoWorks, name);
      if (place === machine) note(`access token, ${name}`, userinfoWorks);
      else assert.equal(found.at(-1)?.[1], userinfoWorks, "both replicas agree");
    }
  }
  note("introspection of the refresh token", await isActive(other, family.refresh_token ?? ""));
  note("account page", (await browser.get("/account")).status === 200);
  const silent = await authorize(browser, { ...local, prompt: "none" });
  note("single sign-on", silent.location?.searchParams.has("code") === true);
  const agreed = await browser.post(question.url.href, { req: reqOf(question), approval: "approve" });
  note("consent page", (await browser.follow(agreed)).location?.searchParams.has("code") === true);
  note("pending code", (await redeem(machine, pending)).status === 200);
  const poll = { grant_type: deviceGrant, device_code: device };
  note("approved device", (await askToken(machine, poll, tv)).status === 200);
  note("refresh", (await refresh(machine, family.refresh_token ?? "")).status === 200);
  note("login form", (await logIn(agentAt(1), email)).location?.searchParams.has("code") === true);
  const password = { grant_type: "password", username: email, password: "trout", scope: "openid" };
  note("password grant", (await askToken(machine, password)).status === 200);
  return found.filter(([, works]) => works).map(([name]) => name);
}

const reqOf = ({ body }: Answer): string => unescapeHtml(/name="req" value="([^"]*)"/.exec(body)?.[1] ?? "");

const plainTokens = ["access token, plain", "access token, implicit"];
const tokens = ["access token, family", ...plainTokens, "introspection of the refresh token"];
const session = ["account page", "single sign-on", "consent page", "pending code", "approved device"];
const again = ["login form", "password grant"];

interface Person {
  readonly email: string;
  readonly user: { readonly user_id: string; readonly connector_id: string };
}

async function sessionOf({ user }: Person): Promise<string> {
  const { sessions } = await admin.dex.ListAuthSessions(user);
  assert.equal(sessions.length, 1);
  return sessions[0]?.id ?? "";
}

/** Ends the one session from another browser of the same person. */
async function endFromElsewhere(person: Person): Promise<void> {
  const id = await sessionOf(person);
  const browser = agentAt(0);
  codeOf(await logIn(browser, person.email));
  const { body } = await browser.get("/account");
  const csrf = unescapeHtml(/name="csrf" value="([^"]*)"/.exec(body)?.[1] ?? "");
  assert.equal((await browser.post("/account", { csrf, action: "end", subject: id })).status, 303);
}

/** Each way to lose access, and what it leaves. */
const ways: Readonly<Record<string, readonly [how: (person: Person) => Promise<unknown>, left: readonly string[]]>> = {
  "nothing at all": [async () => {}, [...tokens, ...session, "refresh", ...again]],
  "user block": [({ user }) => admin.admin.SetBlockedUntil({ ...user, blocked_until: 4_000_000_000 }), []],
  "session delete": [async (person) => admin.dex.DeleteAuthSession({ id: await sessionOf(person) }), again],
  "session terminate": [({ user }) => admin.dex.TerminateSessionsByUser({ user_id: user.user_id }), again],
  "user delete, with the password": [({ user }) => admin.dex.DeleteUserIdentity(user), []],
  "password delete": [({ email }) => admin.dex.DeletePassword({ email }), []],
  "the account page of another browser": [endFromElsewhere, again],
  "refresh revoke": [({ user }) => admin.admin.RevokeRefreshTokens(user), [...plainTokens, ...session, ...again]],
};

describe("what a person holds, after", { timeout: 240_000 }, () => {
  for (const [name, [cut, left]] of Object.entries(ways)) {
    test(name, async () => {
      const id = name.replaceAll(/[^a-z]/g, "");
      const email = `${id}@example.com`;
      await admin.dex.CreatePassword({ password: { email, hash, username: id, user_id: id } });
      const held = await hold(email);
      await cut({ email, user: { user_id: id, ...local } });
      await wait(1_100);
      assert.deepEqual(await whatWorks(held, email), left);
    });
  }
});

test("token exchange, for somebody who is blocked", async () => {
  const browser = agentAt(1);
  await signIn(browser, { connector_id: "mock" });
  const exchange = () =>
    askToken(agentAt(1), {
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      connector_id: "mock",
      subject_token: "an upstream's token",
      subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
    });
  const issued = await exchange();
  assert.equal(issued.status, 200, issued.body);
  const { access_token: token } = JSON.parse(issued.body);
  const [identity] = (await admin.dex.ListUserIdentities()).identities.filter((each) => each.connector_id === "mock");
  const user = { user_id: identity?.user_id ?? "", connector_id: "mock" };
  await admin.admin.SetBlockedUntil({ ...user, blocked_until: 4_000_000_000 });
  await wait(1_100);
  assert.equal((await exchange()).status, 400);
  assert.equal((await userinfo(browser, token)).status, 401);
  assert.equal(await isActive(browser, token), false);
});

test("tokens that outlived their session end with the person, and with all of their sessions", async () => {
  const machine = agentAt(1);
  const email = "old@example.com";
  const user = { user_id: "old", ...local };
  await admin.dex.CreatePassword({ password: { email, hash, username: "old", user_id: "old" } });
  const ask = async (scope: string) =>
    tokensOf(await askToken(machine, { grant_type: "password", username: email, password: "trout", scope }));
  // The password grant begins no session.
  const [lasting, plain] = [await ask("openid offline_access"), await ask("openid")];
  assert.deepEqual(await admin.dex.TerminateSessionsByUser({ user_id: "old" }), { sessions_terminated: 0 });
  assert.equal((await refresh(machine, lasting.refresh_token ?? "")).status, 400);
  await wait(1_100);
  assert.equal(await isActive(machine, lasting.access_token), false);
  assert.equal(await isActive(machine, plain.access_token), true);
  codeOf(await logIn(agentAt(1), email));
  await admin.dex.DeleteUserIdentity(user);
  await wait(1_100);
  assert.equal(await isActive(machine, plain.access_token), false);
  // Who is made anew has tokens that count.
  await admin.dex.CreatePassword({ password: { email, hash, username: "old", user_id: "old" } });
  assert.equal(await isActive(machine, (await ask("openid")).access_token), true);
});

test("a code that is redeemed while its session ends leaves no refresh token behind", async () => {
  const email = "race@example.com";
  await admin.dex.CreatePassword({ password: { email, hash, username: "race", user_id: "race" } });
  for (let round = 0; round < 8; round++) {
    const [browser, machine] = [agentAt(1), agentAt(round % 2)];
    const code = codeOf(await logIn(browser, email, { scope: "openid offline_access" }));
    await Promise.all([
      wait(round).then(() => redeem(machine, code)),
      admin.dex.TerminateSessionsByUser({ user_id: "race" }),
    ]);
    const { refresh_tokens: left } = await admin.admin.ListRefreshTokens({ user_id: "race", ...local });
    assert.deepEqual(left, [], `round ${round}`);
  }
});
