/** The authorization code flow from `/auth` to tokens. RFC 6749 §4.1, RFC 7636, OIDC Core §3.1. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, describe, it } from "node:test";
import {
  app,
  askToken,
  assertRefused,
  authorize,
  authPath,
  codeOf,
  obtainCode,
  type Params,
  redeem,
  refresh,
  refreshTokenOf,
  signIn,
  tokensOf,
  toldClient,
  userinfo,
  verify,
} from "./relying-party.ts";
import { appClient, issuer, mockConnector, startServerUnderTest } from "./server-under-test.ts";

const server = await startServerUnderTest({
  staticClients: [
    appClient,
    { id: "other", name: "Other", secret: "other-secret", redirectURIs: [app.redirectUri] },
    { id: "queried", name: "Queried", secret: "x", redirectURIs: ["https://app.example/cb?z=1&a=2&code=planted#frag"] },
    { id: "peer", name: "Peer", secret: "x", redirectURIs: [], trustedPeers: ["app"] },
    { id: "native", name: "Native", public: true },
  ],
  connectors: [
    mockConnector,
    { ...mockConnector, id: "no-refresh", name: "No refresh", grantTypes: ["authorization_code"] },
  ],
});
after(() => server.close());
const agent = server.newAgent();
const everyScope = "openid email profile groups offline_access federated:id";
const viaMock = { connector_id: "mock" };
const day = 24 * 3600;
const minute = 60_000;

/** The left half of a token's or code's SHA-256. OIDC Core §3.1.3.6. */
const halfHash = (text: string): string =>
  createHash("sha256").update(text).digest().subarray(0, 16).toString("base64url");

