/** `/token` asked wrongly: always JSON, never cached, in the words of RFC 6749 §5.2. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { app, askToken, assertRefused, obtainCode, type Params, redeem, signIn, tokensOf } from "./relying-party.ts";
import { appClient, startServerUnderTest } from "./server-under-test.ts";
import type { Ask } from "./user-agent.ts";

const server = await startServerUnderTest({
  staticClients: [
    appClient,
    { id: "other", name: "Other", secret: "other-secret", redirectURIs: [app.redirectUri] },
    { id: "public", name: "Public", public: true, redirectURIs: [app.redirectUri] },
    { id: "guarded", name: "Public with a secret", public: true, secret: "g", redirectURIs: [app.redirectUri] },
  ],
});
after(() => server.close());
const agent = server.newAgent();

const form = "application/x-www-form-urlencoded";
const badClient = ["invalid_client", "Invalid client credentials.", 401] as const;
const badCode = ["invalid_grant", "Invalid or expired code parameter."] as const;
const badRefresh = [
  "invalid_grant",
  "Refresh token is invalid or has already been claimed by another client.",
] as const;
const basic = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;

const tokens = await signIn(agent);
const refreshToken = tokens.refresh_token ?? "";
/** A code nobody redeems, so that every row below could succeed but for its one mistake. */
const code = await obtainCode(agent);
const verifier = "a-verifier-of-at-least-forty-three-characters-length";
const plainCode = await obtainCode(agent, { code_challenge: verifier, code_challenge_method: "plain" });
const hashedCode = await obtainCode(agent, {
  code_challenge: "utrc4PHHY45Mb8s9GufKe8X_eq9cTEZqLovqrr8NMfE",
  code_challenge_method: "S256",
});

type Refused = readonly [error: string, description?: string | undefined, status?: number];

describe("a token request is refused before any grant looks at it", () => {
  const good = new URLSearchParams({
    grant_type: "authorization_code",
    code,
    redirect_uri: app.redirectUri,
    client_id: "app",
    client_secret: "app-secret",
  }).toString();
  const post = (body: string, headers: Ask["headers"] = { "content-type": form }): Ask => ({
    method: "POST",
    body,
    headers,
  });
  const rows: readonly (readonly [what: string, ask: Ask, ...Refused])[] = [
    ...["GET", "PUT", "DELETE", "OPTIONS", "PATCH"].map(
      (method) => [`${method}`, { ...post(good), method }, "invalid_request", "method not allowed"] as const,
    ),
    ["a broken escape", post(`${good}&x=%zz`), "invalid_request", ""],
    ["a semicolon", post(`${good};x=1`), "invalid_request", ""],
    ["a NUL", post(`${good}&x=%00`), "invalid_request", ""],
    ["bytes that are no UTF-8", post(`${good}&x=%ff`), "invalid_request", ""],
    ["more than a megabyte", post(`${good}&x=${"x".repeat(1024 * 1024)}`), "invalid_request", undefined, 413],
    ["no body", post(""), "unsupported_grant_type", ""],
    [
      "a JSON body",
      post('{"grant_type":"authorization_code"}', { "content-type": "application/json" }),
      "unsupported_grant_type",
      "",
    ],
    [
      "a multipart body",
      post('--b\r\nContent-Disposition: form-data; name="grant_type"\r\n\r\nauthorization_code\r\n--b--\r\n', {
        "content-type": "multipart/form-data; boundary=b",
      }),
      "unsupported_grant_type",
      "",
    ],
    ["no content type", post(good, {}), "unsupported_grant_type", ""],
    ["another content type", post(good, { "content-type": "text/plain" }), "unsupported_grant_type", ""],
    ["no grant_type", post(good.replace("grant_type=authorization_code&", "")), "unsupported_grant_type", ""],
    ["an empty grant_type", post(good.replace("=authorization_code", "=")), "unsupported_grant_type", ""],
    ["an unknown grant_type", post(good.replace("=authorization_code", "=x")), "unsupported_grant_type", ""],
    [
      "a grant_type in another case",
      post(good.replace("=authorization_code", "=Authorization_Code")),
      "unsupported_grant_type",
      "",
    ],
    ["grant_type implicit", post(good.replace("=authorization_code", "=implicit")), "unsupported_grant_type", ""],
    [
      "grant_type password without a password connector",
      post(good.replace("=authorization_code", "=password")),
      "unsupported_grant_type",
      "",
    ],
    [
      "grant_type client_credentials, which is off by default",
      post(good.replace("=authorization_code", "=client_credentials")),
      "unsupported_grant_type",
      "",
    ],
    [
      "a grant_type that is a property of every object",
      post(good.replace("=authorization_code", "=constructor")),
      "unsupported_grant_type",
      "",
    ],
    [
      "an unknown grant_type from an unknown client",
      post("grant_type=x&client_id=stranger"),
      "unsupported_grant_type",
      "",
    ],
    ...[
      "grant_type=authorization_code",
      "code=x",
      "client_id=app",
      "client_secret=app-secret",
      "redirect_uri=x",
      "whatever=1&whatever=1",
    ].map((pair) => [`${pair} once more`, post(`${good}&${pair}`), "invalid_request"] as const),
  ];
  for (const [what, ask, error, description, status] of rows) {
    it(`for ${what}`, async () => assertRefused(await agent.ask("/token", ask), error, description, status));
  }

  it("for parameters in the query, which are not read", async () => {
    assertRefused(await agent.ask(`/token?${good}`, post("")), "unsupported_grant_type", "");
    const bare = post("grant_type=authorization_code&client_id=app");
    assertRefused(await agent.ask("/token?client_secret=app-secret", bare), ...badClient);
  });
});

