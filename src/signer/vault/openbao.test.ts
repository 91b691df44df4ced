/** The signer on a real OpenBao: every way to log in, rotations, namespaces, TLS. What clients see is in test/outage and test/spec. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import { makeTestTls, tlsPrograms } from "../../../test/fake/certificates.ts";
import { startTokenReviewer } from "../../../test/fake/token-reviewer.ts";
import { type BaoPeer, policyOf, startOpenbao, withoutOpenbao } from "../../../test/peer/openbao.ts";
import { missing } from "../../../test/peer/peer.ts";
import { UnavailableError } from "../../kernel/errors.ts";
import { millis } from "../../kernel/ports.ts";
import { Secret } from "../../kernel/secret.ts";
import { systemClock } from "../../kernel/system.ts";
import { createUpstreams } from "../../kernel/upstream-fetch.ts";
import { encodeJwt } from "../../token/jws.ts";
import { keptLog } from "../local/testing/kept-log.ts";
import type { VaultLogin, VaultSettings } from "./settings.ts";
import { noTls } from "./testing/a-vault-signer.ts";
import { openVaultSigner } from "./vault-signer.ts";

const folder = mkdtempSync(join(tmpdir(), "dex-openbao-"));
after(() => rmSync(folder, { recursive: true }));
function fileOf(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, `${text}\n`);
  return file;
}

/** A signer on the clock that OpenBao has, too. A key set is cached for no time at all, so the lead of a version is the slack of 15 s. */
async function aSigner(t: TestContext, bao: Pick<BaoPeer, "url">, settings: Partial<VaultSettings>) {
  const end = new AbortController();
  const log = keptLog();
  const signer = await openVaultSigner({
    ...{ address: new URL(bao.url), mount: "transit", keyName: "dex", timeout: millis(5_000), tls: noTls },
    login: { method: "token", token: new Secret("") },
    ...settings,
    ...{ clock: systemClock, logger: log, openFetch: createUpstreams({}), closing: end.signal },
    ...{ tokenLifetime: millis(60_000), jwksCache: millis(0) },
  });
  const ended = signer.run(end.signal);
  t.after(async () => {
    end.abort();
    await ended;
  });
  return {
    log,
    kids: async () => (await signer.publicKeys()).map(({ kid }) => kid),
    async sign() {
      const jwt = await encodeJwt(await signer.current(), "{}");
      assert.ok(await signer.verify(jwt));
      return jwt;
    },
  };
}

const away = (message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof UnavailableError, String(error));
  assert.match(error.message, message);
  return true;
};
const headerOf = (jwt: string): string => JSON.parse(Buffer.from(jwt.split(".")[0] ?? "", "base64url").toString()).kid;

/** Milliseconds until `isSo`. */
async function until(isSo: () => Promise<boolean>, limit: number): Promise<number> {
  const begun = performance.now();
  while (!(await isSo())) {
    assert.ok(performance.now() - begun < limit, `not within ${limit} ms`);
    await wait(20);
  }
  return performance.now() - begun;
}

