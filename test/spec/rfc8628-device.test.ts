/** A device without a browser, and a person with one elsewhere. RFC 8628, at Dex's addresses. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, describe, it } from "node:test";
import { z } from "zod";
import {
  app,
  askToken,
  assertPage,
  assertRefused,
  authPath,
  codeOf,
  type Params,
  type RelyingParty,
  redeem,
  refresh,
  refreshTokenOf,
  type Tokens,
  tokensOf,
  unescapeHtml,
  userinfo,
  verify,
} from "./relying-party.ts";
import {
  type ConfigFile,
  issuer,
  mockConnector,
  passwordConnector,
  startServerUnderTest,
} from "./server-under-test.ts";
import type { Answer, UserAgent } from "./user-agent.ts";

const file: ConfigFile = {
  staticClients: [
    { id: "cli", name: "The CLI", public: true },
    { id: "tv", name: "The TV", secret: "tv-secret", redirectURIs: ["/dex/device/callback"] },
    { id: "short", name: "Short", secret: "x", redirectURIs: ["/device/callback"] },
    { id: "whole", name: "Whole", secret: "x", redirectURIs: [`${issuer}/device/callback`] },
    { id: "web", name: "Web", secret: "x", redirectURIs: ["https://app.example/device/callback"] },
    { id: "peer", name: "The Peer", secret: "x", redirectURIs: [], trustedPeers: ["cli"] },
  ],
};
const server = await startServerUnderTest(file);
const asking = await startServerUnderTest({ ...file, oauth2: {}, connectors: [passwordConnector] });
const strict = await startServerUnderTest({
  ...file,
  oauth2: { skipApprovalScreen: true, pkce: { enforce: true } },
  expiry: { deviceRequests: "10m" },
});
const off = await startServerUnderTest({ ...file, oauth2: { grantTypes: ["authorization_code"] } });
after(() => Promise.all([server, asking, strict, off].map((each) => each.close())));

const grantType = "urn:ietf:params:oauth:grant-type:device_code";
const cli: RelyingParty = { id: "cli", redirectUri: "/device/callback" };
const tv: RelyingParty = { id: "tv", secret: "tv-secret", redirectUri: "/dex/device/callback" };

const begun = z.strictObject({
  device_code: z.string().regex(/^[a-z][a-z2-7]{50}$/),
  user_code: z.string().regex(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/),
  verification_uri: z.literal(`${issuer}/device`),
  verification_uri_complete: z.string(),
  expires_in: z.number(),
  interval: z.literal(5),
});
type Begun = z.output<typeof begun>;

const defined = (form: Params): (readonly [string, string])[] =>
  Object.entries(form).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));

const begin = (device: UserAgent, more: Params = {}, client = cli): Promise<Answer> =>
  device.ask("/device/code", {
    method: "POST",
    form: defined({ client_id: client.id, client_secret: client.secret, ...more }),
  });

async function codes(device: UserAgent, more: Params = {}, client = cli): Promise<Begun> {
  const { status, body, headers } = await begin(device, more, client);
  assert.equal(status, 200, body);
  assert.equal(headers["cache-control"], "no-store");
  return begun.parse(JSON.parse(body));
}

const poll = (device: UserAgent, device_code: string, more: Params = {}, client = cli): Promise<Answer> =>
  askToken(device, { grant_type: grantType, device_code, ...more }, client);

const enter = (person: UserAgent, user_code: string, more: Params = {}): Promise<Answer> =>
  person.ask("/device/auth/verify_code", { method: "POST", form: defined({ user_code, ...more }) });

/** The field that only the page in this browser holds. */
const confirmOf = ({ body }: Answer): string =>
  unescapeHtml(/name="confirm" value="([^"]*)"/.exec(body)?.[1] ?? assert.fail(body));

/** Types the code in and agrees; the answer that begins the login. */
async function agree(person: UserAgent, userCode: string): Promise<Answer> {
  const page = await enter(person, userCode);
  assert.equal(page.status, 200, page.body);
  return enter(person, userCode, { confirm: confirmOf(page), approval: "approve" });
}

/** All that the person does. */
async function approve(person: UserAgent, userCode: string): Promise<void> {
  const last = await person.follow(await agree(person, userCode));
  assert.equal(last.status, 200, last.body);
  assert.match(last.body, /Your device is connected/);
}

