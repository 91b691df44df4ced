/** `/userinfo`. OIDC Core §5.3, RFC 6750. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { SignJWT } from "jose";
import { z } from "zod";
import { signIn, userinfo } from "./relying-party.ts";
import { startServerUnderTest } from "./server-under-test.ts";
import type { Answer, Ask } from "./user-agent.ts";

const server = await startServerUnderTest();
const stranger = await startServerUnderTest();
after(() => Promise.all([server.close(), stranger.close()]));
const agent = server.newAgent();
const tokens = await signIn(agent);
const ask = (more: Ask): Promise<Answer> => agent.ask("/userinfo", more);
const withHeader = (authorization: string): Ask => ({ headers: { authorization } });

/** RFC 6750 §3: 401, a Bearer challenge, and an error code in it only where a token came. */
function assertUnauthorized(answer: Answer, error: "invalid_token" | undefined): void {
  assert.equal(answer.status, 401, answer.body);
  const challenge = answer.headers["www-authenticate"] ?? "";
  assert.match(challenge, /^Bearer realm="[^"]*"/);
  assert.equal(/error="([^"]*)"/.exec(challenge)?.[1], error);
  assert.equal(answer.headers["content-type"], "application/json");
  assert.equal(answer.headers["cache-control"], "no-store");
  const { error_description } = z.looseObject({ error_description: z.string() }).parse(JSON.parse(answer.body));
  assert.equal(error_description, "Invalid bearer token.");
}

describe("userinfo", () => {
  it("answers with the claims of the token, kept by nobody", async () => {
    const { status, headers, body } = await userinfo(agent, tokens.access_token);
    assert.equal(status, 200);
    assert.equal(headers["content-type"], "application/json");
    assert.equal(headers["cache-control"], "no-store");
    const [, payload = ""] = tokens.access_token.split(".");
    assert.equal(body, Buffer.from(payload, "base64url").toString());
    const claims = z.looseObject({ sub: z.string(), email: z.string() }).parse(JSON.parse(body));
    assert.equal(claims.sub, "Cg0wLTM4NS0yODA4OS0wEgRtb2Nr");
    assert.equal(claims.email, "kilgore@kilgore.trout");
  });

  it("takes the token by GET, by POST, in any case of the scheme, and from a form: RFC 6750 §2.1, §2.2", async () => {
    for (const more of [
      withHeader(`bearer ${tokens.access_token}`),
      withHeader(`BEARER ${tokens.access_token}`),
      { ...withHeader(`Bearer ${tokens.access_token}`), method: "POST" },
      { method: "POST", form: { access_token: tokens.access_token } },
    ]) {
      assert.equal((await ask(more)).status, 200);
    }
  });

  for (const [what, more] of [
    ["no token", {}],
    ["an empty header", withHeader("")],
    ["a scheme alone", withHeader("Bearer")],
    ["another scheme", withHeader(`Basic ${tokens.access_token}`)],
    ["a token without scheme", withHeader(tokens.access_token)],
    ["a token in the query: RFC 9700 §4.3.2", {}],
  ] as const) {
    it(`challenges ${what}, without an error code: RFC 6750 §3.1`, async () => {
      const target = what.includes("query") ? `/userinfo?access_token=${tokens.access_token}` : "/userinfo";
      assertUnauthorized(await agent.ask(target, more), undefined);
    });
  }

  const [header = "", payload = "", signature = ""] = tokens.access_token.split(".");
  const changed = (claims: object): string => Buffer.from(JSON.stringify(claims)).toString("base64url");
  const claims = z
    .looseObject({ sub: z.string(), exp: z.number() })
    .parse(JSON.parse(Buffer.from(payload, "base64url").toString()));
  for (const [what, token] of [
    ["no JWT", "x"],
    ["a refresh token", tokens.refresh_token ?? ""],
    ["no signature", `${header}.${payload}.`],
    ["half a signature", `${header}.${payload}.${signature.slice(0, 100)}`],
    ["another person in the payload", `${header}.${changed({ ...claims, sub: "x" })}.${signature}`],
    ["a longer life in the payload", `${header}.${changed({ ...claims, exp: claims.exp + 1 })}.${signature}`],
    ["alg none", `${changed({ alg: "none" })}.${payload}.`],
    ["alg None and our kid", `${changed({ alg: "None", kid: "x" })}.${payload}.`],
    ["a fourth part", `${tokens.access_token}.x`],
    ["padding", `${tokens.access_token}=`],
  ] as const) {
    it(`refuses a token with ${what}`, async () => assertUnauthorized(await userinfo(agent, token), "invalid_token"));
  }

  it("refuses a token that a stranger signed, under our kid as well, and with our public key as a secret", async () => {
    assertUnauthorized(await userinfo(agent, (await signIn(stranger.newAgent())).access_token), "invalid_token");
    const { kid } = z.looseObject({ kid: z.string() }).parse(JSON.parse(Buffer.from(header, "base64url").toString()));
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const forged = await new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid }).sign(privateKey);
    assertUnauthorized(await userinfo(agent, forged), "invalid_token");
    const { body } = await agent.get("/keys");
    const confused = await new SignJWT(claims).setProtectedHeader({ alg: "HS256", kid }).sign(Buffer.from(body));
    assertUnauthorized(await userinfo(agent, confused), "invalid_token");
  });

  it("refuses a token at the second in which it expires, and not before", async () => {
    const { access_token } = await signIn(agent);
    await server.clock.advance(24 * 3_600_000 - 1);
    assert.equal((await userinfo(agent, access_token)).status, 200);
    await server.clock.advance(1);
    assertUnauthorized(await userinfo(agent, access_token), "invalid_token");
  });

  it("refuses a token of the same keys under another issuer's name", async () => {
    const folder = mkdtempSync(join(tmpdir(), "dex-userinfo-"));
    const storage = { type: "sqlite3", config: { file: join(folder, "dex.db") } };
    const before = await startServerUnderTest({ storage });
    const { access_token } = await signIn(before.newAgent());
    await before.close();
    const renamed = await startServerUnderTest({ storage, issuer: "http://127.0.0.1:5556/other" }, before);
    assertUnauthorized(await userinfo(renamed.newAgent(), access_token), "invalid_token");
    await renamed.close();
    const back = await startServerUnderTest({ storage }, before);
    assert.equal((await userinfo(back.newAgent(), access_token)).status, 200);
    await back.close();
    rmSync(folder, { recursive: true });
  });
});
