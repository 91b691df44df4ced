/** Security keys as a second factor. WebAuthn Level 3 §7.1, §7.2; Dex's mfaChain. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { z } from "zod";
import { type SecurityKey, securityKey } from "../fake/security-key.ts";
import { enrol, free, leaveCodes, logIn, recoveryCodesOn, startWithFactors, totp } from "./mfa.ts";
import { assertPage, assertTold, authorize, codeOf, redeem, tokensOf, verify } from "./relying-party.ts";
import { appClient, type ConfigFile, type ServerUnderTest } from "./server-under-test.ts";
import type { Answer, UserAgent } from "./user-agent.ts";

const key = { id: "key", type: "WebAuthn", config: { rpID: "localhost", rpOrigins: ["http://localhost:5556"] } };
const keyOptions = { rpId: "localhost", origin: "http://localhost:5556" };

async function start(t: { after(run: () => unknown): void }, file: ConfigFile = {}): Promise<ServerUnderTest> {
  const staticClients = [{ ...appClient, mfaChain: ["key"] }];
  const server = await startWithFactors({ staticClients, mfa: { authenticators: [key] }, ...file });
  t.after(() => server.close());
  return server;
}

const post = (agent: UserAgent, page: Answer, what: string, body?: unknown): Promise<Answer> =>
  agent.ask(`/mfa/webauthn/${what}${page.url.search}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

const beginShape = z.object({ publicKey: z.looseObject({ challenge: z.string().min(40) }) });

async function begin(agent: UserAgent, page: Answer, ceremony: "login" | "register") {
  const answer = await post(agent, page, `${ceremony}/begin`);
  assert.equal(answer.status, 200, answer.body);
  return beginShape.parse(JSON.parse(answer.body)).publicKey;
}

/** Where a finished ceremony leads. */
const redirectOf = ({ status, body }: Answer): string => {
  assert.equal(status, 200, body);
  return z.strictObject({ redirect: z.string(), status: z.literal("ok") }).parse(JSON.parse(body)).redirect;
};

const goOn = async (agent: UserAgent, answer: Answer): Promise<Answer> =>
  agent.follow(await agent.get(new URL(redirectOf(answer), answer.url).href));

const isRefused = (answer: Answer, status: number): void => {
  assert.equal(answer.status, status, answer.body);
  assert.deepEqual(Object.keys(JSON.parse(answer.body)), ["error"]);
};

/** A person who has just registered a key. */
async function withKey(t: { after(run: () => unknown): void }, file: ConfigFile = {}) {
  const server = await start(t, file);
  const agent = server.newAgent();
  const page = await logIn(agent);
  const device = securityKey(keyOptions);
  const { challenge } = await begin(agent, page, "register");
  const finished = await post(agent, page, "register/finish", device.register(challenge));
  const shown = await goOn(agent, finished);
  assert.equal(recoveryCodesOn(shown).length, 10);
  codeOf(await leaveCodes(agent, shown));
  return { server, agent, device };
}

/** A fresh login at the page of the key. */
async function atKey(server: ServerUnderTest) {
  const agent = server.newAgent();
  const page = await logIn(agent);
  assert.match(page.url.pathname, /\/mfa\/webauthn$/);
  return { agent, page };
}

async function sign(agent: UserAgent, page: Answer, device: SecurityKey): Promise<Answer> {
  return post(agent, page, "login/finish", device.sign((await begin(agent, page, "login")).challenge));
}