async function connect(device: UserAgent, person: UserAgent, more: Params = {}, client = cli): Promise<Tokens> {
  const { device_code, user_code } = await codes(device, more, client);
  await approve(person, user_code);
  return tokensOf(await poll(device, device_code, {}, client));
}

describe("a device", () => {
  it("gets codes, an address for its person, and the time that there is: RFC 8628 §3.2", async () => {
    const answer = await codes(server.newAgent());
    assert.equal(answer.expires_in, 300);
    assert.equal(answer.verification_uri_complete, `${issuer}/device?user_code=${answer.user_code}`);
    assert.equal((await codes(strict.newAgent())).expires_in, 600);
  });

  for (const [what, client] of [
    ["a public client", cli],
    ["a client with a secret", tv],
    ["a client that registered the path without the issuer's", { ...tv, id: "short", secret: "x" }],
    ["a client that registered the whole address", { ...tv, id: "whole", secret: "x" }],
  ] as const) {
    it(`of ${what} is logged in once its person agrees`, async () => {
      const device = server.newAgent();
      const tokens = await connect(device, server.newAgent(), { scope: "openid email offline_access" }, client);
      const { claims } = await verify(tokens.id_token, server, device);
      assert.deepEqual(
        [claims.sub, claims.aud, claims.email, claims.c_hash, typeof claims.auth_time],
        ["Cg0wLTM4NS0yODA4OS0wEgRtb2Nr", client.id, "kilgore@kilgore.trout", undefined, "number"],
      );
      assert.equal((await userinfo(device, tokens.access_token)).status, 200);
      refreshTokenOf(await refresh(device, tokens.refresh_token ?? "", {}, client));
    });
  }

  it("asks for openid where it names no scope, and may ask for an audience", async () => {
    const device = server.newAgent();
    const tokens = await connect(device, server.newAgent());
    assert.equal(tokens.refresh_token, undefined);
    const more = { scope: "openid audience:server:client_id:peer" };
    const { claims } = await verify((await connect(device, server.newAgent(), more)).id_token, server, device);
    assert.deepEqual(claims.aud, ["peer", "cli"]);
  });

  it("may say what it is by client_secret_basic, or in the address but for the secret, as in Dex", async () => {
    const device = server.newAgent();
    const headers = { authorization: `Basic ${btoa("tv:tv-secret")}` };
    assert.equal((await device.ask("/device/code", { method: "POST", form: {}, headers })).status, 200);
    assert.equal((await device.post("/device/code?client_id=cli&scope=openid", {})).status, 200);
    const inAddress = await device.post("/device/code?client_id=tv&client_secret=tv-secret", {});
    assertRefused(inAddress, "invalid_client", undefined, 401);
  });

  const refusals: readonly (readonly [what: string, more: Params, error: string, description?: string])[] = [
    ["without openid", { scope: "email" }, "invalid_scope", 'Missing required scope(s) ["openid"].'],
    ["for a scope without a meaning", { scope: "openid wat" }, "invalid_scope", 'Unrecognized scope(s) ["wat"]'],
    ["for a distrusting audience", { scope: "openid audience:server:client_id:web" }, "invalid_scope"],
    [
      "with a challenge of an unknown kind",
      { code_challenge: "x", code_challenge_method: "S512" },
      "invalid_request",
      'Unsupported PKCE challenge method ("S512").',
    ],
    ["with a malformed challenge", { code_challenge: "x", code_challenge_method: "S256" }, "invalid_request"],
  ];
  for (const [what, more, error, description] of refusals) {
    it(`is refused ${what}, before its person walks`, async () => {
      assertRefused(await begin(server.newAgent(), more), error, description);
    });
  }

  it("is refused where its client is unknown, has not proved itself, or is not registered for this", async () => {
    const device = server.newAgent();
    for (const more of [{ client_id: "none" }, { client_id: undefined }, { client_id: "tv" }]) {
      assertRefused(await begin(device, more), "invalid_client", undefined, 401);
    }
    assertRefused(await begin(device, {}, { ...tv, secret: "wrong" }), "invalid_client", undefined, 401);
    assertRefused(await begin(device, {}, { ...app, id: "web", secret: "x" }), "unauthorized_client");
    assertRefused(await begin(off.newAgent()), "unauthorized_client");
    assertRefused(await device.get("/device/code?client_id=cli"), "invalid_request");
  });
});

