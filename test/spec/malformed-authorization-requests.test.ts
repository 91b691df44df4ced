/**
 * `/auth` and `/auth/{connector}` asked wrongly: what the person sees, or what the client is told.
 * RFC 6749 §4.1.2.1, OIDC Core §3.1.2.6.
 */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { app, assertPage, assertTold, authPath, type Params, queryOf, type Refusal } from "./relying-party.ts";
import { appClient, mockConnector, passwordConnector, startServerUnderTest } from "./server-under-test.ts";
import type { Answer, UserAgent } from "./user-agent.ts";

const clients = [
  appClient,
  {
    id: "queried",
    name: "With a query",
    secret: "x",
    redirectURIs: ["https://app.example/callback?x=1&state=planted"],
  },
  { id: "native", name: "Native", public: true },
  { id: "native-app", name: "Native with a scheme", public: true, redirectURIs: ["com.example.app:/callback"] },
  { id: "peer", name: "Trusts nobody", secret: "x", redirectURIs: [] },
  { id: "friend", name: "Trusts app", secret: "x", redirectURIs: [], trustedPeers: ["app"] },
  { id: "elsewhere", name: "Elsewhere", secret: "x", redirectURIs: [app.redirectUri], allowedConnectors: ["pw"] },
  { id: "nowhere", name: "Nowhere", secret: "x", redirectURIs: [app.redirectUri], allowedConnectors: ["gone"] },
];
const refresher = { ...mockConnector, id: "refresher", name: "Refresher", grantTypes: ["refresh_token"] };

const everything = await startServerUnderTest({
  oauth2: { skipApprovalScreen: true, responseTypes: ["code", "id_token", "token"] },
  staticClients: clients,
  connectors: [mockConnector, passwordConnector, refresher],
});
const strict = await startServerUnderTest({
  oauth2: { skipApprovalScreen: true, pkce: { enforce: true, codeChallengeMethodsSupported: ["S256"] } },
  staticClients: clients,
});
after(() => Promise.all([everything.close(), strict.close()]));
const agent = everything.newAgent();
const strictAgent = strict.newAgent();

const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const atConnector = (more: Params, path = "/auth/mock"): string => authPath({ state: "s", ...more }, app, path);
const unregistered = [400, "Unregistered redirect_uri."] as const;