describe("a token request is refused to a client that proves nothing", () => {
  const grant = `grant_type=authorization_code&code=${code}&redirect_uri=${encodeURIComponent(app.redirectUri)}`;
  const rows: readonly (readonly [what: string, body: string, authorization: string | undefined, ...Refused])[] = [
    ["no credentials", "", undefined, ...badClient],
    ["an unknown client", "&client_id=stranger&client_secret=app-secret", undefined, ...badClient],
    ["a client_id that is a property of every object", "&client_id=__proto__&client_secret=", undefined, ...badClient],
    ["no secret", "&client_id=app", undefined, ...badClient],
    ["an empty secret", "&client_id=app&client_secret=", undefined, ...badClient],
    ["a wrong secret", "&client_id=app&client_secret=wrong", undefined, ...badClient],
    ["half a secret", "&client_id=app&client_secret=app-", undefined, ...badClient],
    ["a secret and more", "&client_id=app&client_secret=app-secret%20", undefined, ...badClient],
    ["another client's secret", "&client_id=app&client_secret=other-secret", undefined, ...badClient],
    ["no secret of a public client that has one", "&client_id=guarded", undefined, ...badClient],
    ["a secret of a public client that has none", "&client_id=public&client_secret=x", undefined, ...badClient],
    ["a wrong secret in the header", "", basic("app:wrong"), ...badClient],
    [
      "a wrong secret in the header and the right one in the body",
      "&client_id=app&client_secret=app-secret",
      basic("app:wrong"),
      "invalid_request",
      "The client must use one authentication method only.",
    ],
    ["an unknown client in the header", "", basic("stranger:x"), ...badClient],
    ["a header without a colon", "", basic("app"), ...badClient],
    ["a header that is no base64", "", "Basic !!!", ...badClient],
    ["a header of another scheme", "", `Bearer ${tokens.access_token}`, ...badClient],
    [
      "a broken escape in the header's secret",
      "",
      basic("app:100%"),
      "invalid_request",
      "client_secret improperly encoded",
    ],
    ["a broken escape in the header's id", "", basic("100%:x"), "invalid_request", "client_id improperly encoded"],
  ];
  for (const [what, body, authorization, error, description, status] of rows) {
    it(`for ${what}`, async () => {
      const headers = { "content-type": form, ...(authorization === undefined ? {} : { authorization }) };
      const answer = await agent.ask("/token", { method: "POST", body: grant + body, headers });
      assertRefused(answer, error, description, status);
      // RFC 6749 §5.2: a 401 names the scheme that would have done.
      assert.equal(/^Basic realm=/.test(answer.headers["www-authenticate"] ?? ""), status === 401);
    });
  }

  it("for two Authorization headers, of which neither counts", async () => {
    const headers = { "content-type": form, authorization: [basic("app:app-secret"), basic("other:other-secret")] };
    assertRefused(await agent.ask("/token", { method: "POST", body: grant, headers }), ...badClient);
  });
});