describe("while the person has not decided, the device", () => {
  it("hears so, and slow_down for each poll too soon: RFC 8628 §3.5", async () => {
    const device = server.newAgent();
    const { device_code } = await codes(device);
    const ask = async (afterMs: number, error: string): Promise<void> => {
      await server.clock.advance(afterMs);
      assertRefused(await poll(device, device_code), error, "");
    };
    await ask(0, "authorization_pending");
    await ask(4_999, "slow_down");
    await ask(9_999, "slow_down");
    await ask(15_000, "authorization_pending");
    await ask(5_000, "authorization_pending");
  });

  it("hears expired_token when the time is over, to the millisecond", async () => {
    const device = server.newAgent();
    const { device_code, user_code } = await codes(device);
    await server.clock.advance(300_000);
    assertRefused(await poll(device, device_code), "authorization_pending", "");
    await server.clock.advance(1);
    assertRefused(await poll(device, device_code), "expired_token", "");
    assert.equal((await enter(server.newAgent(), user_code)).status, 400);
  });

  it("needs its client's name and secret, and is nothing to another client: RFC 8628 §3.4", async () => {
    const device = server.newAgent();
    const { device_code } = await codes(device, {}, tv);
    assertRefused(await poll(device, device_code, { client_secret: undefined }, tv), "invalid_client", undefined, 401);
    assertRefused(await poll(device, device_code, { client_id: undefined }), "invalid_client", undefined, 401);
    assertRefused(await poll(device, device_code), "invalid_grant", "Invalid Device code.");
  });

  it("is told of a code that is none", async () => {
    const device = server.newAgent();
    assertRefused(await askToken(device, { grant_type: grantType }, cli), "invalid_request", "No device code received");
    for (const code of ["x", "a".repeat(51), `h1${"a".repeat(51)}`, "é", "A".repeat(5_000)]) {
      assertRefused(await poll(device, code), "invalid_grant", "Invalid Device code.");
    }
  });
});

describe("the tokens of an approved device", () => {
  it("are handed out once, however many polls come at once, and last their whole time", async () => {
    const device = server.newAgent();
    const { device_code, user_code } = await codes(device, { scope: "openid offline_access" });
    await approve(server.newAgent(), user_code);
    await server.clock.advance(60_000);
    const answers = await Promise.all(Array.from({ length: 20 }, () => poll(device, device_code)));
    const [won, ...more] = answers.filter(({ status }) => status === 200);
    assert.ok(won !== undefined);
    assert.equal(more.length, 0);
    for (const answer of answers.filter(({ status }) => status !== 200)) assertRefused(answer, "invalid_grant");
    assert.ok(tokensOf(won).expires_in >= 86_399);
    assertRefused(await poll(device, device_code), "invalid_grant", "Invalid Device code.");
    refreshTokenOf(await refresh(device, refreshTokenOf(won), {}, cli));
  });

  it("need the verifier of the challenge, and a wrong one spends nothing: RFC 7636", async () => {
    for (const [method, verifier] of [
      ["S256", "v".repeat(43)],
      ["plain", "w".repeat(43)],
      [undefined, "u".repeat(43)],
    ] as const) {
      const challenge = method === "S256" ? createHash("sha256").update(verifier).digest("base64url") : verifier;
      const device = server.newAgent();
      const more = { code_challenge: challenge, code_challenge_method: method };
      const { device_code, user_code } = await codes(device, more);
      await approve(server.newAgent(), user_code);
      const missing = "Expecting parameter code_verifier in PKCE flow.";
      assertRefused(await poll(device, device_code), "invalid_grant", missing);
      const wrong = await poll(device, device_code, { code_verifier: "x".repeat(43) });
      assertRefused(wrong, "invalid_grant", "Invalid code_verifier.");
      tokensOf(await poll(device, device_code, { code_verifier: verifier }));
    }
  });

  it("need no challenge where authorization requests must have one", async () => {
    await connect(strict.newAgent(), strict.newAgent());
  });

  it("refuse a verifier that nobody asked for", async () => {
    const device = server.newAgent();
    const { device_code, user_code } = await codes(device);
    await approve(server.newAgent(), user_code);
    assertRefused(await poll(device, device_code, { code_verifier: "x".repeat(43) }), "invalid_request");
    tokensOf(await poll(device, device_code));
  });
});

