/** openid-client, as its readme says: discovery, code with PKCE, validated ID token, userinfo, refresh. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import * as client from "openid-client";
import { fetchAt, redirectUri, startForClients, visit } from "./reach.ts";

const rs256 = await startForClients({
  oauth2: { skipApprovalScreen: true, responseTypes: ["code", "id_token", "token"] },
});
const es256 = await startForClients({
  signer: { type: "local", config: { keysRotationPeriod: "6h", algorithm: "ES256" } },
});
after(() => Promise.all([rs256.close(), es256.close()]));

const secret = "app secret+/%&=";
type Server = typeof rs256;

const discover = (server: Server, id: string, authentication: client.ClientAuth): Promise<client.Configuration> =>
  client.discovery(new URL(server.issuer), id, undefined, authentication, {
    execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
    [client.customFetch]: fetchAt(server),
  });

async function signIn(server: Server, config: client.Configuration) {
  const verifier = client.randomPKCECodeVerifier();
  const [state, nonce] = [client.randomState(), client.randomNonce()];
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: "openid email profile groups offline_access",
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    nonce,
  });
  const callback = await visit(server, url);
  return client.authorizationCodeGrant(config, callback, {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
    idTokenExpected: true,
  });
}

describe("openid-client", () => {
  for (const [name, server, id, authentication] of [
    ["a confidential client by client_secret_basic", rs256, "app", client.ClientSecretBasic(secret)],
    ["a confidential client by client_secret_post", rs256, "app", client.ClientSecretPost(secret)],
    ["a public client", rs256, "public", client.None()],
    ["a server that signs ES256", es256, "app", client.ClientSecretBasic(secret)],
  ] as const) {
    it(`signs in, reads userinfo and refreshes: ${name}`, async () => {
      const config = await discover(server, id, authentication);
      const tokens = await signIn(server, config);
      const claims = tokens.claims();
      assert.ok(claims !== undefined);
      assert.equal(claims.sub, "Cg0wLTM4NS0yODA4OS0wEgRtb2Nr");
      assert.equal(claims.aud, id);
      const person = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
      assert.equal(person.email, "kilgore@kilgore.trout");

      const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? "");
      assert.equal(refreshed.claims()?.sub, claims.sub);
      assert.notEqual(refreshed.refresh_token, tokens.refresh_token);
      await client.fetchUserInfo(config, refreshed.access_token, claims.sub);
    });
  }

  it("signs in by code id_token, with both hashes validated", async () => {
    const config = await discover(rs256, "app", client.ClientSecretBasic(secret));
    client.useCodeIdTokenResponseType(config);
    const nonce = client.randomNonce();
    const url = client.buildAuthorizationUrl(config, { redirect_uri: redirectUri, scope: "openid", nonce });
    const tokens = await client.authorizationCodeGrant(config, await visit(rs256, url), { expectedNonce: nonce });
    assert.equal(tokens.claims()?.aud, "app");
  });

  it("signs in by id_token alone", async () => {
    const config = await discover(rs256, "app", client.None());
    client.useIdTokenResponseType(config);
    const nonce = client.randomNonce();
    const url = client.buildAuthorizationUrl(config, { redirect_uri: redirectUri, scope: "openid email", nonce });
    const claims = await client.implicitAuthentication(config, await visit(rs256, url), nonce);
    assert.equal(claims.email, "kilgore@kilgore.trout");
  });

  it("reads errors of both endpoints as errors", async () => {
    const config = await discover(rs256, "app", client.ClientSecretBasic(secret));
    const refused = await visit(
      rs256,
      client.buildAuthorizationUrl(config, { redirect_uri: redirectUri, scope: "email" }),
    );
    await assert.rejects(
      client.authorizationCodeGrant(config, refused),
      (error: unknown) => error instanceof client.AuthorizationResponseError && error.error === "invalid_scope",
    );
    await assert.rejects(
      client.refreshTokenGrant(config, "x"),
      (error: unknown) => error instanceof client.ResponseBodyError && error.error === "invalid_grant",
    );
    const stranger = await discover(rs256, "app", client.ClientSecretBasic("wrong"));
    await assert.rejects(
      client.refreshTokenGrant(stranger, "x"),
      (error: unknown) =>
        error instanceof client.WWWAuthenticateChallengeError || error instanceof client.ResponseBodyError,
    );
  });
});
