/** Requests that nobody would send: none of them is a fault of ours, and each is answered as its endpoint answers. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import fc from "fast-check";
import { appClient, mockConnector, passwordConnector, startServerUnderTest } from "./server-under-test.ts";

const server = await startServerUnderTest(
  {
    oauth2: { responseTypes: ["code", "id_token", "token"], passwordConnector: "pw", grantTypes: [] },
    connectors: [mockConnector, passwordConnector],
    staticClients: [appClient, { id: "cli", name: "CLI", public: true }],
    enablePasswordDB: true,
    enableSignup: true,
    mfa: {
      authenticators: [
        { id: "totp", type: "TOTP", config: {} },
        { id: "key", type: "WebAuthn", config: {} },
      ],
    },
    lockout: { disabled: true },
  },
  { sessions: true },
);
after(() => server.close());
const agent = server.newAgent(4);

const machines = ["/token", "/token/introspect", "/token/revoke", "/userinfo", "/device/code", "/keys"];
const people = [
  ...["/auth", "/auth/mock", "/auth/pw", "/auth/pw/login", "/callback", "/callback/mock", "/approval", "/logout"],
  ...["/logout/callback", "/logout/upstream/mock", "/device", "/device/auth/verify_code", "/device/callback", "/mfa"],
  ...["/mfa/totp", "/mfa/webauthn", "/mfa/recovery", "/account", "/account/password", "/signup", "/signup/verify"],
  ...["/password/forgot", "/password/reset", "/account/email/confirm", "/auth/%00", "/auth/%ff/login", ""],
];
const names = [
  ...[
    "client_id",
    "client_secret",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "code",
  ],
  ...[
    "code_verifier",
    "code_challenge",
    "code_challenge_method",
    "grant_type",
    "refresh_token",
    "token",
    "device_code",
  ],
  ...["user_code", "username", "password", "login", "prompt", "max_age", "id_token_hint", "claims", "acr_values"],
  ...["display", "ui_locales", "login_hint", "request", "request_uri", "registration", "resource", "audience"],
  ...["subject_token", "subject_token_type", "requested_token_type", "actor_token", "connector_id", "req", "hmac"],
  ...["authenticator", "totp", "approval", "confirm", "RelayState", "SAMLResponse", "back", "email", "error", "iss"],
  ...["post_logout_redirect_uri", "csrf", "action", "enrolment", "access_token", "logout_token", "__proto__"],
];
const values = [
  ...["", "x", "app", "app-secret", "cli", "code", "id_token token", "form_post", "fragment", "openid email groups"],
  ...[
    "https://app.example/callback",
    "urn:ietf:wg:oauth:2.0:oob",
    "http://[::1",
    "authorization_code",
    "refresh_token",
  ],
  ...["password", "client_credentials", "urn:ietf:params:oauth:grant-type:device_code", "none", "login", "mock", "pw"],
  ...["urn:ietf:params:oauth:grant-type:token-exchange", "urn:ietf:params:oauth:token-type:access_token", "-1", "1e9"],
  ...[
    "99999999999999999999",
    "{}",
    "[]",
    '{"id_token":{"acr":{"essential":true}}}',
    "a.b.c",
    "eyJhbGciOiJub25lIn0.e30.",
  ],
  ...["\ud800", "é𝒳", "%", "../..", "constructor", "a".repeat(5_000), "BCDF-GHJK", "CgNhcHASBGFiY2Q", "\r\nX: y"],
];
const headers = [
  {},
  { authorization: `Basic ${Buffer.from("app:app-secret").toString("base64")}` },
  { authorization: "Basic !!" },
  { authorization: "Bearer a.b.c" },
  { authorization: "Negotiate AAAA" },
  { cookie: "dex_session=CgNhcHASBGFiY2Q; ;;=" },
  { "accept-language": "x;q=9,,*" },
  { "sec-fetch-site": "cross-site" },
];
const pairs = fc.array(fc.tuple(fc.constantFrom(...names), fc.constantFrom(...values)), { maxLength: 9 });
const odd = (paths: readonly string[]) =>
  fc.record({
    path: fc.constantFrom(...paths),
    method: fc.constantFrom("GET", "POST", "POST", "HEAD", "PUT", "OPTIONS", "DELETE"),
    query: pairs,
    form: pairs,
    more: fc.constantFrom(...headers),
    body: fc.constantFrom(undefined, "{", "[]", '{"id":1}', "raw"),
  });

type Odd = ReturnType<typeof odd> extends fc.Arbitrary<infer Request> ? Request : never;

async function ask({ path, method, query, form, more, body }: Odd) {
  const target = query.length === 0 ? path : `${path}?${new URLSearchParams(query)}`;
  if (method !== "POST") return agent.ask(target, { method, headers: more });
  const json = { ...more, "content-type": "application/json" };
  return agent.ask(target, body === undefined ? { method, headers: more, form } : { method, headers: json, body });
}

describe("an odd request", () => {
  it("of a program is answered with JSON, or with nothing", async () => {
    await fc.assert(
      fc.asyncProperty(odd(machines), async (request) => {
        const answer = await ask(request);
        assert.ok(answer.status < 500, answer.body);
        if (answer.body === "") return;
        assert.equal(answer.headers["content-type"], "application/json");
        const told: unknown = JSON.parse(answer.body);
        if (answer.status >= 400) {
          assert.ok(typeof told === "object" && told !== null && "error" in told && typeof told.error === "string");
          assert.equal(answer.headers["cache-control"], "no-store");
        }
      }),
      { numRuns: 400 },
    );
  });

  it("of a browser is answered with a page that nobody can frame, or sent on to where it may go", async () => {
    await fc.assert(
      fc.asyncProperty(odd(people), async (request) => {
        const answer = await ask(request);
        assert.ok(answer.status < 500 || answer.status === 501, answer.body);
        assert.doesNotMatch(String(answer.headers.location ?? ""), /[\r\n]/);
        const { location } = answer;
        if (location !== undefined) {
          const isOurs = location.href.startsWith(server.issuer) || location.pathname.startsWith("/dex/");
          assert.ok(isOurs || location.href.startsWith("https://app.example/callback"), location.href);
        }
        if (answer.status === 200 && request.method === "GET") {
          assert.match(String(answer.headers["content-security-policy"]), /frame-ancestors/);
        }
      }),
      { numRuns: 600 },
    );
    assert.deepEqual(
      server.log.filter((line) => line.includes('"level":"ERROR"')),
      [],
    );
  });
});

it("an authorization request that no address has room for is refused before it is multiplied by the connectors", async () => {
  const state = "s".repeat(65_536);
  const form = {
    client_id: appClient.id,
    redirect_uri: appClient.redirectURIs[0],
    response_type: "code",
    scope: "openid",
  };
  const answer = await agent.post("/auth", { ...form, state });
  assert.equal(answer.status, 413);
  assert.ok(answer.body.length < 65_536);
  assert.equal((await agent.post("/auth", { ...form, state: state.slice(0, 32_768) })).status, 200);
});
