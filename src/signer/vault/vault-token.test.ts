import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { handClock } from "../../../test/fake/hand-clock.ts";
import { startFakeVault } from "../../../test/fake/vault.ts";
import { UnavailableError } from "../../kernel/errors.ts";
import { Secret } from "../../kernel/secret.ts";
import type { VaultLogin } from "./settings.ts";
import { aVaultReplica, type VaultReplica } from "./testing/a-vault-signer.ts";

const second = 1_000;
const minute = 60 * second;
const folder = mkdtempSync(join(tmpdir(), "dex-vault-token-"));
after(() => rmSync(folder, { recursive: true }));

function fileOf(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, `${text}\n`);
  return file;
}

const logins: readonly VaultLogin[] = [
  { method: "appRole", mount: "approle", roleId: "role-id", secretId: new Secret("secret-id") },
  { method: "appRole", mount: "approle", roleId: "role-id", secretId: { file: fileOf("secret-id", "secret-id") } },
  { method: "kubernetes", mount: "kubernetes", role: "dex", tokenFile: fileOf("jwt", "the pod's token") },
];

const loginsAt = ({ vault }: VaultReplica): number =>
  vault.requests.filter(({ path }) => path.endsWith("/login")).length;
/** The life in seconds of every token that a login gives, and how far renewals reach. */
const lives = async (ttl: number, maxTtl: number, clock = { now: Date.now }) => {
  const vault = await startFakeVault({ now: clock.now });
  vault.roles.ttl = ttl;
  vault.roles.maxTtl = maxTtl;
  return vault;
};
const usedToken = ({ vault }: VaultReplica): unknown =>
  vault.requests.findLast(({ path }) => path === "transit/sign/dex")?.headers["x-vault-token"];

for (const login of logins) {
  const name = login.method === "appRole" && !(login.secretId instanceof Secret) ? "appRole by a file" : login.method;
  test(`${name}: one login for however many ask, and another when Vault forgets the token`, async () => {
    const replica = await aVaultReplica({ settings: { login } });
    await Promise.all(Array.from({ length: 50 }, () => replica.token()));
    assert.equal(loginsAt(replica), 1);
    const before = usedToken(replica);
    replica.vault.revokeAll();
    await replica.wind(2 * second);
    for (const jwt of await Promise.all(Array.from({ length: 50 }, () => replica.token()))) {
      assert.ok(await replica.signer.verify(jwt));
    }
    assert.equal(loginsAt(replica), 2);
    assert.notEqual(usedToken(replica), before);
    await replica.stop();
  });
}

test("fifty signatures that meet a forgotten token at once share one login, and none is lost", async () => {
  const login = logins[0];
  const replica = await aVaultReplica({ settings: login === undefined ? {} : { login }, fake: { latency: 3 } });
  await replica.token();
  await replica.clock.advance(2 * second, 2);
  replica.vault.revokeAll();
  const spread = Array.from({ length: 50 }, async (_, at) => {
    await new Promise((resolve) => setTimeout(resolve, at % 7));
    return replica.token();
  });
  assert.equal((await Promise.all(spread)).length, 50);
  assert.equal(loginsAt(replica), 2);
  await replica.stop();
});

test("a policy that refuses every token does not turn signatures into logins", async () => {
  const [login] = logins;
  const replica = await aVaultReplica({ settings: login === undefined ? {} : { login } });
  await replica.token();
  replica.vault.forbidden.add("transit/sign/dex");
  await replica.clock.advance(2 * second, 2);
  for (let at = 0; at < 30; at++) await assert.rejects(replica.token(), UnavailableError);
  assert.equal(loginsAt(replica), 2);
  await replica.stop();
});

test("a login that Vault refuses says so, and works once the role is there", async () => {
  const login: VaultLogin = { method: "kubernetes", mount: "kubernetes", role: "dex", tokenFile: join(folder, "jwt") };
  const replica = await aVaultReplica({
    settings: { login },
    prepare: (vault) => {
      vault.roles.kubernetes.jwt = "another";
    },
  });
  await assert.rejects(replica.signer.current(), /vault login: POST auth\/kubernetes\/login: 403 permission denied/);
  replica.vault.roles.kubernetes.jwt = "the pod's token";
  await replica.wind(3 * second);
  assert.ok(await replica.token());
  await replica.stop();
});

test("after two thirds of its life a token is renewed, and near its longest life replaced, without a failure", async () => {
  const clock = handClock();
  const vault = await lives(60, 150, clock);
  const [login] = logins;
  const replica = await aVaultReplica({ vault, clock, ...(login && { settings: { login } }) });
  await replica.token();
  const first = usedToken(replica);
  await replica.wind(39 * second);
  assert.equal(vault.count("auth/token/renew-self"), 0);
  await replica.wind(2 * second);
  assert.equal(vault.count("auth/token/renew-self"), 1);
  for (let at = 0; at < 12; at++) {
    await replica.wind(20 * second);
    assert.ok(await replica.token());
  }
  assert.notEqual(usedToken(replica), first);
  assert.ok(loginsAt(replica) >= 2 && loginsAt(replica) <= 4, `${loginsAt(replica)} logins in five minutes`);
  await replica.stop();
  await vault.close();
});

test("a token of the configuration is renewed as long as Vault lets it, and goes on being used", async () => {
  const clock = handClock();
  const vault = await lives(60, 3_600, clock);
  const token = vault.issue(60);
  const own = await aVaultReplica({
    vault,
    clock,
    settings: { login: { method: "token", token: new Secret(token) } },
  });
  for (let at = 0; at < 5; at++) {
    await own.wind(minute / 2);
    assert.ok(await own.token());
  }
  assert.ok(vault.count("auth/token/renew-self") >= 2);
  await own.stop();
  await vault.close();
});

test("a token file that somebody writes anew is read anew: by itself, and when its token is refused", async () => {
  const vault = await startFakeVault();
  const file = fileOf("sink", vault.issue());
  const replica = await aVaultReplica({ vault, settings: { login: { method: "tokenFile", file } } });
  await replica.token();
  const next = vault.issue();
  writeFileSync(file, next);
  await replica.wind(11 * second);
  await replica.token();
  assert.equal(usedToken(replica), next);
  vault.revokeAll();
  const last = vault.issue();
  writeFileSync(file, last);
  await replica.token();
  assert.equal(usedToken(replica), last);
  await replica.stop();
  await vault.close();
});

test("a file that is not there is named", async () => {
  const file = join(folder, "nowhere");
  const replica = await aVaultReplica({ settings: { login: { method: "tokenFile", file } } });
  await assert.rejects(replica.signer.current(), (error: Error) => error.message.includes(`${file} cannot be read`));
  await replica.stop();
});