describe("a token request is refused by its grant", () => {
  const codeGrant = { grant_type: "authorization_code", code, redirect_uri: app.redirectUri };
  const refreshGrant = { grant_type: "refresh_token", refresh_token: refreshToken };
  const other = { client_id: "other", client_secret: "other-secret" };
  const noVerifier = ["invalid_grant", "Expecting parameter code_verifier in PKCE flow."] as const;
  const badVerifier = ["invalid_grant", "Invalid code_verifier."] as const;
  const badRedirect = ["invalid_grant", "redirect_uri did not match URI from initial request."] as const;
  const rows: readonly (readonly [what: string, form: Params, ...Refused])[] = [
    ["no code", { ...codeGrant, code: undefined }, "invalid_request", "Required param: code."],
    ["an empty code", { ...codeGrant, code: "" }, "invalid_request", "Required param: code."],
    ["an unknown code", { ...codeGrant, code: "aaaaaaaaaaaaaaaaaaaaaaaaa" }, ...badCode],
    ["a code that is no code", { ...codeGrant, code: "../../etc/passwd" }, ...badCode],
    ["a very long code", { ...codeGrant, code: "a".repeat(100_000) }, ...badCode],
    ["a code in another case", { ...codeGrant, code: code.toUpperCase() }, ...badCode],
    ["a code with a space", { ...codeGrant, code: ` ${code}` }, ...badCode],
    ["the code of another client", { ...codeGrant, ...other }, ...badCode],
    ["a refresh token for a code", { ...codeGrant, code: refreshToken }, ...badCode],
    ["no redirect_uri", { ...codeGrant, redirect_uri: undefined }, ...badRedirect],
    ["another redirect_uri", { ...codeGrant, redirect_uri: "https://app.example/" }, ...badRedirect],
    ["a redirect_uri with a slash more", { ...codeGrant, redirect_uri: `${app.redirectUri}/` }, ...badRedirect],
    [
      "a verifier where there was no challenge",
      { ...codeGrant, code_verifier: verifier },
      "invalid_request",
      "No PKCE flow started. Cannot check code_verifier.",
    ],
    ["no verifier for a plain challenge", { ...codeGrant, code: plainCode }, ...noVerifier],
    ["an empty verifier for a plain challenge", { ...codeGrant, code: plainCode, code_verifier: "" }, ...noVerifier],
    [
      "a wrong verifier for a plain challenge",
      { ...codeGrant, code: plainCode, code_verifier: `${verifier}x` },
      ...badVerifier,
    ],
    ["no verifier for a hashed challenge", { ...codeGrant, code: hashedCode }, ...noVerifier],
    [
      "the challenge itself as verifier",
      { ...codeGrant, code: hashedCode, code_verifier: "utrc4PHHY45Mb8s9GufKe8X_eq9cTEZqLovqrr8NMfE" },
      ...badVerifier,
    ],
    [
      "the challenge itself, and a method to talk the hash down",
      {
        ...codeGrant,
        code: hashedCode,
        code_challenge_method: "plain",
        code_verifier: "utrc4PHHY45Mb8s9GufKe8X_eq9cTEZqLovqrr8NMfE",
      },
      ...badVerifier,
    ],
    [
      "no refresh token",
      { ...refreshGrant, refresh_token: undefined },
      "invalid_request",
      "No refresh token is found in request.",
    ],
    [
      "an empty refresh token",
      { ...refreshGrant, refresh_token: "" },
      "invalid_request",
      "No refresh token is found in request.",
    ],
    ["a refresh token that is none", { ...refreshGrant, refresh_token: "x" }, ...badRefresh],
    [
      "an unknown refresh token of the right shape",
      { ...refreshGrant, refresh_token: "CgR0ZXN0EgNiYXI" },
      ...badRefresh,
    ],
    ["half a refresh token", { ...refreshGrant, refresh_token: refreshToken.slice(0, -8) }, ...badRefresh],
    [
      "a refresh token with its last character changed",
      { ...refreshGrant, refresh_token: refreshToken.replace(/.{2}$/, (end) => (end === "AA" ? "BA" : "AA")) },
      ...badRefresh,
    ],
    ["a refresh token with a space", { ...refreshGrant, refresh_token: `${refreshToken} ` }, ...badRefresh],
    ["the refresh token of another client", { ...refreshGrant, ...other }, ...badRefresh],
    ["an access token for a refresh token", { ...refreshGrant, refresh_token: tokens.access_token }, ...badRefresh],
    ["a code for a refresh token", { ...refreshGrant, refresh_token: code }, ...badRefresh],
    [
      "a wider scope",
      { ...refreshGrant, scope: "openid federated:id" },
      "invalid_scope",
      'Requested scopes contain unauthorized scope(s): ["federated:id"].',
    ],
    [
      "an unknown scope",
      { ...refreshGrant, scope: "openid x y" },
      "invalid_scope",
      'Requested scopes contain unauthorized scope(s): ["x" "y"].',
    ],
    [
      "an audience never granted",
      { ...refreshGrant, scope: "openid audience:server:client_id:other" },
      "invalid_scope",
    ],
  ];
  for (const [what, fields, error, description, status] of rows) {
    it(`for ${what}`, async () => assertRefused(await askToken(agent, fields), error, description, status));
  }

  it("and all of that spent neither the codes nor the refresh token", async () => {
    tokensOf(await redeem(agent, code));
    tokensOf(await redeem(agent, plainCode, { code_verifier: verifier }));
    tokensOf(await redeem(agent, hashedCode, { code_verifier: verifier }));
    tokensOf(await askToken(agent, { grant_type: "refresh_token", refresh_token: refreshToken }));
  });

  it("and none of it is in the log", () => {
    const secrets = ["app-secret", "other-secret", refreshToken, code, verifier, tokens.access_token];
    for (const line of server.log) for (const secret of secrets) assert.ok(!line.includes(secret), line);
  });
});
