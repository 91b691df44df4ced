/** What the device flow leaves in the database, and what a Dex left there before. RFC 8628 §5.2. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, it } from "node:test";
import { z } from "zod";
import { askToken, assertRefused, tokensOf, unescapeHtml } from "./relying-party.ts";
import { startServerUnderTest } from "./server-under-test.ts";
import type { UserAgent } from "./user-agent.ts";

const folder = mkdtempSync(join(tmpdir(), "dex-device-"));
const database = join(folder, "dex.db");
const cli = { id: "cli", redirectUri: "/device/callback" };
const server = await startServerUnderTest({
  storage: { type: "sqlite3", config: { file: database } },
  staticClients: [
    { id: "cli", name: "The CLI", public: true },
    { id: "other", name: "Other", public: true },
    { id: "tv", name: "The TV", secret: "tv-secret", redirectURIs: ["/dex/device/callback"] },
  ],
});
after(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});
const agent = server.newAgent();
const grant_type = "urn:ietf:params:oauth:grant-type:device_code";
const now = new Date(server.clock.now()).toISOString();
const expiry = new Date(server.clock.now() + 300_000).toISOString();

/** Runs `sql` as Dex would have before it stopped. */
function asDex(sql: string, ...values: readonly (string | number)[]): void {
  const db = new DatabaseSync(database, { timeout: 10_000 });
  db.prepare(sql).run(...values);
  db.close();
}

const dexRequest = (userCode: string, deviceCode: string, clientId: string, secret: string): void =>
  asDex(
    "INSERT INTO device_request (user_code, device_code, client_id, client_secret, scopes, expiry) VALUES (?, ?, ?, ?, ?, ?)",
    ...[userCode, deviceCode, clientId, secret, '["openid"]', expiry],
  );
const dexToken = (deviceCode: string, status: string, token: string): void =>
  asDex(
    "INSERT INTO device_token (device_code, status, token, expiry, last_request, poll_interval, code_challenge, code_challenge_method) VALUES (?, ?, ?, ?, ?, ?, '', '')",
    ...[deviceCode, status, token, expiry, now, 0],
  );

async function approve(person: UserAgent, user_code: string): Promise<number> {
  const { body } = await person.post("/device/auth/verify_code", { user_code });
  const confirm = unescapeHtml(/name="confirm" value="([^"]*)"/.exec(body)?.[1] ?? assert.fail(body));
  const agreed = await person.post("/device/auth/verify_code", { user_code, confirm, approval: "approve" });
  return (await person.follow(agreed)).status;
}

it("nothing in it is worth anything to who reads it, at no step", async () => {
  const read = (): string =>
    ["", "-wal"].map((suffix) => readFileSync(database + suffix).toString("latin1")).join("\n");
  const begun = await agent.post("/device/code", { client_id: "cli", scope: "openid offline_access" });
  const { device_code, user_code } = z
    .looseObject({ device_code: z.string(), user_code: z.string() })
    .parse(JSON.parse(begun.body));
  assert.equal(read().includes(device_code), false);
  assert.equal(await approve(server.newAgent(), user_code), 200);
  assert.equal(read().includes(device_code), false);
  assert.doesNotMatch(read(), /eyJ[A-Za-z0-9_-]{20,}\.eyJ/);
  const tokens = tokensOf(await askToken(agent, { grant_type, device_code }, cli));
  assert.equal(read().includes(tokens.refresh_token ?? assert.fail()), false);
  const db = new DatabaseSync(database, { readOnly: true });
  for (const table of ["device_request", "device_token"]) {
    assert.equal(db.prepare(`SELECT count(*) AS rows FROM ${table}`).get()?.rows, 0, table);
  }
  // What a spent code leaves names nobody.
  const left = db
    .prepare("SELECT client_id, scopes, claims_user_id, claims_email, connector_data FROM auth_code")
    .all();
  assert.deepEqual(
    left.map((row) => Object.values(row).map((cell) => (cell === null ? "" : Buffer.from(cell as string).toString()))),
    [["", "null", "", "", ""]],
  );
  db.close();
});

it("a device that Dex left waiting is logged in here", async () => {
  const deviceCode = "d".repeat(51);
  dexRequest("DDDD-DDDD", deviceCode, "cli", "");
  dexToken(deviceCode, "authorization_pending", "");
  assertRefused(await askToken(agent, { grant_type, device_code: deviceCode }, cli), "authorization_pending", "");
  assert.equal(await approve(server.newAgent(), "DDDD-DDDD"), 200);
  const other = { ...cli, id: "other" };
  assertRefused(await askToken(agent, { grant_type, device_code: deviceCode }, other), "invalid_grant");
  tokensOf(await askToken(agent, { grant_type, device_code: deviceCode }, cli));
});

it("a secret that Dex took unseen is checked before the approval", async () => {
  for (const [letter, secret, status] of [
    ["F", "wrong", 401],
    ["G", "tv-secret", 200],
  ] as const) {
    const deviceCode = letter.toLowerCase().repeat(51);
    dexRequest(`${letter.repeat(4)}-${letter.repeat(4)}`, deviceCode, "tv", secret);
    dexToken(deviceCode, "authorization_pending", "");
    assert.equal(await approve(server.newAgent(), letter.repeat(8)), status);
  }
});

it("tokens that Dex had finished are handed to their client, once", async () => {
  const deviceCode = "h".repeat(51);
  const payload = Buffer.from(JSON.stringify({ aud: "cli" })).toString("base64url");
  const finished = { access_token: `x.${payload}.x`, token_type: "bearer", expires_in: 86_399, id_token: "i" };
  dexToken(deviceCode, "complete", JSON.stringify(finished, undefined, 2));
  const ask = { grant_type, device_code: deviceCode };
  assertRefused(await askToken(agent, ask, { ...cli, id: "other" }), "invalid_grant", "Invalid Device code.");
  assert.deepEqual(tokensOf(await askToken(agent, ask, cli)), finished);
  assertRefused(await askToken(agent, ask, cli), "invalid_grant", "Invalid Device code.");
});

it("tokens that Dex had finished are not handed out for somebody who is locked out since", async () => {
  asDex(
    "INSERT INTO user_identity (user_id, connector_id, claims_user_id, claims_username, claims_preferred_username, claims_email, claims_email_verified, claims_groups, consents, created_at, last_login, blocked_until) VALUES ('u1', 'mock', 'u1', 'u', 'u', 'u@example.com', 1, '[]', '{}', ?, ?, ?)",
    ...[now, now, "2099-01-01 00:00:00+00:00"],
  );
  const finishedFor = (sub: string): string => {
    const payload = Buffer.from(JSON.stringify({ aud: "cli", sub })).toString("base64url");
    return JSON.stringify({ access_token: `x.${payload}.x`, token_type: "bearer", expires_in: 86_399, id_token: "i" });
  };
  const [locked, other] = ["i".repeat(51), "j".repeat(51)];
  dexToken(locked, "complete", finishedFor("CgJ1MRIEbW9jaw"));
  dexToken(other, "complete", finishedFor("CgJ1MhIEbW9jaw"));
  const poll = (device_code: string) => askToken(agent, { grant_type, device_code }, cli);
  assertRefused(await poll(locked), "invalid_grant", "Invalid Device code.");
  assert.equal((await poll(other)).status, 200);
});