/** Refused with a page: there is nobody proved to be the client. `target` is the address asked for. */
const pages: readonly (readonly [what: string, target: string, status: number, message?: string])[] = [
  ["no client_id", atConnector({ client_id: undefined }), 404, "Invalid client_id."],
  ["an empty client_id", atConnector({ client_id: "" }), 404, "Invalid client_id."],
  ["an unknown client_id", atConnector({ client_id: "stranger" }), 404, "Invalid client_id."],
  ["a client_id in another case", atConnector({ client_id: "APP" }), 404, "Invalid client_id."],
  [
    "a client_id that is a property of every object",
    atConnector({ client_id: "constructor" }),
    404,
    "Invalid client_id.",
  ],
  ["two client_ids", `${atConnector({})}&client_id=native`, 400],
  ["no redirect_uri", atConnector({ redirect_uri: undefined }), ...unregistered],
  ["an empty redirect_uri", atConnector({ redirect_uri: "" }), ...unregistered],
  ["another redirect_uri", atConnector({ redirect_uri: "https://evil.example/" }), ...unregistered],
  ["a redirect_uri with a slash more", atConnector({ redirect_uri: `${app.redirectUri}/` }), ...unregistered],
  ["a redirect_uri with a query more", atConnector({ redirect_uri: `${app.redirectUri}?a=b` }), ...unregistered],
  ["a redirect_uri with a fragment more", atConnector({ redirect_uri: `${app.redirectUri}#f` }), ...unregistered],
  [
    "a redirect_uri with a port more",
    atConnector({ redirect_uri: "https://app.example:443/callback" }),
    ...unregistered,
  ],
  ["a redirect_uri in another case", atConnector({ redirect_uri: "https://APP.example/callback" }), ...unregistered],
  [
    "a redirect_uri whose host only begins the same",
    atConnector({ redirect_uri: "https://app.example.evil.example/callback" }),
    ...unregistered,
  ],
  [
    "a redirect_uri with the host as user name",
    atConnector({ redirect_uri: "https://app.example@evil.example/callback" }),
    ...unregistered,
  ],
  ["a redirect_uri that climbs", atConnector({ redirect_uri: "https://app.example/callback/../x" }), ...unregistered],
  ["a redirect_uri escaped twice", atConnector({ redirect_uri: encodeURIComponent(app.redirectUri) }), ...unregistered],
  [
    "two redirect_uris, the first one good",
    `${atConnector({})}&redirect_uri=https%3A%2F%2Fevil.example%2F`,
    ...unregistered,
  ],
  [
    "the out-of-band redirect_uri of a confidential client",
    atConnector({ redirect_uri: "urn:ietf:wg:oauth:2.0:oob" }),
    ...unregistered,
  ],
  [
    "a loopback redirect_uri of a confidential client",
    atConnector({ redirect_uri: "http://localhost:8000/" }),
    ...unregistered,
  ],
  ...[
    "https://localhost:1",
    "http://LOCALHOST",
    "http://localhost.localhost:8080/",
    "http://localhost:abc",
    "http://localhost:99999/",
    "http://foo.com/bar",
    "http://127.0.0.1.evil.example/",
    "http://127.0.0.1@evil.example/",
    "http://127.0.0.256/",
    "http://localhost\\@evil.example/",
    "com.example.app:/callback",
    "javascript:alert(1)",
    "//localhost/",
  ].map(
    (uri) =>
      [
        `redirect_uri ${uri} of a public client that registered none`,
        atConnector({ client_id: "native", redirect_uri: uri }),
        ...unregistered,
      ] as const,
  ),
  [
    "a loopback redirect_uri of a public client that registered another",
    atConnector({ client_id: "native-app", redirect_uri: "http://localhost:8000/" }),
    ...unregistered,
  ],
  [
    "a bad redirect_uri and a bad scope",
    atConnector({ redirect_uri: "https://evil.example/", scope: "nonsense" }),
    ...unregistered,
  ],
  [
    "a token for the out-of-band page",
    atConnector({
      client_id: "native",
      redirect_uri: "urn:ietf:wg:oauth:2.0:oob",
      response_type: "id_token token",
      nonce: "n",
    }),
    400,
    "The application asked for something that cannot be done.",
  ],
  ["a query with a semicolon", `${atConnector({})};x=1`, 400, "Failed to parse request."],
  ["a query with a broken escape", `${atConnector({})}&x=%zz`, 400, "Failed to parse request."],
  ["a query with half an escape", `${atConnector({})}&x=%4`, 400, "Failed to parse request."],
  ["a query with a NUL", `${atConnector({})}&x=%00`, 400, "Failed to parse request."],
  ["an unknown connector", atConnector({}, "/auth/stranger"), 400, "Connector failed to initialize."],
  [
    "a connector the client may not use",
    atConnector({ client_id: "elsewhere" }),
    403,
    "Connector not allowed for this client.",
  ],
  [
    "a connector that permits other grants",
    atConnector({}, "/auth/refresher"),
    400,
    "Requested connector does not support this grant type.",
  ],
  ["a connector_id that is not the path's", atConnector({ connector_id: "pw" }), 400, "Bad connector ID"],
  ["/auth without client_id", authPath({ client_id: undefined }), 400, "Invalid client_id."],
  ["/auth with an unknown client_id", authPath({ client_id: "stranger" }), 400, "Invalid client_id."],
  [
    "/auth for a client without a connector",
    authPath({ client_id: "nowhere" }),
    400,
    "No connectors available for this client.",
  ],
  [
    "/auth with an unknown connector_id",
    authPath({ connector_id: "stranger" }),
    400,
    "Connector ID does not match a valid Connector",
  ],
  [
    "/auth with a connector_id the client may not use",
    authPath({ client_id: "elsewhere", connector_id: "mock" }),
    400,
    "Connector ID does not match a valid Connector",
  ],
  [
    "/auth with a connector_id that permits other grants",
    authPath({ connector_id: "refresher" }),
    400,
    "Connector ID does not match a valid Connector",
  ],
  [
    "/auth with a bad redirect_uri and several connectors",
    authPath({ redirect_uri: "https://evil.example/" }),
    ...unregistered,
  ],
  ["/auth with a broken escape", `${authPath({})}&x=%zz`, 400],
  ["/auth with a step's request and no MAC", "/auth?req=abcdefghijklmnopqrstuvwxy", 401, "Unauthorized request"],
  ["/auth with an unknown request", "/auth?req=abcdefghijklmnopqrstuvwxy&hmac=x", 400, "User session error."],
  ["/approval without a MAC", "/approval?req=abcdefghijklmnopqrstuvwxy", 401, "Unauthorized request"],
  ["/approval for an unknown request", "/approval?req=abcdefghijklmnopqrstuvwxy&hmac=x", 400, "User session error."],
];

