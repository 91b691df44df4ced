/** Tokens that were issued elsewhere, and the end of a session. RFC 8693, OIDC RP-Initiated and Back-Channel Logout. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { aLogin, callbackAt, callbackUrl, signInThrough } from "../../../test/fake/connector-deps.ts";
import { Secret } from "../../kernel/secret.ts";
import { anUpstream, identityOf, jane, signedIn, whole } from "./testing/an-upstream.ts";

const idType = "urn:ietf:params:oauth:token-type:id_token";
const accessType = "urn:ietf:params:oauth:token-type:access_token";

describe("token exchange", () => {
  it("takes an id token for us, or for a client that was named", async (t) => {
    const { fake, open } = await anUpstream(t);
    const claims = (more = {}) => ({
      iss: fake.issuer,
      aud: "dex",
      exp: Date.now() / 1000 + 60,
      sub: "jane",
      ...jane,
      ...more,
    });
    const connector = await open({ insecureEnableGroups: true, tokenExchangeAudiences: ["cli"] });
    const identify = async (token: string, type = idType) =>
      connector.identify?.(new Secret(token), type, aLogin()) ?? assert.fail();
    assert.deepEqual(identityOf(await identify(await fake.signUsual(claims()))).identity, whole);
    identityOf(await identify(await fake.signUsual(claims({ aud: ["cli"], azp: "mobile" }))));
    const no = { ok: false, reason: "wrong_credentials" };
    assert.deepEqual(await identify(await fake.signUsual(claims({ aud: "other" }))), no);
    assert.deepEqual(await identify(await fake.signUsual(claims({ exp: 1 }))), no);
    assert.deepEqual(await identify(await fake.logoutToken()), no);
    assert.deepEqual(await identify("garbage"), no);
    await assert.rejects(identify("x", accessType), /getUserInfo is required for access token exchange/);
    await assert.rejects(
      identify("x", "urn:ietf:params:oauth:token-type:saml2"),
      /unknown token type for token exchange/,
    );
  });

  it("takes an access token only if the provider says that it was issued to us", async (t) => {
    const { fake, open } = await anUpstream(t);
    fake.person = "jane";
    let accessToken = "";
    const usual = fake.makeAccessToken;
    fake.makeAccessToken = (grant) => {
      accessToken = usual(grant);
      return accessToken;
    };
    const connector = await open({ getUserInfo: true });
    await signInThrough(connector, fake.authorize);
    const identify = async (by: typeof connector, token = accessToken) =>
      by.identify?.(new Secret(token), accessType, aLogin()) ?? assert.fail();
    const no = { ok: false, reason: "wrong_credentials" };
    assert.deepEqual(await identify(connector), no, "nobody can say whose it is");
    fake.metadata = { introspection_endpoint: `${fake.url}/introspect` };
    const asking = await open({ getUserInfo: true });
    assert.equal(identityOf(await identify(asking)).identity.userId, "jane");
    assert.deepEqual(await identify(asking, "unknown"), no);
    fake.next("/introspect", { body: '{"active":true,"client_id":"other"}' });
    assert.deepEqual(await identify(asking), no);
    assert.equal(
      identityOf(await identify(await open({ getUserInfo: true, clientID: "dex" }))).identity.userId,
      "jane",
    );
  });

  it("reads whose a signed access token is", async (t) => {
    const { fake, open } = await anUpstream(t);
    const connector = await open({ getUserInfo: true });
    const tokens: string[] = [];
    for (const more of [{ azp: "dex", aud: "account" }, { client_id: "other" }]) {
      const token = await fake.signUsual({ iss: fake.issuer, sub: "jane", exp: 9e9, ...more }, { typ: "at+jwt" });
      fake.makeAccessToken = () => token;
      await signInThrough(connector, fake.authorize);
      tokens.push(token);
    }
    const identify = async (token: string) =>
      connector.identify?.(new Secret(token), accessType, aLogin()) ?? assert.fail();
    identityOf(await identify(tokens[0] ?? ""));
    assert.deepEqual(await identify(tokens[1] ?? ""), { ok: false, reason: "wrong_credentials" });
  });
});

describe("logout", () => {
  const request = { userId: "jane", returnTo: new URL("https://dex.test/logout/callback"), state: "st" };

  it("leads to the provider with a hint, and its own query stays", async (t) => {
    const { fake, connector, identity } = await signedIn(t);
    const data = identity.connectorData ?? assert.fail();
    const departure = (await connector.logout?.({ ...request, connectorData: data }, aLogin())) ?? assert.fail();
    assert.equal(departure.kind, "redirect");
    const { origin, pathname, searchParams: query } = departure.to;
    assert.equal(origin + pathname, `${fake.url}/end`);
    assert.deepEqual([...query.keys()], ["from", "client_id", "id_token_hint", "post_logout_redirect_uri", "state"]);
    assert.equal(query.get("post_logout_redirect_uri"), request.returnTo.href);
    assert.match(query.get("id_token_hint") ?? "", /^ey.*\..*\..*/);
  });

  it("cannot be where the provider has no address for it", async (t) => {
    const { fake, open } = await anUpstream(t);
    fake.metadata = { end_session_endpoint: undefined };
    assert.equal(await (await open()).logout?.(request, aLogin()), undefined);
  });

  it("is heard from the provider, once for each token", async (t) => {
    const { fake, open } = await anUpstream(t);
    const connector = await open();
    const hear = async (token: string, by = connector) =>
      by.hearLogout?.(
        { ...callbackAt(callbackUrl), method: "POST", form: new Map([["logout_token", token]]) },
        aLogin(),
      );
    assert.deepEqual(await hear(await fake.logoutToken({ sid: "s1" })), { userId: "jane", upstreamSessionId: "s1" });
    assert.deepEqual(await hear(await fake.logoutToken({}, { typ: "JWT" })), { userId: "jane" });
    const again = await fake.logoutToken({ sid: "s2" }, {}, ["sub"]);
    assert.deepEqual(await hear(again), { upstreamSessionId: "s2" });
    await assert.rejects(hear(again), /came before/);
    for (const [more, pattern] of [
      [{ nonce: "n" }, /no nonce/],
      [{ events: {} }, /reports no logout/],
      ["events", /reports no logout/],
      [{ aud: "other" }, /another audience/],
      [{ iss: "https://other.test" }, /different provider/],
      [{ exp: 1 }, /expired/],
      ["iat", /no iat/],
      ["jti", /no jti/],
      ["sub", /names nobody/],
    ] as const)
      await assert.rejects(
        hear(await (typeof more === "string" ? fake.logoutToken({}, {}, [more]) : fake.logoutToken(more))),
        pattern,
      );
    await assert.rejects(hear(await fake.logoutToken({}, { typ: "at+jwt" })), /another kind/);
    await assert.rejects(hear(""), /no signed JWT/);
    const byOid = await open({ userIDKey: "oid" });
    await assert.rejects(hear(await fake.logoutToken(), byOid), /names nobody/);
    assert.deepEqual(await hear(await fake.logoutToken({ sid: "s3" }), byOid), { upstreamSessionId: "s3" });
  });
});