describe("a security key", () => {
  it("is registered after the password, asked for next time, and told in amr and acr", async (t) => {
    const { server, device } = await withKey(t);
    const { agent, page } = await atKey(server);
    assert.match(String(page.headers["content-security-policy"]), /script-src 'self'; connect-src 'self'/);
    const answer = await goOn(agent, await sign(agent, page, device));
    const { claims } = await verify(tokensOf(await redeem(agent, codeOf(answer))).id_token, server, agent);
    assert.deepEqual(claims.amr, ["pwd", "hwk", "mfa"]);
    // The session has it; a request for the strongest context is met.
    const acr = JSON.stringify({ id_token: { acr: { essential: true, value: "phr" } } });
    const again = await redeem(agent, codeOf(await authorize(agent, { prompt: "none", claims: acr })));
    assert.equal((await verify(tokensOf(again).id_token, server, agent)).claims.acr, "phr");
  });

  it("keeps the person's name to us: its handle says nothing", async (t) => {
    const server = await start(t);
    const { agent, page } = await atKey(server);
    const options = await begin(agent, page, "register");
    const user = z.object({ id: z.string() }).parse(options.user);
    assert.equal(Buffer.from(user.id, "base64url").length, 64);
    assert.deepEqual(options.rp, { id: "localhost", name: "localhost" });
    assert.equal(options.attestation, "indirect");
    const second = await atKey(server);
    const other = z.object({ id: z.string() }).parse((await begin(second.agent, second.page, "register")).user);
    assert.equal(other.id, user.id);
  });

  it("takes the operator's settings", async (t) => {
    const config = {
      ...key.config,
      rpDisplayName: "The Issuer",
      attestationPreference: "none",
      userVerification: "required",
      authenticatorAttachment: "cross-platform",
      timeout: "60s",
    };
    const server = await start(t, { mfa: { authenticators: [{ ...key, config }] } });
    const { agent, page } = await atKey(server);
    const options = await begin(agent, page, "register");
    assert.deepEqual(
      [options.rp, options.attestation, options.timeout],
      [{ id: "localhost", name: "The Issuer" }, "none", 60_000],
    );
    const selection = z.looseObject({}).parse(options.authenticatorSelection);
    assert.equal(selection.userVerification, "required");
    assert.equal(selection.authenticatorAttachment, "cross-platform");
    const device = securityKey(keyOptions);
    device.isVerifying = false;
    isRefused(await post(agent, page, "register/finish", device.register(options.challenge)), 400);
    device.isVerifying = true;
    const late = await begin(agent, page, "register");
    await server.clock.advance(60_001);
    isRefused(await post(agent, page, "register/finish", device.register(late.challenge)), 400);
    const { challenge } = await begin(agent, page, "register");
    redirectOf(await post(agent, page, "register/finish", device.register(challenge)));
    const next = await atKey(server);
    device.isVerifying = false;
    isRefused(await sign(next.agent, next.page, device), 401);
    device.isVerifying = true;
    redirectOf(await sign(next.agent, next.page, device));
  });
});

