/** oauth4webapi, step by step: each answer is validated by itself, the `iss` of RFC 9207 among them. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import * as oauth from "oauth4webapi";
import { fetchAt, redirectUri, startForClients, visit } from "./reach.ts";

const server = await startForClients({
  oauth2: { skipApprovalScreen: true, responseTypes: ["code", "id_token", "token"] },
});
after(() => server.close());

const options = { [oauth.allowInsecureRequests]: true, [oauth.customFetch]: fetchAt(server) } as const;
const issuer = new URL(server.issuer);
const as = await oauth.processDiscoveryResponse(
  issuer,
  await oauth.discoveryRequest(issuer, { ...options, algorithm: "oidc" }),
);
const client: oauth.Client = { client_id: "app" };
const authentication = oauth.ClientSecretBasic("app secret+/%&=");

function authorizationUrl(parameters: Readonly<Record<string, string>>): URL {
  const url = new URL(as.authorization_endpoint ?? assert.fail());
  const base = {
    client_id: client.client_id,
    redirect_uri: redirectUri,
    response_type: "code",
    scope: "openid email offline_access",
  };
  url.search = new URLSearchParams({ ...base, ...parameters }).toString();
  return url;
}

/** A login up to the token response. */
async function signIn() {
  const verifier = oauth.generateRandomCodeVerifier();
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
  const code_challenge = await oauth.calculatePKCECodeChallenge(verifier);
  const callback = await visit(
    server,
    authorizationUrl({ state, nonce, code_challenge, code_challenge_method: "S256" }),
  );
  const told = oauth.validateAuthResponse(as, client, callback, state);
  const response = await oauth.authorizationCodeGrantRequest(
    as,
    client,
    authentication,
    told,
    redirectUri,
    verifier,
    options,
  );
  return { response, nonce };
}

describe("oauth4webapi", () => {
  it("finds what it needs in discovery, the issuer in answers included", () => {
    assert.equal(as.issuer, server.issuer);
    assert.equal(as.authorization_response_iss_parameter_supported, true);
  });

  it("validates the token answer, its ID token and signature, userinfo and a refresh", async () => {
    const { response, nonce } = await signIn();
    const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, {
      expectedNonce: nonce,
      requireIdToken: true,
    });
    await oauth.validateApplicationLevelSignature(as, response, options);
    const claims = oauth.getValidatedIdTokenClaims(tokens) ?? assert.fail();
    assert.equal(claims.email, "kilgore@kilgore.trout");

    const asked = await oauth.userInfoRequest(as, client, tokens.access_token, options);
    const person = await oauth.processUserInfoResponse(as, client, claims.sub, asked);
    assert.equal(person.email, claims.email);

    const again = await oauth.refreshTokenGrantRequest(as, client, authentication, tokens.refresh_token ?? "", options);
    const refreshed = await oauth.processRefreshTokenResponse(as, client, again);
    assert.equal(oauth.getValidatedIdTokenClaims(refreshed)?.sub, claims.sub);
    assert.notEqual(refreshed.refresh_token, tokens.refresh_token);
  });

  it("is given the issuer in every authorization response, and notices another or none: RFC 9207 §2.4", async () => {
    for (const parameters of [{ state: "s" }, { state: "s", scope: "foo" }]) {
      const callback = await visit(server, authorizationUrl(parameters));
      assert.equal(callback.searchParams.get("iss"), as.issuer);
      const mixedUp = new URL(callback);
      mixedUp.searchParams.set("iss", "https://other.example");
      assert.throws(() => oauth.validateAuthResponse(as, client, mixedUp, "s"), { code: oauth.INVALID_RESPONSE });
      const stripped = new URL(callback);
      stripped.searchParams.delete("iss");
      assert.throws(() => oauth.validateAuthResponse(as, client, stripped, "s"), { code: oauth.INVALID_RESPONSE });
    }
  });

  it("validates a hybrid answer: c_hash, and at_hash in the token answer", async () => {
    const nonce = oauth.generateRandomNonce();
    const callback = await visit(server, authorizationUrl({ response_type: "code id_token", nonce, state: "s" }));
    const told = await oauth.validateCodeIdTokenResponse(
      as,
      client,
      callback,
      nonce,
      "s",
      oauth.skipAuthTimeCheck,
      options,
    );
    const response = await oauth.authorizationCodeGrantRequest(
      as,
      client,
      authentication,
      told,
      redirectUri,
      oauth.nopkce,
      options,
    );
    await oauth.processAuthorizationCodeResponse(as, client, response, { expectedNonce: nonce, requireIdToken: true });
  });

  it("reads a refusal at userinfo as a Bearer challenge: RFC 6750 §3", async () => {
    const refused = await oauth.userInfoRequest(as, client, "not-a-token", options);
    await assert.rejects(oauth.processUserInfoResponse(as, client, "x", refused), (error: unknown) => {
      assert.ok(error instanceof oauth.WWWAuthenticateChallengeError);
      const [challenge] = error.cause;
      assert.equal(challenge?.scheme, "bearer");
      assert.equal(challenge?.parameters.error, "invalid_token");
      return true;
    });
  });

  it("reads a wrong secret as a Basic challenge: RFC 6749 §5.2", async () => {
    const wrong = oauth.ClientSecretBasic("wrong");
    const refused = await oauth.refreshTokenGrantRequest(as, client, wrong, "x", options);
    await assert.rejects(oauth.processRefreshTokenResponse(as, client, refused), (error: unknown) => {
      assert.ok(error instanceof oauth.WWWAuthenticateChallengeError);
      assert.equal(error.cause[0]?.scheme, "basic");
      return true;
    });
  });
});

describe("oauth4webapi, for tokens", () => {
  it("asks about an access token and a refresh token, revokes both, and asks again", async () => {
    const { response, nonce } = await signIn();
    const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, { expectedNonce: nonce });
    const introspect = async (token: string) =>
      oauth.processIntrospectionResponse(
        as,
        client,
        await oauth.introspectionRequest(as, client, authentication, token, options),
      );
    const refreshToken = tokens.refresh_token ?? assert.fail();
    for (const token of [tokens.access_token, refreshToken]) {
      const told = await introspect(token);
      assert.deepEqual([told.active, told.client_id, told.iss], [true, "app", server.issuer]);
    }
    for (const token of [tokens.access_token, refreshToken]) {
      await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, authentication, token, options));
      assert.equal((await introspect(token)).active, false);
    }
  });

  it("is told what is wrong with its own authentication", async () => {
    const wrong = oauth.ClientSecretPost("wrong");
    const response = await oauth.introspectionRequest(as, client, wrong, "x", options);
    await assert.rejects(oauth.processIntrospectionResponse(as, client, response), oauth.WWWAuthenticateChallengeError);
  });
});
