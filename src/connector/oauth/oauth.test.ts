/** Any OAuth 2.0 server: what Dex makes of its answers, and what a lying one achieves. RFC 6749 §4.1. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import fc from "fast-check";
import { aLogin, callbackUrl, clear, connectorDeps, signInThrough } from "../../../test/fake/connector-deps.ts";
import { type FakeOAuth2Options, startFakeOAuth2 } from "../../../test/fake/oauth2.ts";
import { BadAnswerError, UnavailableError } from "../../kernel/errors.ts";
import type { RedirectConnector } from "../contract.ts";
import { claimsIn } from "../shared/claims.ts";
import { oauthConfig } from "./config.ts";
import { goNumber } from "./go-number.ts";
import { readIdentity } from "./identity.ts";
import { oauth } from "./oauth.ts";

type Json = Readonly<Record<string, unknown>>;

/** The identity in an answer, as JSON text. */
const read = (answer: string, config: Json = {}, accessToken = "opaque", wantsGroups = true) =>
  readIdentity(claimsIn(answer) ?? assert.fail("no object"), accessToken, oauthConfig.parse(config), wantsGroups);

describe("numeric ids", () => {
  const table: readonly (readonly [json: string, id: string])[] = [
    ["0", "0"],
    ["1", "1"],
    ["1000", "1000"],
    ["999999", "999999"],
    ["1000000", "1e+06"],
    ["1234567", "1.234567e+06"],
    ["12345678", "1.2345678e+07"],
    ["123456789012", "1.23456789012e+11"],
    ["-0", "-0"],
    ["1.5e3", "1500"],
    ["1e2", "100"],
    ["123456.789", "123456.789"],
    ["1234567.5", "1.2345675e+06"],
    ["0.5", "0.5"],
    ["-3", "-3"],
    ["-12345678", "-1.2345678e+07"],
    ["0.0001", "0.0001"],
    ["0.00001", "1e-05"],
    ["1e300", "1e+300"],
    ["9007199254740991", "9.007199254740991e+15"],
  ];
  for (const [json, id] of table) {
    it(`${json} is ${id}`, () => assert.equal(read(`{"id":${json}}`).userId, id));
  }
  it("too large to be told apart are nobody's", () => {
    for (const json of ["9007199254740993", "9007199254740992", "123456789012345678901"])
      assert.throws(() => read(`{"id":${json}}`), /too large a number/);
  });
  it("are decimal where that is wanted, whatever their size", () => {
    for (const json of ["0", "12345678", "9007199254740993", "-9007199254740993"])
      assert.equal(read(`{"id":${json}}`, { userIDFormat: "decimal" }).userId, json);
  });
  it("print every number so that it can be read back", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) =>
        assert.equal(Number(goNumber(value)), value),
      ),
    );
  });
});