describe("an authorization request is refused with a page", () => {
  for (const [what, target, status, message] of pages) {
    it(`for ${what}`, async () => assertPage(await agent.get(target), status, message));
  }

  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    it(`for ${method} on a connector`, async () => {
      assertPage(await agent.ask(atConnector({}), { method }), 400, "Method not allowed.");
    });
  }

  it("for a multipart body, which is not read", async () => {
    const type = { "content-type": "multipart/form-data; boundary=b" };
    const body = '--b\r\nContent-Disposition: form-data; name="client_id"\r\n\r\napp\r\n--b--\r\n';
    assertPage(await agent.ask("/auth", { method: "POST", headers: type, body }), 400, "Invalid client_id.");
  });

  it("for a body with a broken escape", async () => {
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    assertPage(await agent.ask("/auth", { method: "POST", headers, body: "client_id=%zz" }), 400);
  });
});

const nonce = { nonce: "n" };
const front = { in: "fragment" } as const;
const invalid = (description?: string): Refusal => ({
  error: "invalid_request",
  ...(description === undefined ? {} : { description }),
});
const badScope = (description: string): Refusal => ({ error: "invalid_scope", description });
const noNonce = { ...invalid("Response type 'token' requires a 'nonce' value."), ...front };

/** Told to the client. `more` are the parameters that differ from a good request. */
const redirects: readonly (readonly [what: string, more: Params, refusal: Refusal])[] = [
  ["an unknown connector_id", { connector_id: "stranger" }, invalid("Invalid ConnectorID")],
  [
    "a connector_id the client may not use",
    { client_id: "elsewhere", connector_id: "mock" },
    invalid("Connector not allowed for this client"),
  ],
  [
    "a request object",
    { request: "e30.e30." },
    { error: "request_not_supported", description: "Server does not support request parameter." },
  ],
  [
    "a request object by reference",
    { request_uri: "https://app.example/request" },
    { error: "request_uri_not_supported" },
  ],
  [
    "an unknown challenge method",
    { code_challenge: challenge, code_challenge_method: "S512" },
    invalid('Unsupported PKCE challenge method ("S512").'),
  ],
  [
    "a challenge method in another case",
    { code_challenge: challenge, code_challenge_method: "s256" },
    invalid('Unsupported PKCE challenge method ("s256").'),
  ],
  ["an S256 challenge that is too short", { code_challenge: "short", code_challenge_method: "S256" }, invalid()],
  ["an S256 challenge with padding", { code_challenge: `${challenge}=`, code_challenge_method: "S256" }, invalid()],
  ["no scope", { scope: undefined }, badScope('Missing required scope(s) ["openid"].')],
  ["an empty scope", { scope: "" }, badScope('Missing required scope(s) ["openid"].')],
  ["a scope without openid", { scope: "email" }, badScope('Missing required scope(s) ["openid"].')],
  ["openid in another case", { scope: "OpenID" }, badScope('Missing required scope(s) ["openid"].')],
  ["unknown scopes", { scope: "openid foo bar" }, badScope('Unrecognized scope(s) ["foo" "bar"]')],
  ["an unknown scope with a quote in it", { scope: 'openid a"b' }, badScope('Unrecognized scope(s) ["a\\"b"]')],
  [
    "the audience of a client that does not trust this one",
    { scope: "openid audience:server:client_id:peer" },
    badScope('Client can\'t request scope(s) ["audience:server:client_id:peer"]'),
  ],
  [
    "the audience of an unknown client",
    { scope: "openid audience:server:client_id:stranger" },
    badScope('Client can\'t request scope(s) ["audience:server:client_id:stranger"]'),
  ],
  [
    "the audience of nobody",
    { scope: "openid audience:server:client_id:" },
    badScope('Client can\'t request scope(s) ["audience:server:client_id:"]'),
  ],
  [
    "a trusted and an untrusted audience",
    { scope: "openid audience:server:client_id:friend audience:server:client_id:peer" },
    badScope('Client can\'t request scope(s) ["audience:server:client_id:peer"]'),
  ],
  ["no response_type", { response_type: undefined }, invalid("No response_type provided")],
  ["an empty response_type", { response_type: "" }, invalid("No response_type provided")],
  ["an unknown response_type", { response_type: "x" }, invalid('Invalid response type "x"')],
  ["an unknown word in response_type", { response_type: "code x" }, invalid('Invalid response type "x"')],
  ["response_type none", { response_type: "none" }, invalid('Invalid response type "none"')],
  [
    "response_type token alone",
    { response_type: "token", ...nonce },
    { ...invalid("Response type 'token' must be provided with type 'id_token' and/or 'code'"), ...front },
  ],
  ["id_token without a nonce", { response_type: "id_token" }, noNonce],
  ["id_token token without a nonce", { response_type: "id_token token" }, noNonce],
  ["code id_token without a nonce", { response_type: "code id_token" }, noNonce],
  ["code id_token token with an empty nonce", { response_type: "code id_token token", nonce: "" }, noNonce],
  [
    "a bad scope in an implicit request",
    { response_type: "id_token", scope: "openid foo", ...nonce },
    { ...badScope('Unrecognized scope(s) ["foo"]'), ...front },
  ],
  ["an unknown prompt", { prompt: "x" }, invalid('Invalid prompt parameter: invalid prompt value "x"')],
  [
    "an unknown prompt among known ones",
    { prompt: "login x" },
    invalid('Invalid prompt parameter: invalid prompt value "x"'),
  ],
  [
    "prompt none with another",
    { prompt: "none login" },
    invalid("Invalid prompt parameter: prompt=none must not be combined with other values"),
  ],
  ["prompt none while nobody is signed in", { prompt: "none" }, { error: "login_required" }],
  ["prompt none, said twice", { prompt: "none none" }, { error: "login_required" }],
  ...["-1", "x", "1.5", "1e3", "0x10"].map(
    (age) => [`max_age ${age}`, { max_age: age }, invalid(`Invalid max_age value "${age}"`)] as const,
  ),
  ["an id_token_hint that is no token", { id_token_hint: "x" }, invalid("Invalid id_token_hint.")],
  [
    "an id_token_hint that nobody signed",
    { id_token_hint: "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwOi8vMTI3LjAuMC4xOjU1NTYvZGV4In0." },
    invalid("Invalid id_token_hint."),
  ],
  ["a request object before a bad scope", { request: "x", scope: "foo" }, { error: "request_not_supported" }],
  [
    "a bad scope before a bad response_type",
    { scope: "openid foo", response_type: "x" },
    badScope('Unrecognized scope(s) ["foo"]'),
  ],
];