describe("the person", () => {
  it("finds the code of the link filled in, a picture of the link, and nothing decided", async () => {
    const { user_code, verification_uri_complete, device_code } = await codes(server.newAgent());
    const person = server.newAgent();
    const page = await person.get(verification_uri_complete);
    assertPage(page, 200);
    assert.match(page.body, new RegExp(`value="${user_code}"`));
    assert.match(page.body, /action="\/dex\/device\/auth\/verify_code"/);
    const qr = await person.get(`/device/qr?user_code=${user_code}`);
    assert.deepEqual([qr.status, qr.headers["content-type"]], [200, "image/svg+xml"]);
    assert.match(qr.body, /^<svg /);
    assert.equal((await person.get("/device/qr?user_code=x")).status, 404);
    assertRefused(await poll(server.newAgent(), device_code), "authorization_pending", "");
  });

  it("sees a wrong code marked as wrong, also by Dex's address for it", async () => {
    const person = server.newAgent();
    for (const answer of [await enter(person, "BCDF-GHJK"), await person.get("/device?invalid=true&user_code=x")]) {
      assertPage(answer, 400);
      assert.match(answer.body, /This code is wrong or has expired/);
    }
    assertPage(await person.post("/device/auth/verify_code", {}), 400, "No user code received");
    assertPage(await person.get("/device/auth/verify_code"), 400);
    assertPage(await person.post("/device", {}), 400);
  });

  it("types the code in any case, with or without the hyphen", async () => {
    const person = server.newAgent();
    const { user_code } = await codes(server.newAgent());
    for (const typed of [user_code.toLowerCase(), user_code.replace("-", ""), ` ${user_code.replace("-", " ")} `]) {
      confirmOf(await enter(person, typed));
    }
  });

  it("is told which client asks for what before anything is approved: RFC 8628 §5.4", async () => {
    const more = { scope: "openid email audience:server:client_id:peer" };
    const { user_code, device_code } = await codes(server.newAgent(), more);
    const page = await enter(server.newAgent(), user_code);
    for (const text of ["The CLI", user_code, "See your email address", "The Peer"]) {
      assert.ok(page.body.includes(text), text);
    }
    assertRefused(await poll(server.newAgent(), device_code), "authorization_pending", "");
  });

  it("says no, and the device hears access_denied", async () => {
    const device = server.newAgent();
    const person = server.newAgent();
    const { user_code, device_code } = await codes(device);
    const confirm = confirmOf(await enter(person, user_code));
    const denied = await enter(person, user_code, { confirm, approval: "rejected" });
    assertPage(denied, 200);
    assert.match(denied.body, /No device was connected/);
    assertRefused(await poll(device, device_code), "access_denied", "");
    assert.equal((await enter(person, user_code)).status, 400);
  });

  it("refuses consent after the login, and the device hears that too", async () => {
    const device = asking.newAgent();
    const person = asking.newAgent();
    const { user_code, device_code } = await codes(device);
    const form = await person.follow(await agree(person, user_code));
    const consent = await person.follow(await person.post(form.url.href, { login: "kilgore", password: "trout" }));
    const req = unescapeHtml(/name="req" value="([^"]*)"/.exec(consent.body)?.[1] ?? assert.fail(consent.body));
    const last = await person.follow(await person.post(consent.url.href, { req, approval: "rejected" }));
    assertPage(last, 400, "Authorization failed. Please try again.");
    assertRefused(await poll(device, device_code), "access_denied", "");
  });

  it("approves a code once", async () => {
    const person = server.newAgent();
    const { user_code } = await codes(server.newAgent());
    const first = await agree(person, user_code);
    await approve(person, user_code);
    assertPage(await person.follow(first), 400, "Invalid or expired user code.");
    assert.equal((await enter(person, user_code)).status, 400);
  });
});