describe("a real OpenBao", { skip: withoutOpenbao, timeout: 180_000 }, () => {
  let bao: BaoPeer;
  before(async () => {
    bao = await startOpenbao();
    await bao.must("POST", "transit/keys/dex", { body: { type: "ecdsa-p256" } });
    await bao.must("POST", "sys/policies/acl/dex", { body: { policy: policyOf("dex") } });
  });
  after(() => bao.stop());

  const dataOf = (body: unknown) => z.object({ data: z.record(z.string(), z.unknown()) }).parse(body).data;
  const revokeAll = (prefix: string) => bao.must("POST", `sys/leases/revoke-force/${prefix}`);

  async function appRole(ttl: number, maxTtl: number): Promise<VaultLogin> {
    if ((await bao.call("GET", "sys/auth/approle")).status !== 200)
      await bao.must("POST", "sys/auth/approle", { body: { type: "approle" } });
    const body = { token_policies: ["dex"], token_ttl: ttl, token_max_ttl: maxTtl };
    await bao.must("POST", "auth/approle/role/dex", { body });
    const roleId = String(dataOf(await bao.must("GET", "auth/approle/role/dex/role-id")).role_id);
    const secretId = String(dataOf(await bao.must("POST", "auth/approle/role/dex/secret-id")).secret_id);
    return { method: "appRole", mount: "approle", roleId, secretId: new Secret(secretId) };
  }

  test("a token file that an agent writes anew is read anew when the old token is refused", async (t) => {
    const first = await bao.issue("dex");
    const file = fileOf("token", first);
    const replica = await aSigner(t, bao, { login: { method: "tokenFile", file } });
    await replica.sign();
    fileOf("token", await bao.issue("dex"));
    // Whatever refuses us, we look for another token once a second.
    await wait(1_100);
    await bao.must("POST", "auth/token/revoke", { body: { token: first } });
    await replica.sign();
  });

  test("AppRole logs in, renews its token before it ends, and logs in anew near the end of its longest life", async (t) => {
    const replica = await aSigner(t, bao, { login: await appRole(3, 8) });
    const begun = performance.now();
    while (performance.now() - begun < 12_000) {
      await replica.sign();
      await wait(200);
    }
    const logins = replica.log.lines.filter(({ event }) => event === "logged in to vault").length;
    assert.ok(logins >= 2 && logins <= 4, `${logins} logins in four lives of a token`);
  });

  test("AppRole logs in anew when OpenBao has forgotten its token; a wrong secret is told", async (t) => {
    const login = await appRole(600, 3_600);
    const replica = await aSigner(t, bao, { login });
    await replica.sign();
    await revokeAll("auth/approle/login");
    await wait(1_100);
    await Promise.all(Array.from({ length: 50 }, () => replica.sign()));
    assert.ok(login.method === "appRole");
    const wrong = await aSigner(t, bao, { login: { ...login, secretId: new Secret("wrong") } });
    await assert.rejects(wrong.sign(), away(/vault login: POST auth\/approle\/login: 400 invalid/));
  });

  test("Kubernetes: the pod's token is reviewed, and a token of somebody else's is refused", {
    skip: missing(tlsPrograms),
  }, async (t) => {
    const reviewer = await startTokenReviewer();
    t.after(reviewer.close);
    await bao.must("POST", "sys/auth/kubernetes", { body: { type: "kubernetes" } });
    const config = {
      kubernetes_host: reviewer.url,
      kubernetes_ca_cert: reviewer.ca,
      token_reviewer_jwt: reviewer.ownToken,
    };
    await bao.must("POST", "auth/kubernetes/config", { body: { ...config, disable_local_ca_jwt: true } });
    const role = {
      bound_service_account_names: ["dex"],
      bound_service_account_namespaces: ["dex"],
      token_policies: ["dex"],
      token_ttl: 600,
      audience: "vault",
    };
    await bao.must("POST", "auth/kubernetes/role/dex", { body: role });
    const login = (name: string): VaultLogin => ({
      method: "kubernetes",
      mount: "kubernetes",
      role: "dex",
      tokenFile: fileOf(name, reviewer.tokenOf(name)),
    });
    const replica = await aSigner(t, bao, { login: login("dex") });
    await replica.sign();
    assert.equal(reviewer.reviews(), 1);
    const other = await aSigner(t, bao, { login: login("somebody") });
    await assert.rejects(other.sign(), away(/vault login: POST auth\/kubernetes\/login: 403/));
  });

  test("a policy that lacks a path, a key that is not there, and a refused token are named", async (t) => {
    await bao.must("POST", "sys/policies/acl/reader", {
      body: { policy: 'path "transit/keys/*" { capabilities = ["read"] }' },
    });
    const created = await bao.must("POST", "auth/token/create", { body: { policies: ["reader"] } });
    const token = new Secret(
      z.object({ auth: z.object({ client_token: z.string() }) }).parse(created).auth.client_token,
    );
    const reader = await aSigner(t, bao, { login: { method: "token", token } });
    await assert.rejects(
      reader.sign(),
      away(/403 .*permission denied.*\(the token needs update on transit\/sign\/dex\)/),
    );
    const nobody = await aSigner(t, bao, { keyName: "nobody", login: { method: "token", token } });
    await assert.rejects(nobody.sign(), away(/key "nobody" not found in vault/));
    const refused = await aSigner(t, bao, { login: { method: "token", token: new Secret("s.wrong") } });
    await assert.rejects(refused.sign(), away(/403 .*permission denied/));
  });

  test("a rotation is public within a second and signs once its lead is over; an archived version is gone within a second", async (t) => {
    await bao.must("POST", "transit/keys/turning", { body: { type: "ed25519" } });
    const replica = await aSigner(t, bao, {
      keyName: "turning",
      login: { method: "token", token: new Secret(await bao.issue("turning")) },
    });
    const [first] = await replica.kids();
    await replica.sign();
    await bao.must("POST", "transit/keys/turning/rotate");
    assert.ok((await until(async () => (await replica.kids()).length === 2, 3_000)) < 1_000);
    assert.equal(headerOf(await replica.sign()), first);
    assert.ok((await until(async () => headerOf(await replica.sign()) !== first, 20_000)) > 10_000);
    // After a break-in: no lead for the next one, and the ones before count for nothing.
    await bao.must("POST", "transit/keys/turning/rotate");
    await bao.must("POST", "transit/keys/turning/config", {
      body: { min_decryption_version: 3, min_encryption_version: 3 },
    });
    assert.ok((await until(async () => (await replica.kids()).length === 1, 3_000)) < 1_000);
    assert.notEqual(headerOf(await replica.sign()), first);
  });

  test("a namespace and a mount of the operator's choice", async (t) => {
    const inside = { namespace: "team-a" };
    await bao.must("POST", "sys/namespaces/team-a");
    await bao.must("POST", "sys/mounts/sign/here", { ...inside, body: { type: "transit" } });
    await bao.must("POST", "sign/here/keys/dex", { ...inside, body: { type: "ed25519" } });
    await bao.must("POST", "sys/policies/acl/dex", {
      ...inside,
      body: { policy: policyOf("dex").replaceAll("transit/", "sign/here/") },
    });
    const created = await bao.must("POST", "auth/token/create", { ...inside, body: { policies: ["dex"] } });
    const token = new Secret(
      z.object({ auth: z.object({ client_token: z.string() }) }).parse(created).auth.client_token,
    );
    const login: VaultLogin = { method: "token", token };
    await (await aSigner(t, bao, { ...inside, mount: "sign/here", login })).sign();
    await assert.rejects((await aSigner(t, bao, { mount: "sign/here", login })).sign(), away(/40[34]|not found/));
  });
});