describe("an authorization request is refused to the client", () => {
  for (const [what, more, refusal] of redirects) {
    it(`for ${what}`, async () => assertTold(await agent.get(atConnector(more)), { state: "s", ...refusal }));
  }

  for (const [name, value] of [
    ["state", "s"],
    ["scope", "openid"],
    ["response_type", "code"],
    ["nonce", "n"],
    ["code_challenge", challenge],
    ["prompt", "login"],
    ["something_else", ""],
  ] as const) {
    const twice = `&${queryOf({ [name]: value })}&${queryOf({ [name]: value })}`;
    it(`for ${name} sent twice to a connector: RFC 6749 §3.1`, async () => {
      assertToldOf(await agent.get(atConnector({ [name]: undefined }) + twice), "invalid_request");
    });
    it(`for ${name} sent twice to /auth, which knows where to go`, async () => {
      const target = authPath({ connector_id: "mock", [name]: undefined }) + twice;
      assertToldOf(await agent.follow(await agent.get(target)), "invalid_request");
    });
  }

  it("for a parameter both in query and body", async () => {
    const answer = await agent.post(authPath({}), { scope: "openid" });
    assertToldOf(await agent.follow(answer), "invalid_request");
  });

  for (const [what, more, refusal] of [
    [
      "no challenge where PKCE is enforced",
      {},
      invalid("PKCE is required. The code_challenge parameter must be provided."),
    ],
    [
      "a method without a challenge where PKCE is enforced",
      { code_challenge_method: "S256" },
      invalid("PKCE is required. The code_challenge parameter must be provided."),
    ],
    [
      "a plain challenge where only S256 is",
      { code_challenge: challenge, code_challenge_method: "plain" },
      invalid('Unsupported PKCE challenge method ("plain").'),
    ],
    [
      "a challenge without method where only S256 is",
      { code_challenge: challenge },
      invalid('Unsupported PKCE challenge method ("plain").'),
    ],
    [
      "id_token where only code is",
      { code_challenge: challenge, code_challenge_method: "S256", response_type: "id_token", ...nonce },
      { error: "unsupported_response_type", description: 'Unsupported response type "id_token"', ...front },
    ],
    [
      "code token where only code is",
      { code_challenge: challenge, code_challenge_method: "S256", response_type: "code token", ...nonce },
      { error: "unsupported_response_type", description: 'Unsupported response type "token"', ...front },
    ],
  ] as const satisfies readonly (readonly [string, Params, Refusal])[]) {
    it(`for ${what}`, async () => assertTold(await strictAgent.get(atConnector(more)), { state: "s", ...refusal }));
  }

  it("for a bad scope, at /auth already, where the person would have to choose", async () => {
    assertTold(await agent.get(authPath({ state: "s", scope: "foo" })), {
      state: "s",
      ...badScope('Missing required scope(s) ["openid"].'),
    });
  });
});

