import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { asData, clear, connectorDeps } from "../../../test/fake/connector-deps.ts";
import { type FakeOAuth2Options, startFakeOAuth2 } from "../../../test/fake/oauth2.ts";
import { BadAnswerError, UnavailableError } from "../../kernel/errors.ts";
import { Secret } from "../../kernel/secret.ts";
import { challengeOf } from "../../oauth/pkce.ts";
import { authorizationUrl, newVerifier, redirectFor } from "./authorization-url.ts";
import { readCallback } from "./read-callback.ts";
import { isGood, readStoredTokens, writeStoredTokens } from "./stored-tokens.ts";
import { type ClientAuthentication, createTokenClient, TokenRefusal } from "./token-client.ts";

const { signal } = new AbortController();
const redirectUri = "https://dex.test/callback";

async function setup(
  t: TestContext,
  options: FakeOAuth2Options = {},
  authentication: Partial<ClientAuthentication> = {},
) {
  const fake = await startFakeOAuth2(options);
  const deps = connectorDeps();
  t.after(() => {
    deps.close();
    return fake.close();
  });
  const client = createTokenClient({
    fetch: deps.openFetch({ deadline: 2_000 }),
    tokenUrl: `${fake.url}/token`,
    clientId: fake.clientId,
    authentication: {
      kind: "secret",
      secret: new Secret(fake.clientSecret),
      ...authentication,
    } as ClientAuthentication,
    clock: deps.clock,
    what: "fake",
  });
  async function newCode(): Promise<{ code: string; redirectUri: string; verifier: string }> {
    const verifier = newVerifier(deps.random);
    const params = {
      response_type: "code",
      client_id: fake.clientId,
      redirect_uri: redirectUri,
      state: "s",
      code_challenge: challengeOf(verifier, "S256"),
      code_challenge_method: "S256",
    };
    const outcome = readCallback({ url: await fake.authorize(authorizationUrl(`${fake.url}/authorize`, params)) });
    assert.ok(outcome.ok);
    return { code: outcome.code, redirectUri, verifier };
  }
  const posted = () => fake.heard.filter(({ path }) => path === "/token");
  return { fake, client, newCode, posted };
}

test("redeems a code, in every way that tokens are written", async (t) => {
  for (const answers of ["json", "form", "json-text-lifetime"] as const) {
    const { client, newCode } = await setup(t, { answers, lifetime: 600 });
    const before = Date.now();
    const tokens = await client.exchangeCode(await newCode(), signal);
    assert.equal(tokens.tokenType, "Bearer");
    assert.ok(tokens.accessToken.reveal().length > 10 && tokens.refreshToken !== undefined);
    assert.ok(Math.abs((tokens.expiresAt ?? 0) - before - 600_000) < 60_000, answers);
  }
});

test("puts the secret into the header first and into the body next, and remembers what worked", async (t) => {
  const { client, newCode, posted } = await setup(t, { secretIn: "body", clientId: "a:b c", clientSecret: "p%+ä*~" });
  // This server burns the code with the failed attempt: that login is lost, as it is with Dex.
  await assert.rejects(client.exchangeCode(await newCode(), signal), TokenRefusal);
  const [header, body] = posted();
  assert.equal(
    Buffer.from(header?.headers.authorization?.slice(6) ?? "", "base64").toString(),
    "a%3Ab+c:p%25%2B%C3%A4%2A~",
  );
  assert.equal(body?.form.get("client_secret"), "p%+ä*~");
  const known = await setup(t, { secretIn: "body" }, { first: "body" });
  await known.client.exchangeCode(await known.newCode(), signal);
  await known.client.exchangeCode(await known.newCode(), signal);
  assert.equal(known.posted().length, 2);
});

test("a server that wants the header is asked once", async (t) => {
  const { client, newCode, posted } = await setup(t, { secretIn: "header" });
  await client.exchangeCode(await newCode(), signal);
  assert.equal(posted().length, 1);
  assert.equal(posted()[0]?.headers["content-type"], "application/x-www-form-urlencoded");
});