describe("the authorization response", () => {
  it("carries code, state and issuer, and nothing else", async () => {
    const { code, ...rest } = toldClient(await authorize(agent, { ...viaMock, state: "a b/c=d&e" }));
    assert.match(code ?? "", /^[a-z][a-z2-7]{32}$/);
    assert.deepEqual(rest, { state: "a b/c=d&e", iss: issuer });
  });

  it("has no state where none was sent", async () => {
    assert.deepEqual(Object.keys(toldClient(await authorize(agent, { ...viaMock, state: undefined }))).sort(), [
      "code",
      "iss",
    ]);
  });

  it("keeps the query and fragment of the registered address, but no code that was planted there", async () => {
    const queried = { id: "queried", secret: "x", redirectUri: "https://app.example/cb?z=1&a=2&code=planted#frag" };
    const answer = await authorize(agent, viaMock, queried);
    const { location = "" } = answer.headers;
    assert.match(location, /^https:\/\/app\.example\/cb\?z=1&a=2&/);
    assert.match(location, /#frag$/);
    assert.equal(answer.location?.searchParams.getAll("code").length, 1);
    tokensOf(await redeem(agent, codeOf(answer), {}, queried));
  });

  it("goes to any loopback address of a public client that registered none: RFC 8252 §7.3", async () => {
    for (const redirectUri of [
      "http://localhost",
      "http://localhost:991/bar",
      "http://127.0.0.1:8080/",
      "http://127.9.9.9:1",
      "http://[::1]:80/",
    ]) {
      const native = { id: "native", redirectUri };
      const tokens = tokensOf(await redeem(agent, await obtainCode(agent, viaMock, native), {}, native));
      assert.equal((await verify(tokens.id_token, server, agent)).claims.aud, "native");
    }
  });

  it("comes to a request by POST as well: OIDC Core §3.1.2.1", async () => {
    const form = Object.fromEntries(new URLSearchParams(authPath(viaMock).replace("/auth?", "")));
    const answer = await agent.follow(await agent.post("/auth", form));
    tokensOf(await redeem(agent, codeOf(answer)));
  });
});

describe("the token response", () => {
  it("is a bearer token answer that nobody may keep", async () => {
    const answer = await redeem(agent, await obtainCode(agent, viaMock));
    const { access_token, id_token, ...rest } = tokensOf(answer);
    assert.deepEqual(rest, { token_type: "bearer", expires_in: day });
    assert.notEqual(access_token, id_token);
    assert.equal(answer.headers["content-type"], "application/json");
    assert.equal(answer.headers["cache-control"], "no-store");
    assert.equal(answer.headers.pragma, "no-cache");
    assert.deepEqual(Object.keys(JSON.parse(answer.body)), ["access_token", "token_type", "expires_in", "id_token"]);
  });

  it("holds an ID token about the person, the client, the request, the access token and the code", async () => {
    const nonce = "n-0S6_WzA2Mj";
    const code = await obtainCode(agent, { ...viaMock, scope: everyScope, nonce });
    await server.clock.advance(5_000);
    const tokens = tokensOf(await redeem(agent, code));
    const { claims, header } = await verify(tokens.id_token, server, agent);
    const now = Math.floor(server.clock.now() / 1000);
    const { jti, ...rest } = claims;
    assert.match(jti ?? "", /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.deepEqual(rest, {
      iss: issuer,
      sub: "Cg0wLTM4NS0yODA4OS0wEgRtb2Nr",
      aud: "app",
      exp: now + day,
      iat: now,
      nonce,
      auth_time: now - 5,
      at_hash: halfHash(tokens.access_token),
      c_hash: halfHash(code),
      email: "kilgore@kilgore.trout",
      email_verified: true,
      groups: ["authors"],
      name: "Kilgore Trout",
      federated_claims: { connector_id: "mock", user_id: "0-385-28089-0" },
    });
    assert.deepEqual(Object.keys(header), ["alg", "kid"]);
    assert.equal(header.alg, "RS256");
  });

  it("holds an access token with the same claims and an id of its own", async () => {
    const tokens = await signIn(agent, { ...viaMock, nonce: "n" });
    const { claims: access } = await verify(tokens.access_token, server, agent);
    const { claims: id } = await verify(tokens.id_token, server, agent);
    const { jti, at_hash, ...shared } = access;
    const { jti: idJti, at_hash: idAtHash, c_hash, ...idShared } = id;
    assert.deepEqual(shared, idShared);
    assert.notEqual(jti, idJti);
    assert.notEqual(at_hash, idAtHash);
    assert.ok(c_hash !== undefined);
  });

  const claimsOfScope: readonly (readonly [scope: string, claims: readonly string[]])[] = [
    ["openid", []],
    ["openid email", ["email", "email_verified"]],
    ["openid profile", ["name"]],
    ["openid groups", ["groups"]],
    ["openid federated:id", ["federated_claims"]],
    ["  openid   email ", ["email", "email_verified"]],
  ];
  for (const [scope, names] of claimsOfScope) {
    it(`says no more of the person than scope "${scope}" allows`, async () => {
      const tokens = tokensOf(await redeem(agent, await obtainCode(agent, { ...viaMock, scope })));
      const { claims } = await verify(tokens.id_token, server, agent);
      const always = ["iss", "sub", "aud", "exp", "iat", "jti", "auth_time", "at_hash", "c_hash"];
      assert.deepEqual(Object.keys(claims), [...always, ...names]);
    });
  }

  for (const [asked, aud, azp] of [
    [[], "app", undefined],
    [["app"], "app", undefined],
    [["peer"], ["peer", "app"], "app"],
    [["app", "peer"], ["app", "peer"], "app"],
  ] as const) {
    it(`names the audiences [${asked.join(", ")}] and the client itself`, async () => {
      const scope = ["openid", ...asked.map((id) => `audience:server:client_id:${id}`)].join(" ");
      const tokens = tokensOf(await redeem(agent, await obtainCode(agent, { ...viaMock, scope })));
      const { claims } = await verify(tokens.id_token, server, agent);
      assert.deepEqual(claims.aud, aud);
      assert.equal(claims.azp, azp);
    });
  }

  it("has a refresh token only for offline_access, and only from a connector that permits it", async () => {
    const has = async (more: Params) =>
      tokensOf(await redeem(agent, await obtainCode(agent, more))).refresh_token !== undefined;
    assert.equal(await has({ ...viaMock, scope: "openid" }), false);
    assert.equal(await has({ ...viaMock, scope: "openid offline_access" }), true);
    assert.equal(await has({ connector_id: "no-refresh", scope: "openid offline_access" }), false);
  });
});

describe("the redirect_uri of a token request", () => {
  it("is compared as text, and a wrong one does not spend the code: RFC 6749 §4.1.3", async () => {
    const code = await obtainCode(agent, viaMock);
    for (const redirect_uri of [
      undefined,
      "",
      `${app.redirectUri}/`,
      app.redirectUri.toUpperCase(),
      "https://evil.example/",
    ]) {
      assertRefused(
        await redeem(agent, code, { redirect_uri }),
        "invalid_grant",
        "redirect_uri did not match URI from initial request.",
      );
    }
    tokensOf(await redeem(agent, code));
  });
});

describe("a code", () => {
  it("belongs to its client, and another client's attempt does not spend it", async () => {
    const code = await obtainCode(agent, viaMock);
    const other = { id: "other", secret: "other-secret", redirectUri: app.redirectUri };
    assertRefused(await redeem(agent, code, {}, other), "invalid_grant", "Invalid or expired code parameter.");
    tokensOf(await redeem(agent, code));
  });

  it("counts for thirty minutes to the millisecond, and then no more", async () => {
    const early = await obtainCode(agent, viaMock);
    const late = await obtainCode(agent, viaMock);
    await server.clock.advance(30 * minute);
    tokensOf(await redeem(agent, early));
    await server.clock.advance(1);
    assertRefused(await redeem(agent, late), "invalid_grant", "Invalid or expired code parameter.");
  });
});

describe("PKCE", () => {
  const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  const hashed = {
    ...viaMock,
    code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    code_challenge_method: "S256",
  };
  const plain = { ...viaMock, code_challenge: verifier, code_challenge_method: "plain" };
  const unnamed = { ...viaMock, code_challenge: verifier };
  const matrix: readonly (readonly [what: string, asked: Params, redeemed: Params, refusal?: string])[] = [
    ["takes the verifier of an S256 challenge: RFC 7636 appendix B", hashed, { code_verifier: verifier }],
    ["takes the verifier of a plain challenge", plain, { code_verifier: verifier }],
    ["takes a challenge without method for plain: RFC 7636 §4.3", unnamed, { code_verifier: verifier }],
    ["ignores a method without a challenge", { ...viaMock, code_challenge_method: "S256" }, {}],
    ["refuses no verifier for an S256 challenge", hashed, {}, "Expecting parameter code_verifier in PKCE flow."],
    ["refuses no verifier for a plain challenge", plain, {}, "Expecting parameter code_verifier in PKCE flow."],
    [
      "refuses a wrong verifier for an S256 challenge",
      hashed,
      { code_verifier: `${verifier}x` },
      "Invalid code_verifier.",
    ],
    [
      "refuses a wrong verifier for a plain challenge",
      plain,
      { code_verifier: `${verifier}x` },
      "Invalid code_verifier.",
    ],
    [
      "refuses an S256 challenge shown as its own verifier",
      hashed,
      { code_verifier: hashed.code_challenge },
      "Invalid code_verifier.",
    ],
    [
      "is not talked down by a method at the token endpoint: RFC 7636 §7.2",
      hashed,
      { code_verifier: hashed.code_challenge, code_challenge_method: "plain" },
      "Invalid code_verifier.",
    ],
    ["is not talked up either", plain, { code_verifier: verifier, code_challenge_method: "S256" }],
  ];
  for (const [what, asked, redeemed, refusal] of matrix) {
    it(what, async () => {
      const answer = await redeem(agent, await obtainCode(agent, asked), redeemed);
      if (refusal === undefined) tokensOf(answer);
      else assertRefused(answer, "invalid_grant", refusal);
    });
  }

  it("refuses a verifier for a code that was asked for without: RFC 9700 §4.8.2", async () => {
    const answer = await redeem(agent, await obtainCode(agent, viaMock), { code_verifier: verifier });
    assertRefused(answer, "invalid_request", "No PKCE flow started. Cannot check code_verifier.");
  });

  it("lets the client try again after a wrong verifier", async () => {
    const code = await obtainCode(agent, hashed);
    assertRefused(await redeem(agent, code, { code_verifier: "x" }), "invalid_grant");
    tokensOf(await redeem(agent, code, { code_verifier: verifier }));
  });
});

describe("oidcc-codereuse", () => {
  const offline = { ...viaMock, scope: "openid offline_access" };

  it("redeems a code once, however many ask at the same time, and the winner's tokens live", async () => {
    const code = await obtainCode(agent, offline);
    const fields = { grant_type: "authorization_code", code, redirect_uri: app.redirectUri };
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => askToken(agent, fields, app, { isFresh: true })),
    );
    assert.equal(new Set(answers.map(({ connection }) => connection)).size, 50);
    const winners = answers.filter(({ status }) => status === 200);
    assert.equal(winners.length, 1);
    for (const answer of answers) {
      if (answer.status !== 200) assertRefused(answer, "invalid_grant", "Invalid or expired code parameter.");
    }
    const tokens = winners.map(tokensOf)[0];
    assert.equal((await userinfo(agent, tokens?.access_token ?? "")).status, 200);
    const next = refreshTokenOf(await refresh(agent, tokens?.refresh_token ?? ""));

    // Somebody who shows the code now has it from elsewhere: the winner's answer has been used.
    assertRefused(
      await askToken(agent, fields, app, { isFresh: true }),
      "invalid_grant",
      "Invalid or expired code parameter.",
    );
    assertRefused(await refresh(agent, next), "invalid_grant");
    assert.equal((await userinfo(agent, tokens?.access_token ?? "")).status, 401);
  });

  it("ends what was issued when the code comes again over the connection that had the answer", async () => {
    const one = server.newAgent(1);
    const code = await obtainCode(one, offline);
    const first = await redeem(one, code);
    const again = await redeem(one, code);
    assert.equal(again.connection, first.connection);
    assertRefused(again, "invalid_grant", "Invalid or expired code parameter.");
    assertRefused(await refresh(agent, refreshTokenOf(first)), "invalid_grant");
    assert.equal((await userinfo(agent, tokensOf(first).access_token)).status, 401);
  });

  it("ends what later refreshes issued as well, ID tokens included, and nothing of another login", async () => {
    const connector_id = "mock";
    const other = await signIn(agent, { connector_id });
    const code = await obtainCode(agent, { connector_id, scope: "openid offline_access" });
    const issued = [tokensOf(await redeem(agent, code))];
    for (let round = 0; round < 2; round++) {
      await server.clock.advance(60_000);
      issued.push(tokensOf(await refresh(agent, issued.at(-1)?.refresh_token ?? "")));
    }
    const all = issued.flatMap(({ access_token, id_token = "" }) => [access_token, id_token]);
    for (const token of all) assert.equal((await userinfo(agent, token)).status, 200);
    assertRefused(await redeem(agent, code), "invalid_grant");
    for (const token of all) assert.equal((await userinfo(agent, token)).status, 401);
    assertRefused(await refresh(agent, issued.at(-1)?.refresh_token ?? ""), "invalid_grant");
    assert.equal((await userinfo(agent, other.access_token)).status, 200);
  });

  it("does not let another client end it", async () => {
    const code = await obtainCode(agent, offline);
    const first = await redeem(agent, code);
    const other = { id: "other", secret: "other-secret", redirectUri: app.redirectUri };
    await server.clock.advance(minute);
    assertRefused(await redeem(agent, code, {}, other), "invalid_grant");
    refreshTokenOf(await refresh(agent, refreshTokenOf(first)));
  });
});

describe("oidcc-codereuse-30seconds", () => {
  for (const scope of ["openid offline_access", "openid"]) {
    it(`refuses a code again after half a minute, and ends what it had issued: scope ${scope}`, async () => {
      const code = await obtainCode(agent, { ...viaMock, scope });
      const first = tokensOf(await redeem(agent, code));
      await server.clock.advance(30_000);
      const fields = { grant_type: "authorization_code", code, redirect_uri: app.redirectUri };
      assertRefused(
        await askToken(agent, fields, app, { isFresh: true }),
        "invalid_grant",
        "Invalid or expired code parameter.",
      );
      assert.equal((await userinfo(agent, first.access_token)).status, 401);
      if (first.refresh_token !== undefined) assertRefused(await refresh(agent, first.refresh_token), "invalid_grant");
    });
  }

  it("still knows a code after the half hour in which it would have counted", async () => {
    const code = await obtainCode(agent, offlineScope);
    const first = await redeem(agent, code);
    await server.clock.advance(31 * minute);
    assertRefused(await redeem(agent, code), "invalid_grant");
    assertRefused(await refresh(agent, refreshTokenOf(first)), "invalid_grant");
  });
});

const offlineScope = { ...viaMock, scope: "openid offline_access" };
