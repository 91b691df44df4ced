/** A login at a provider that is honest. OIDC Core §3.1. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { jwtVerify } from "jose";
import { aLogin, callbackUrl, noWishes, signInThrough } from "../../../test/fake/connector-deps.ts";
import type { Wishes } from "../contract.ts";
import { anUpstream, identityOf, jane, whole } from "./testing/an-upstream.ts";

describe("a login", () => {
  it("goes there with PKCE and a nonce and comes back as somebody", async (t) => {
    const { fake, open } = await anUpstream(t);
    const connector = await open({ insecureEnableGroups: true });
    const login = aLogin();
    const { identity, data } = identityOf(await signInThrough(connector, fake.authorize, login));
    assert.deepEqual(identity, whole);
    const asked = fake.heard.find(({ path }) => path === "/authorize")?.query ?? assert.fail();
    assert.deepEqual(
      [...asked.keys()],
      [
        "access_type",
        "client_id",
        "code_challenge",
        "code_challenge_method",
        "nonce",
        "prompt",
        "redirect_uri",
        "response_type",
        "scope",
        "state",
      ],
    );
    assert.equal(asked.get("scope"), "openid profile email");
    assert.equal(asked.get("prompt"), "consent");
    assert.equal(asked.get("code_challenge_method"), "S256");
    assert.equal(asked.get("state"), "the-state");
    // Dex reads what we write, and skips what it does not know.
    assert.deepEqual(Object.keys(data), ["RefreshToken", "IDToken"]);
    assert.ok(Buffer.from(data.RefreshToken ?? "", "base64").toString().length > 10);
    assert.ok(login.decisions.some(({ check, outcome }) => check === "upstream.id_token" && outcome === "pass"));
  });

  it("asks as it is told to", async (t) => {
    const { fake, open } = await anUpstream(t);
    const asked = async (config: Readonly<Record<string, unknown>>, offlineAccess = true) => {
      const connector = await open(config);
      const departure = await connector.begin(callbackUrl, () => "s", aLogin({ offlineAccess }));
      return departure.to.searchParams;
    };
    for (const promptType of ["none", "", "login"])
      assert.equal((await asked({ promptType })).get("prompt"), promptType);
    assert.equal((await asked({}, false)).get("prompt"), null);
    assert.equal((await asked({ acrValues: ["a", "b"] })).get("acr_values"), "a b");
    assert.equal((await asked({ scopes: ["openid", "groups"] })).get("scope"), "openid groups");
    const plain = await asked({ pkceChallenge: "plain" });
    assert.equal(plain.get("code_challenge_method"), "plain");
    assert.equal(plain.get("code_verifier"), null);
    fake.metadata = { code_challenge_methods_supported: undefined };
    assert.equal((await asked({})).get("code_challenge"), null);
    fake.metadata = { code_challenge_methods_supported: ["plain"] };
    assert.equal((await asked({})).get("code_challenge_method"), "plain");
  });

  it("passes on what the client asked for; the operator's acr_values come first", async (t) => {
    const { open } = await anUpstream(t);
    const asked = async (config: Readonly<Record<string, unknown>>, more: Partial<Wishes>) => {
      const login = { ...aLogin({ offlineAccess: false }), wishes: { ...noWishes, ...more } };
      return (await (await open(config)).begin(callbackUrl, () => "s", login)).to.searchParams;
    };
    const whole = { loginHint: "jane@up.test", uiLocales: ["de-AT", "fr"], acrValues: ["phr"], maxAge: 60 };
    const names = ["login_hint", "ui_locales", "acr_values", "max_age", "prompt"];
    const values = async (config: Readonly<Record<string, unknown>>, more: Partial<Wishes>) => {
      const query = await asked(config, more);
      return names.map((name) => query.get(name));
    };
    assert.deepEqual(await values({}, whole), ["jane@up.test", "de-AT fr", "phr", "60", null]);
    assert.deepEqual(await values({ acrValues: ["gold"] }, whole), ["jane@up.test", "de-AT fr", "gold", "60", null]);
    assert.deepEqual(await values({}, { mustProve: true }), [null, null, null, null, "login"]);
    assert.deepEqual(await values({}, { mustChoose: true }), [null, null, null, null, null]);
  });

  it("works with plain PKCE and without", async (t) => {
    const { fake, open } = await anUpstream(t);
    identityOf(await signInThrough(await open({ pkceChallenge: "plain" }), fake.authorize));
    fake.metadata = { code_challenge_methods_supported: [] };
    identityOf(await signInThrough(await open(), fake.authorize));
  });

  it("says that the person said no", async (t) => {
    const { fake, open } = await anUpstream(t);
    fake.person = undefined;
    assert.deepEqual(await signInThrough(await open(), fake.authorize), { ok: false, reason: "cancelled" });
  });

  it("refuses a callback of another configuration", async (t) => {
    const { open } = await anUpstream(t);
    const connector = await open({ redirectURI: "https://other.test/callback" });
    await assert.rejects(
      connector.begin(callbackUrl, () => "s", aLogin()),
      /did not match the URL in the config/,
    );
  });

  it("lets in members of the allowed groups alone", async (t) => {
    const { fake, open } = await anUpstream(t);
    for (const insecureEnableGroups of [true, false]) {
      const config = { insecureEnableGroups, allowedGroups: ["elsewhere"] };
      assert.deepEqual(await signInThrough(await open(config), fake.authorize), {
        ok: false,
        reason: "not_in_required_groups",
      });
    }
  });

  it("keeps names as they are, whatever their characters, and ten thousand groups", async (t) => {
    const { fake, open } = await anUpstream(t);
    const groups = Array.from({ length: 10_000 }, (_, index) => `cn=g${index},ou="ü\\ <b>`);
    fake.person = 'a*)(uid=%00"\\<&>/é💥';
    fake.people.set(fake.person, { ...jane, name: "O'Brien; DROP", groups });
    const { identity, data } = identityOf(
      await signInThrough(await open({ insecureEnableGroups: true }), fake.authorize),
    );
    assert.equal(identity.userId, fake.person);
    assert.deepEqual(identity.groups, groups);
    assert.equal(data.IDToken, undefined, "too long a hint is not kept");
  });

  it("adds what userinfo says", async (t) => {
    const { fake, open } = await anUpstream(t);
    fake.claims = ({ groups: _, email: __, ...usual }) => usual;
    fake.userinfo.set("jane", { sub: "jane", email: "new@up.test", groups: ["g"], email_verified: "true" });
    const connector = await open({ getUserInfo: true, insecureEnableGroups: true });
    const { identity } = identityOf(await signInThrough(connector, fake.authorize));
    assert.deepEqual(identity, { ...whole, email: "new@up.test", groups: ["g"] });
  });

  it("takes signed userinfo, if it is for us", async (t) => {
    const { fake, open } = await anUpstream(t);
    const connector = await open({ getUserInfo: true });
    const answer = async (claims: Readonly<Record<string, unknown>>) => {
      fake.next("/userinfo", { headers: { "content-type": "application/jwt" }, body: await fake.signUsual(claims) });
      return signInThrough(connector, fake.authorize);
    };
    const signed = { sub: "jane", email: "signed@up.test", iss: fake.issuer, aud: [fake.clientId] };
    assert.equal(identityOf(await answer(signed)).identity.email, "signed@up.test");
    await assert.rejects(answer({ ...signed, aud: "other" }), /for another client/);
    await assert.rejects(answer({ ...signed, iss: "https://other.test" }), /of another provider/);
  });

  it("works with every algorithm that is asymmetric", async (t) => {
    for (const algorithm of ["RS256", "PS256", "EdDSA"] as const) {
      const { fake, open } = await anUpstream(t, { algorithm });
      identityOf(await signInThrough(await open(), fake.authorize));
    }
  });

  it("proves who it is in the way that the provider wants", async (t) => {
    const body = await anUpstream(t, { secretIn: "body" });
    body.fake.metadata = { token_endpoint_auth_methods_supported: ["client_secret_post"] };
    identityOf(await signInThrough(await body.open(), body.fake.authorize));
    identityOf(await signInThrough(await body.open({ basicAuthUnsupported: true }), body.fake.authorize));
    assert.equal(body.fake.heard.filter(({ path }) => path === "/token").length, 2);
    const header = await anUpstream(t, { secretIn: "header" });
    identityOf(await signInThrough(await header.open({ basicAuthUnsupported: false }), header.fake.authorize));
  });

  it("proves who it is with a signed assertion, or with one that somebody else renews", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "dex-jwt-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const keyFile = join(folder, "key.pem");
    writeFileSync(keyFile, privateKey.export({ type: "pkcs8", format: "pem" }));
    writeFileSync(join(folder, "token"), "ready.made.one\n");
    const { fake, open } = await anUpstream(t);
    const presented = async (config: Readonly<Record<string, unknown>>) => {
      // The fake knows secrets alone, so the login itself fails.
      await assert.rejects(signInThrough(await open(config), fake.authorize), /invalid_client/);
      const { form, headers } = fake.heard.findLast(({ path }) => path === "/token") ?? assert.fail();
      assert.equal(headers.authorization, undefined);
      assert.equal(form.get("client_secret"), null);
      return form.get("client_assertion") ?? assert.fail();
    };
    const { payload, protectedHeader } = await jwtVerify(
      await presented({ privateKeyJWT: { keyFile, keyID: "k1" } }),
      publicKey,
      {
        issuer: "dex",
        subject: "dex",
        audience: `${fake.url}/token`,
        requiredClaims: ["jti", "exp"],
      },
    );
    assert.deepEqual(protectedHeader, { alg: "RS256", kid: "k1" });
    assert.ok((payload.exp ?? 0) - (payload.iat ?? 0) <= 60);
    assert.equal(await presented({ clientAssertionFile: join(folder, "token") }), "ready.made.one");
  });
});