test("the two ways of a secret are tried for a refresh too", async (t) => {
  const fresh = await setup(t, { secretIn: "body" });
  const known = await setup(t, {}, { first: "body" });
  await assert.rejects(fresh.client.refresh(new Secret("none"), signal), /invalid_client/);
  assert.equal(fresh.posted().length, 2);
  await assert.rejects(known.client.refresh(new Secret("none"), signal), /invalid_grant/);
  assert.equal(known.posted().length, 1, "who knows us and refuses the grant is not asked again");
});

test("refreshes, keeps the old refresh token where there is no new one, and tells a dead one", async (t) => {
  const { client, newCode, fake } = await setup(t);
  const tokens = await client.exchangeCode(await newCode(), signal);
  const second = await client.refresh(tokens.refreshToken ?? assert.fail(), signal);
  assert.notEqual(second.refreshToken?.reveal(), tokens.refreshToken?.reveal());
  fake.next("/token", { body: '{"access_token":"a"}' });
  const third = await client.refresh(second.refreshToken ?? assert.fail(), signal);
  assert.equal(third.refreshToken, second.refreshToken);
  assert.equal(third.expiresAt, undefined);
  fake.revoke("jane");
  await assert.rejects(
    client.refresh(second.refreshToken ?? assert.fail(), signal),
    (error: unknown) => error instanceof TokenRefusal && error.code === "invalid_grant" && error.status === 400,
  );
});

test("an answer that is no answer is told apart from a server that is away", async (t) => {
  const { client, newCode, fake } = await setup(t);
  const table: readonly (readonly [
    spoil: Parameters<typeof fake.next>[1],
    type: abstract new (...args: never) => Error,
    pattern: RegExp,
  ])[] = [
    [
      { status: 200, body: '{"error":"bad_verification_code","error_description":"old\\u0007"}' },
      TokenRefusal,
      /"bad_verification_code" "old\\a"/,
    ],
    [{ status: 200, body: "{}" }, BadAnswerError, /access_token/],
    [{ status: 200, body: "<html>" }, BadAnswerError, /cannot be read/],
    [{ status: 200, body: '{"access_token":"a","expires_in":"soon"}' }, BadAnswerError, /expires_in/],
    [{ status: 200, body: '{"access_token":["a"]}' }, BadAnswerError, /access_token/],
    [{ status: 503, body: "" }, UnavailableError, /status 503/],
    [{ status: 404, body: "hunter2" }, TokenRefusal, /status 404/],
    [{ cut: true }, UnavailableError, /./],
    [{ hang: true }, UnavailableError, /no answer within 2 s/],
    [{ status: 307, headers: { location: "/token" } }, BadAnswerError, /redirected/],
  ];
  for (const [spoil, type, pattern] of table) {
    const code = await newCode();
    fake.always("/token", spoil);
    await assert.rejects(client.exchangeCode(code, signal), (error: Error) => {
      assert.ok(error instanceof type && pattern.test(error.message), `${error.name} ${error.message}`);
      assert.doesNotMatch(error.message, /hunter2|dex-secret/);
      return true;
    });
    fake.always("/token", undefined);
  }
});