describe("an attacker who sends people links", () => {
  /** What the attacker has: codes of a device of theirs, and their own browser's address after "yes". */
  async function prepared() {
    const device = server.newAgent();
    const attacker = server.newAgent();
    const { user_code, device_code } = await codes(device);
    const agreed = await agree(attacker, user_code);
    return { device, attacker, user_code, device_code, agreed };
  }

  it("gets nothing by the address that follows the attacker's own yes", async () => {
    const { device, device_code, agreed } = await prepared();
    const victim = server.newAgent();
    assertPage(await victim.follow(agreed), 400, "Invalid or expired user code.");
    assertRefused(await poll(device, device_code), "authorization_pending", "");
  });

  it("gets nothing by an authorization request of Dex's form, with the bare user code as state", async () => {
    const { device, user_code, device_code } = await prepared();
    const victim = server.newAgent();
    await victim.get("/device");
    const path = authPath({ redirect_uri: "/device/callback", state: user_code }, cli);
    assertPage(await victim.follow(await victim.get(path)), 400, "Invalid or expired user code.");
    assertRefused(await poll(device, device_code), "authorization_pending", "");
  });

  it("gets nothing by a form that posts the code, with a proof from the attacker's browser or none", async () => {
    const { attacker, user_code } = await prepared();
    const victim = server.newAgent();
    confirmOf(await enter(victim, user_code));
    const stolen = confirmOf(await enter(attacker, user_code));
    for (const confirm of [stolen, "x", "1.x"]) {
      assertPage(await enter(victim, user_code, { confirm, approval: "approve" }), 400, "User session error.");
    }
    const other = (await codes(server.newAgent())).user_code;
    const own = confirmOf(await enter(victim, other));
    assertPage(await enter(victim, user_code, { confirm: own, approval: "approve" }), 400, "User session error.");
  });

  it("gets no code that can be redeemed elsewhere, and hands none in", async () => {
    const person = server.newAgent();
    const { user_code } = await codes(server.newAgent());
    // The login ends at our own address, with a code in it.
    let last = await agree(person, user_code);
    while (last.location !== undefined && !last.location.pathname.endsWith("/device/callback")) {
      last = await person.get(last.location.href);
    }
    const code = codeOf(last);
    const redeemed = await redeem(person, code, { redirect_uri: "/dex/device/callback" }, cli);
    assertRefused(redeemed, "invalid_grant", "Invalid or expired code parameter.");
    const state = last.location?.searchParams.get("state") ?? "";
    for (const foreign of ["x", "a".repeat(25)]) {
      const query = new URLSearchParams({ code: foreign, state });
      assertPage(await person.get(`/device/callback?${query}`), 400, "Invalid or expired auth code.");
    }
    assertPage(await person.get(`/device/callback?code=${code}`), 400, "Request was missing parameters");
    assertPage(await person.post(last.location?.href ?? "", {}), 400, "Method not allowed.");
    assertPage(await person.follow(last), 200);
  });

  it("may try few codes only: RFC 8628 §5.1", async () => {
    const guarded = await startServerUnderTest(file);
    const attacker = guarded.newAgent();
    const { user_code } = await codes(guarded.newAgent());
    for (let attempt = 0; attempt < 20; attempt++) assert.equal((await enter(attacker, "BBBB-BBBB")).status, 400);
    assertPage(await enter(attacker, user_code), 429);
    await guarded.clock.advance(5 * 60_000);
    const { user_code: later } = await codes(guarded.newAgent());
    assert.equal((await enter(attacker, later)).status, 200);
    await guarded.close();
  });
});

it("whoever proves nothing gets a hundred codes a minute; a client with a secret as many as it asks for", async () => {
  const guarded = await startServerUnderTest(file);
  for (let count = 0; count < 100; count++) await codes(guarded.newAgent());
  const refused = await begin(guarded.newAgent());
  assert.deepEqual([refused.status, refused.headers["retry-after"]], [429, "60"]);
  await codes(guarded.newAgent(), {}, tv);
  await guarded.clock.advance(60_000);
  await codes(guarded.newAgent());
  await guarded.close();
});

it("a connector that does not permit the grant is not offered for it", async () => {
  const other = await startServerUnderTest({
    ...file,
    connectors: [{ ...mockConnector, grantTypes: ["authorization_code"] }],
  });
  const { user_code } = await codes(other.newAgent());
  const person = other.newAgent();
  assertPage(await person.follow(await agree(person, user_code)), 400, "No connectors available for this client.");
  await other.close();
});
