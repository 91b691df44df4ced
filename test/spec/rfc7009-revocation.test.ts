/** Giving tokens back. RFC 7009. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import {
  app,
  assertRefused,
  type Params,
  refresh,
  refreshTokenOf,
  signIn,
  tokensOf,
  userinfo,
} from "./relying-party.ts";
import { appClient, startServerUnderTest } from "./server-under-test.ts";
import type { Answer, UserAgent } from "./user-agent.ts";

const folder = mkdtempSync(join(tmpdir(), "dex-revocation-"));
const redirectURIs = [app.redirectUri];
const file = {
  storage: { type: "sqlite3", config: { file: join(folder, "dex.db") } },
  staticClients: [
    appClient,
    { id: "other", name: "Other", secret: "other-secret", redirectURIs },
    { id: "open", name: "Public", public: true, redirectURIs },
  ],
};
const server = await startServerUnderTest(file);
/** A second process on the same database. */
const replica = await startServerUnderTest(file, server);
after(async () => {
  await Promise.all([server.close(), replica.close()]);
  rmSync(folder, { recursive: true });
});
const agent = server.newAgent();
const owner = { client_id: "app", client_secret: "app-secret" };
const dead = ["invalid_grant", "Refresh token is invalid or has already been claimed by another client."] as const;

const revoke = (token: string | undefined, more: Params = owner, who: UserAgent = agent): Promise<Answer> =>
  who.ask("/token/revoke", {
    method: "POST",
    form: Object.entries({ token, ...more }).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    ),
  });

function assertRevoked({ status, body, headers }: Answer): void {
  assert.deepEqual([status, body], [200, ""]);
  assert.equal(headers["cache-control"], "no-store");
}

const introspect = async (token: string, who: UserAgent = agent): Promise<boolean> =>
  JSON.parse((await who.post("/token/introspect", { token, ...owner })).body).active;

describe("a refresh token that is revoked", () => {
  it("ends, with every token that it and its forerunners issued", async () => {
    const first = await signIn(agent);
    const second = tokensOf(await refresh(agent, first.refresh_token ?? ""));
    assertRevoked(await revoke(second.refresh_token));
    assertRefused(await refresh(agent, second.refresh_token ?? ""), ...dead);
    for (const { access_token, id_token = "" } of [first, second]) {
      for (const token of [access_token, id_token]) {
        assert.equal((await userinfo(agent, token)).status, 401);
        assert.equal(await introspect(token), false);
      }
    }
    assert.equal(await introspect(second.refresh_token ?? ""), false);
  });

  it("ends on every replica, and their answers from memory a second later", async () => {
    const elsewhere = replica.newAgent();
    const { access_token, refresh_token = "" } = await signIn(agent);
    assert.equal((await userinfo(elsewhere, access_token)).status, 200);
    assert.equal(await introspect(access_token, elsewhere), true);
    assertRevoked(await revoke(refresh_token));
    assertRefused(await refresh(elsewhere, refresh_token), ...dead);
    await server.clock.advance(1_000);
    assert.equal((await userinfo(elsewhere, access_token)).status, 401);
    assert.equal(await introspect(access_token, elsewhere), false);
  });

  it("may be an old one of its family: who still has it has kept what it should not", async () => {
    const first = (await signIn(agent)).refresh_token ?? "";
    const second = refreshTokenOf(await refresh(agent, first));
    assertRevoked(await revoke(first));
    assertRefused(await refresh(agent, second), ...dead);
  });

  it("ends nothing of another login", async () => {
    const [one, other] = [await signIn(agent), await signIn(agent)];
    assertRevoked(await revoke(one.refresh_token));
    assert.equal((await userinfo(agent, other.access_token)).status, 200);
    tokensOf(await refresh(agent, other.refresh_token ?? ""));
  });

  it("ends while it is being used, whoever comes first", async () => {
    const { refresh_token = "" } = await signIn(agent);
    const answers = await Promise.all([
      ...Array.from({ length: 8 }, () => refresh(agent, refresh_token)),
      revoke(refresh_token),
      revoke(refresh_token),
    ]);
    for (const answer of answers.slice(8)) assertRevoked(answer);
    for (const { status, body } of answers.slice(0, 8)) {
      if (status !== 200) continue;
      const { access_token, refresh_token: next = "" } = JSON.parse(body);
      assertRefused(await refresh(agent, next), ...dead);
      assert.equal((await userinfo(agent, access_token)).status, 401);
    }
  });
});

describe("an access token that is revoked", () => {
  it("ends alone", async () => {
    const { access_token, id_token = "", refresh_token = "" } = await signIn(agent);
    assertRevoked(await revoke(access_token, { ...owner, token_type_hint: "refresh_token" }));
    assert.equal((await userinfo(agent, access_token)).status, 401);
    assert.equal(await introspect(access_token), false);
    assert.equal((await userinfo(agent, id_token)).status, 200);
    tokensOf(await refresh(agent, refresh_token));
  });

  it("may be revoked once more", async () => {
    const { access_token } = await signIn(agent);
    assertRevoked(await revoke(access_token));
    assertRevoked(await revoke(access_token));
  });
});

describe("a public client", () => {
  it("gives back its own token by its name", async () => {
    const party = { id: "open", redirectUri: app.redirectUri };
    const { access_token, refresh_token = "" } = await signIn(agent, {}, party);
    assertRevoked(await revoke(access_token, { client_id: "open" }));
    assertRevoked(await revoke(refresh_token, { client_id: "open" }));
    assertRefused(await refresh(agent, refresh_token, {}, party), ...dead);
  });
});

describe("what is no token of ours", () => {
  for (const token of ["x", "a.b.c", "CgR0ZXN0EgNiYXI", "CgEAEgEA", "é".repeat(200)]) {
    it(`is as revoked as it can be: RFC 7009 §2.2, ${token.slice(0, 20)}`, async () => {
      assertRevoked(await revoke(token));
    });
  }

  it("is a guess at the secret of a family that exists", async () => {
    const { refresh_token = "" } = await signIn(agent);
    const bytes = Buffer.from(refresh_token, "base64url");
    bytes[bytes.length - 1] = bytes.at(-1) === 0x41 ? 0x42 : 0x41;
    assertRevoked(await revoke(bytes.toString("base64url")));
    tokensOf(await refresh(agent, refresh_token));
  });
});

describe("it is refused", () => {
  it("to another client, which is told: RFC 7009 §2.1", async () => {
    const { access_token, refresh_token = "" } = await signIn(agent);
    const other = { client_id: "other", client_secret: "other-secret" };
    for (const token of [access_token, refresh_token]) {
      assertRefused(await revoke(token, other), "invalid_grant", "The token was issued to another client.");
    }
    assert.equal((await userinfo(agent, access_token)).status, 200);
    tokensOf(await refresh(agent, refresh_token));
  });

  it("to a client that does not prove itself, before the token is looked at", async () => {
    const { access_token } = await signIn(agent);
    for (const more of [{}, { client_id: "app" }, { client_id: "app", client_secret: "wrong" }]) {
      assertRefused(await revoke(access_token, more), "invalid_client", undefined, 401);
    }
    assert.equal((await userinfo(agent, access_token)).status, 200);
  });

  it("without a token, twice a token, or by GET", async () => {
    assertRefused(await revoke(undefined), "invalid_request", "Required param: token.");
    assertRefused(await agent.get("/token/revoke?token=x"), "invalid_request");
    const body = `token=a&token=b&${new URLSearchParams(owner)}`;
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    assertRefused(await agent.ask("/token/revoke", { method: "POST", body, headers }), "invalid_request");
  });
});