/** Only the code: which of two values is echoed as `state` is nobody's business. */
function assertToldOf(answer: Answer, error: string): void {
  assert.equal(answer.status, 303, `${answer.status} ${answer.url}`);
  assert.equal(answer.location?.searchParams.get("error"), error, `${answer.location}`);
}

describe("what the client is told", () => {
  const bad = { scope: undefined };
  const ask = (more: Params, from: UserAgent = agent): Promise<Answer> => from.get(atConnector({ ...bad, ...more }));

  it("has no state where none was sent", async () => {
    assertTold(await ask({ state: undefined }), { error: "invalid_scope" });
  });

  it("takes an empty state for none: RFC 6749 §3.1", async () => {
    assertTold(await ask({ state: "" }), { error: "invalid_scope" });
  });

  for (const state of ["a b", "a+b", "a/b=c&d#e", "%25", "ä€😀", '"><script>', "\r\nX-Injected: 1"]) {
    it(`has state ${JSON.stringify(state)} exactly as sent`, async () => {
      assertTold(await ask({ state }), { error: "invalid_scope", state });
      assertTold(await ask({ state, response_type: "id_token" }), { error: "invalid_scope", state, ...front });
    });
  }

  it("leaves the client's own query as it is, and replaces a planted parameter", async () => {
    const redirectUri = "https://app.example/callback?x=1&state=planted";
    const { headers } = await ask({ client_id: "queried", redirect_uri: redirectUri });
    const [, query = ""] = (headers.location ?? "").split("?");
    assert.match(query, /^x=1&/);
    assert.deepEqual(new URLSearchParams(query).getAll("state"), ["s"]);
  });

  it("is not kept by any cache, and not leaked by a Referer", async () => {
    const { headers } = await ask({});
    assert.equal(headers["cache-control"], "no-store");
    assert.equal(headers["referrer-policy"], "no-referrer");
  });
});