test("proves who we are with an assertion instead of a secret", async (t) => {
  const { client, posted } = await setup(t, {}, { kind: "assertion", make: async () => new Secret("a.b.c") });
  await assert.rejects(client.refresh(new Secret("r"), signal), TokenRefusal);
  assert.equal(posted().length, 1);
  const { form, headers } = posted()[0] ?? assert.fail();
  assert.equal(headers.authorization, undefined);
  assert.equal(form.get("client_assertion_type"), "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
  assert.deepEqual([form.get("client_assertion"), form.get("client_id")], ["a.b.c", "dex"]);
});

test("parameters of the authorization address are sorted and join what is there", () => {
  const params = { state: "s", client_id: "c", scope: "a b", redirect_uri: undefined };
  assert.equal(authorizationUrl("https://x/a", params).href, "https://x/a?client_id=c&scope=a+b&state=s");
  assert.equal(
    authorizationUrl("https://x/a?p=q%20r", params).href,
    "https://x/a?p=q%20r&client_id=c&scope=a+b&state=s",
  );
});

test("the way back is our callback, shared or the connector's own", () => {
  const callback = new URL("https://dex.test/dex/callback");
  assert.equal(redirectFor(callback.href, callback, "a b"), callback.href);
  assert.equal(redirectFor(`${callback.href}/a%20b`, callback, "a b"), `${callback.href}/a%20b`);
  for (const other of ["", `${callback.href}/`, `${callback.href}/other`, "https://evil.test/callback"])
    assert.throws(() => redirectFor(other, callback, "a b"), /did not match the URL in the config/);
});

const back = (query: string) => ({ url: new URL(`https://dex.test/callback?${query}`) });

test("an error in the callback wins over a code, and what nobody did wrong is no error", () => {
  for (const error of ["access_denied", "login_required", "consent_required"])
    assert.deepEqual(readCallback(back(`error=${error}&code=c`)), { ok: false, reason: "cancelled" });
  assert.throws(
    () => readCallback(back("error=server_error&error_description=a%0Ab&code=c")),
    /^Error: server_error: a\\nb$/,
  );
  assert.throws(() => readCallback(back("code=")), /without a code/);
});

test("a code of another issuer is not taken", () => {
  const expected = { issuers: ["https://up.test"], isAlwaysNamed: true };
  assert.deepEqual(readCallback(back("code=c&iss=https%3A%2F%2Fup.test"), expected), { ok: true, code: "c" });
  assert.throws(() => readCallback(back("code=c"), expected), /does not name its issuer/);
  assert.deepEqual(readCallback(back("code=c"), { ...expected, isAlwaysNamed: false }), { ok: true, code: "c" });
  for (const named of ["https://up.test/", "https://evil.test", ""])
    assert.throws(() => readCallback(back(`error=access_denied&iss=${named}`), expected), /another issuer/, named);
});

test("stored tokens are Dex's, read in any spelling", () => {
  const data = writeStoredTokens({
    accessToken: new Secret("a"),
    refreshToken: new Secret("r"),
    expiresAt: 1_767_225_600_000,
  });
  assert.equal(clear(data), '{"accessToken":"a","refreshToken":"r","expiry":"2026-01-01T00:00:00.000Z"}');
  assert.equal(
    clear(writeStoredTokens({ accessToken: new Secret("a") })),
    '{"accessToken":"a","expiry":"0001-01-01T00:00:00Z"}',
  );
  const read = (text: string) => {
    const { accessToken, refreshToken, expiresAt } = readStoredTokens(asData(text));
    return [accessToken.reveal(), refreshToken?.reveal(), expiresAt];
  };
  assert.deepEqual(read(clear(data)), ["a", "r", 1_767_225_600_000]);
  assert.deepEqual(read('{"AccessToken":"a","REFRESHTOKEN":null,"expiry":"2026-01-01T02:00:00.123456789+02:00"}'), [
    "a",
    undefined,
    1_767_225_600_123,
  ]);
  assert.deepEqual(read('{"accessToken":"a","expiry":"0001-01-01T00:00:00Z"}'), ["a", undefined, undefined]);
  for (const broken of ["", "[]", "null", '"hunter2"', '{"accessToken":1}'])
    assert.throws(
      () => readStoredTokens(asData(broken)),
      (error: Error) => !error.message.includes("hunter2"),
    );
});

test("an access token is used until ten seconds before its end", () => {
  const clock = (now: number) => ({ now: () => now, sleep: async () => undefined });
  const tokens = { accessToken: new Secret("a"), expiresAt: 1_767_225_600_000 };
  assert.equal(isGood(tokens, clock(tokens.expiresAt - 10_001)), true);
  assert.equal(isGood(tokens, clock(tokens.expiresAt - 10_000)), false);
  assert.equal(isGood({ accessToken: new Secret("a") }, clock(tokens.expiresAt)), true);
  assert.equal(isGood({ ...tokens, accessToken: new Secret("") }, clock(0)), false);
});