describe("an answer", () => {
  const keys = {
    userIDKey: "user_id_key",
    claimMapping: {
      userNameKey: "user_name_key",
      preferredUsernameKey: "pref",
      groupsKey: "groups_key",
      emailKey: "mail",
      emailVerifiedKey: "has_verified_email",
    },
  };

  it("is read by the keys that are configured", () => {
    const answer = {
      user_id_key: "test-user-id",
      user_name_key: "test-username",
      pref: "p",
      groups_key: [{ name: "user-group", id: 2 }, "admin-group", { id: 1 }, 7],
      mail: "mod_mail",
      has_verified_email: false,
      email: "ignored",
      email_verified: true,
    };
    assert.deepEqual(read(JSON.stringify(answer), keys), {
      userId: "test-user-id",
      username: "test-username",
      preferredUsername: "p",
      email: "mod_mail",
      emailVerified: false,
      groups: ["admin-group", "user-group"],
    });
  });

  it("is read by the usual ones otherwise, and what has the wrong type is not there", () => {
    const answer =
      '{"id":"x","user_name":1,"preferred_username":["y"],"email":"e","email_verified":"true","groups":"g"}';
    assert.deepEqual(read(answer), { userId: "x", username: "", email: "e", emailVerified: false, groups: [] });
    assert.equal(read(answer, { insecureSkipEmailVerified: true }).emailVerified, true);
  });

  it("has groups in the access token too, padded or not, and none for a client that wants none", () => {
    const payload = JSON.stringify({ groups: ["test-group", "b", "ü?>"] });
    const answer = '{"id":"x","groups":["b","a"]}';
    for (const encoded of [
      Buffer.from(payload).toString("base64url"),
      `${Buffer.from(payload).toString("base64url")}==`,
    ])
      assert.deepEqual(read(answer, {}, `h.${encoded}.s`).groups, ["a", "b", "test-group", "ü?>"]);
    assert.deepEqual(read(answer, {}, `h.${Buffer.from(payload).toString("base64url")}.s`, false).groups, []);
    for (const token of ["", "a.b", "a.W10.c", "...."]) assert.deepEqual(read(answer, {}, token).groups, ["a", "b"]);
  });

  it("without a usable id is nobody's", () => {
    const wrong: readonly (readonly [json: string, pattern: RegExp])[] = [
      ["{}", /^Error: OAuth Connector: not found id claim$/],
      ['{"id":true}', /id claim should be string or number, got bool$/],
      ['{"id":null}', /got <nil>$/],
      ['{"id":{}}', /got map\[string\]interface \{\}$/],
      ['{"id":[]}', /got \[\]interface \{\}$/],
      ['{"id":""}', /is empty/],
      ['{"id":"\\ud800"}', /should be string/],
    ];
    for (const [json, pattern] of wrong) assert.throws(() => read(json), pattern, json);
    for (const userIDKey of ["__proto__", "constructor", "toString"])
      assert.throws(() => read("{}", { userIDKey }), /not found/);
    assert.equal(read('{"__proto__":"p"}', { userIDKey: "__proto__" }).userId, "p");
  });

  it("of any shape makes an identity or an Error", () => {
    fc.assert(
      fc.property(fc.json(), fc.string(), (json, token) => {
        const info = claimsIn(json);
        if (info === undefined) return;
        try {
          assert.ok(readIdentity(info, token, oauthConfig.parse({}), true).userId !== "");
        } catch (error) {
          assert.match((error as Error).message, /^OAuth Connector: /);
        }
      }),
    );
  });
});

async function anUpstream(t: TestContext, options: FakeOAuth2Options = {}, config: Json = {}) {
  const fake = await startFakeOAuth2(options);
  fake.userinfo.set("jane", { id: 12345678, user_name: "Jane", groups: ["staff"] });
  const deps = connectorDeps({ upstream: { deadline: 1_500 } });
  t.after(() => {
    deps.close();
    return fake.close();
  });
  const parsed = oauthConfig.parse({
    clientID: fake.clientId,
    clientSecret: fake.clientSecret,
    redirectURI: callbackUrl.href,
    authorizationURL: `${fake.url}/authorize`,
    tokenURL: `${fake.url}/token`,
    userInfoURL: `${fake.url}/userinfo`,
    ...config,
  });
  const connector = (await oauth.open(parsed, deps)) as RedirectConnector;
  return { fake, deps, connector, signIn: (login = aLogin()) => signInThrough(connector, fake.authorize, login) };
}