describe("nobody gets past a key", () => {
  it("by registering another one with the password alone", async (t) => {
    const { server } = await withKey(t);
    const { agent, page } = await atKey(server);
    isRefused(await post(agent, page, "register/begin"), 409);
    const mine = securityKey(keyOptions);
    isRefused(await post(agent, page, "register/finish", mine.register("AAAA")), 409);
    isRefused(await sign(agent, page, mine), 401);
  });

  it("by registering twice at the same time", async (t) => {
    const server = await start(t);
    const tabs = await Promise.all([atKey(server), atKey(server)]);
    const answers = await Promise.all(
      tabs.map(async ({ agent, page }) => {
        const { challenge } = await begin(agent, page, "register");
        return post(agent, page, "register/finish", securityKey(keyOptions).register(challenge));
      }),
    );
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 400]);
  });

  it("by sending an answer again, or to another login", async (t) => {
    const { server, device } = await withKey(t);
    const { agent, page } = await atKey(server);
    const assertion = device.sign((await begin(agent, page, "login")).challenge);
    const thief = await atKey(server);
    await begin(thief.agent, thief.page, "login");
    isRefused(await post(thief.agent, thief.page, "login/finish", assertion), 401);
    redirectOf(await post(agent, page, "login/finish", assertion));
    isRefused(await post(agent, page, "login/finish", assertion), 401);
    // Without a challenge of this login nothing counts.
    isRefused(await post(thief.agent, thief.page, "login/finish", device.sign("AAAAAAAAAAAAAAAAAAAAAA")), 401);
  });

  it("by fifty answers at the same time to one challenge", async (t) => {
    const { server, device } = await withKey(t);
    const { agent, page } = await atKey(server);
    const assertion = device.sign((await begin(agent, page, "login")).challenge);
    const answers = await Promise.all(Array.from({ length: 50 }, () => post(agent, page, "login/finish", assertion)));
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  });

  it("with a copy of the key, whose counter is behind; the key itself goes on", async (t) => {
    const { server, device } = await withKey(t);
    const first = await atKey(server);
    redirectOf(await sign(first.agent, first.page, device));
    const { agent, page } = await atKey(server);
    device.counter -= 1;
    isRefused(await sign(agent, page, device), 401);
    assert.ok(server.log.some((line) => line.includes("a copy of it may be in use")));
    device.counter += 1;
    redirectOf(await sign(agent, page, device));
  });

  it("from another site's page, or as another party", async (t) => {
    const { server, device } = await withKey(t);
    const { agent, page } = await atKey(server);
    const jwk = { ...keyOptions, id: Buffer.from(device.id, "base64url") };
    for (const wrong of [
      { ...jwk, origin: "http://evil.example" },
      { ...jwk, rpId: "evil.example" },
    ]) {
      isRefused(await sign(agent, page, securityKey({ ...wrong, counter: 100 })), 401);
    }
  });

  it("with a key that says it is somebody else's; one that says its own person goes on", async (t) => {
    const server = await start(t);
    const owner = await atKey(server);
    const { challenge: first, user: told } = await begin(owner.agent, owner.page, "register");
    const own = z.object({ id: z.string() }).parse(told).id;
    const device = securityKey(keyOptions);
    redirectOf(await post(owner.agent, owner.page, "register/finish", device.register(first)));
    const { agent, page } = await atKey(server);
    for (const [user, connector] of [
      ["somebody", "pw"],
      ["0-385-28089-0", "other"],
    ]) {
      device.userHandle = Buffer.from(`${user}|${connector}`).toString("base64url");
      isRefused(await sign(agent, page, device), 401);
      assert.ok(server.log.some((line) => line.includes("it names somebody else")));
    }
    const { challenge } = await begin(agent, page, "login");
    device.userHandle = own;
    redirectOf(await post(agent, page, "login/finish", device.sign(challenge)));
  });

  it("with what is no answer at all", async (t) => {
    const { server } = await withKey(t);
    const { agent, page } = await atKey(server);
    for (const body of [null, [], "x", {}, { id: 1 }, { id: "a", rawId: "a", type: "public-key", response: {} }]) {
      await begin(agent, page, "login");
      isRefused(await post(agent, page, "login/finish", body), 401);
    }
    const bare = `/mfa/webauthn/login/finish${page.url.search}`;
    isRefused(
      await agent.ask(bare, { method: "POST", body: "{", headers: { "content-type": "application/json" } }),
      401,
    );
    isRefused(await agent.get(bare), 405);
  });

  it("with an address of another browser, step or factor", async (t) => {
    const { server } = await withKey(t);
    const { page } = await atKey(server);
    assertPage(await post(server.newAgent(), page, "login/begin"), 401, "Unauthorized request");
    const { agent, page: own } = await atKey(server);
    assertPage(await agent.get(`/mfa${own.url.search}`), 401, "Unauthorized request");
    assertPage(await agent.get(`/mfa/totp${own.url.search}`), 400, "This second factor is of another kind.");
    assertTold(await authorize(agent, { prompt: "none" }), { error: "interaction_required", state: "a state" });
  });

  it("through a client whose chain is weaker: the stronger one asks for its own", async (t) => {
    const staticClients = [
      { ...appClient, mfaChain: ["totp", "key"] },
      {
        id: "free",
        secret: free.secret,
        name: "free",
        redirectURIs: [free.redirectUri],
        mfaChain: ["totp"],
        ssoSharedWith: ["*"],
      },
    ];
    const server = await start(t, { staticClients, mfa: { authenticators: [totp, key] } });
    const agent = server.newAgent();
    const { answer } = await enrol(agent, await logIn(agent, {}, free), server);
    codeOf(answer);
    const next = await authorize(agent);
    assert.match(next.url.pathname, /\/mfa\/webauthn$/);
    assertTold(await authorize(agent, { prompt: "none" }), { error: "interaction_required", state: "a state" });
  });
});