describe("a real OpenBao over mutual TLS", { skip: withoutOpenbao || missing(tlsPrograms), timeout: 60_000 }, () => {
  test("trusts by authority and by name, shows a certificate, and takes anything where that is asked for", async (t) => {
    const tls = makeTestTls({ names: ["vault.example"] });
    t.after(tls.remove);
    const bao = await startOpenbao(tls);
    t.after(bao.stop);
    await bao.must("POST", "transit/keys/dex", { body: { type: "ecdsa-p256" } });
    const login: VaultLogin = { method: "token", token: new Secret(await bao.issue("dex")) };
    const shown = { clientCert: tls.clientCertFile, clientKey: tls.clientKeyFile };
    const signWith = async (change: Partial<VaultSettings["tls"]>): Promise<unknown> =>
      (await aSigner(t, bao, { login, tls: { ...noTls, ...change } })).sign();
    await signWith({ ...shown, caCert: tls.caFile });
    await signWith({ ...shown, caBytes: tls.ca, serverName: "vault.example" });
    await signWith({ ...shown, insecureSkipVerify: true });
    await assert.rejects(signWith({ ...shown, caCert: tls.caFile, serverName: "other.example" }), away(/altnames/));
    await assert.rejects(signWith(shown), away(/self-signed|unable to/));
    await assert.rejects(signWith({ caCert: tls.caFile }), away(/certificate required|socket|ECONNRESET|alert/i));
  });
});