describe("a login", () => {
  it("goes there with PKCE and comes back as somebody", async (t) => {
    const { fake, deps, signIn } = await anUpstream(t, {}, { scopes: ["read", "groups"] });
    const result = await signIn();
    assert.ok(result.ok);
    const { connectorData, ...identity } = result.identity;
    assert.deepEqual(identity, { userId: "1.2345678e+07", username: "Jane", emailVerified: false, groups: ["staff"] });
    assert.deepEqual(Object.keys(JSON.parse(clear(connectorData))), ["AccessToken"]);
    const { query } = fake.heard.find(({ path }) => path === "/authorize") ?? assert.fail();
    assert.deepEqual(
      [...query.keys()],
      ["client_id", "code_challenge", "code_challenge_method", "redirect_uri", "response_type", "scope", "state"],
    );
    assert.equal(query.get("scope"), "read groups");
    await signIn();
    assert.equal(deps.log.filter((line) => line.includes("userIDFormat")).length, 1);
  });

  it("keeps nothing and tells no groups where nobody asked", async (t) => {
    const { signIn } = await anUpstream(t, { answers: "form" }, { pkce: false });
    const result = await signIn(aLogin({ offlineAccess: false, groups: false }));
    assert.ok(result.ok);
    assert.equal(result.identity.connectorData, undefined);
    assert.deepEqual(result.identity.groups, []);
  });

  it("says that the person said no", async (t) => {
    const { fake, signIn } = await anUpstream(t);
    fake.person = undefined;
    assert.deepEqual(await signIn(), { ok: false, reason: "cancelled" });
  });

  it("keeps names as they are, and ten thousand groups", async (t) => {
    const { fake, signIn } = await anUpstream(t);
    const groups = Array.from({ length: 10_000 }, (_, index) => `g ${String(index).padStart(5, "0")} <"ü\\>`);
    fake.userinfo.set("jane", { id: 'a*)(uid=\u0000"<&>é💥', groups });
    const result = await signIn();
    assert.ok(result.ok);
    assert.equal(result.identity.userId, 'a*)(uid=\u0000"<&>é💥');
    assert.deepEqual(result.identity.groups, groups);
  });

  it("fails as the upstream does, with no secret in the message", async (t) => {
    const { fake, signIn } = await anUpstream(t);
    const table: readonly (readonly [
      path: string,
      spoil: Parameters<typeof fake.next>[1],
      type: abstract new (...args: never) => Error,
      pattern: RegExp,
    ])[] = [
      [
        "/token",
        { status: 400, body: '{"error":"invalid_client"}' },
        BadAnswerError,
        /failed to get token: oauth2: "invalid_client"/,
      ],
      ["/token", { hang: true }, UnavailableError, /no answer within/],
      ["/token", { status: 500 }, UnavailableError, /500/],
      ["/userinfo", { status: 401 }, BadAnswerError, /request to userinfo: status 401/],
      ["/userinfo", { status: 503, headers: { "retry-after": "60" } }, UnavailableError, /status 503/],
      ["/userinfo", { body: "[1]" }, BadAnswerError, /failed to parse userinfo/],
      ["/userinfo", { body: "<html>" }, BadAnswerError, /failed to parse userinfo/],
      ["/userinfo", { body: `{"id":"${"x".repeat(5_000_000)}"}` }, BadAnswerError, /more than/],
      ["/userinfo", { hang: true }, UnavailableError, /no answer within/],
      ["/userinfo", { status: 302, headers: { location: "/userinfo" } }, BadAnswerError, /redirects without end/],
    ];
    for (const [path, spoil, type, pattern] of table) {
      fake.always(path, spoil);
      await assert.rejects(signIn(), (error: Error) => {
        assert.ok(error instanceof type && pattern.test(error.message), `${path}: ${error.name} ${error.message}`);
        assert.doesNotMatch(error.message, /dex-secret|code=/);
        return true;
      });
      fake.always(path, undefined);
    }
    assert.ok((await signIn()).ok);
  });

  it("says what changed at the next one, and nothing of who is gone", async (t) => {
    const { fake, signIn } = await anUpstream(t);
    assert.ok((await signIn()).ok);
    fake.userinfo.set("jane", { id: 12345678, user_name: "Jane", groups: ["changed"] });
    const next = await signIn();
    assert.deepEqual(next.ok && next.identity.groups, ["changed"]);
    fake.always("/userinfo", { status: 403, body: '{"error":"account_disabled"}' });
    await assert.rejects(signIn(), /status 403: "account_disabled"/);
  });

  it("takes the token to no other host", async (t) => {
    const { fake, signIn } = await anUpstream(t);
    const other = await startFakeOAuth2();
    t.after(() => other.close());
    other.handler = ({ path }, response) => {
      if (path === "/steal") response.end('{"id":"root"}');
      return path === "/steal";
    };
    fake.always("/userinfo", { status: 302, headers: { location: `${other.url}/steal` } });
    await assert.rejects(signIn(), /redirected to another host with a credential/);
    assert.equal(other.heard.length, 0);
  });
});
