/**
 * The OpenID Connect side: send the person away, take them back, redeem, refresh, ask, sign out.
 * Built on oauth4webapi rather than on lines of our own: every check a client owes (state, nonce, PKCE, issuer,
 * audience, expiry, signature) is there, none can be forgotten, and its author is not the author of the server
 * it talks to, so one misreading of a specification cannot hide on both sides.
 */
import * as oauth from "oauth4webapi";
import type { Settings } from "./settings.ts";

/** What must be remembered between leaving and coming back. Kept on the server, never in the URL. */
export interface Pending {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

export interface Tokens {
  readonly idToken: string;
  readonly accessToken: string;
  readonly refreshToken: string | undefined;
  /** Seconds, as the server said. */
  readonly expiresIn: number | undefined;
}

/** A refusal in words a person can read. */
export class LoginError extends Error {
  override readonly name = "LoginError";
}

export class Provider {
  readonly #settings: Settings;
  readonly #redirectUri: string;
  readonly #home: string;
  readonly #client: oauth.Client;
  readonly #auth: oauth.ClientAuth;
  /** http is for loopback alone; elsewhere everything must be https. RFC 9700 §2.6. */
  readonly #options: { readonly [oauth.allowInsecureRequests]: boolean };

  constructor(settings: Settings, origin: string) {
    this.#settings = settings;
    this.#redirectUri = `${origin}/callback`;
    this.#home = `${origin}/`;
    this.#client = { client_id: settings.clientId };
    this.#auth = settings.clientSecret === "" ? oauth.None() : oauth.ClientSecretBasic(settings.clientSecret);
    const { hostname } = new URL(settings.issuer);
    this.#options = { [oauth.allowInsecureRequests]: ["127.0.0.1", "localhost", "[::1]"].includes(hostname) };
  }

  /** Asked anew each time: a server that was restarted with another config is met as it is now. */
  async discover(): Promise<oauth.AuthorizationServer> {
    const issuer = new URL(this.#settings.issuer);
    return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, this.#options));
  }

  /** Where to send the browser, and what to remember. OIDC Core §3.1.2.1, RFC 7636 §4.3. */
  async begin(scopes: readonly string[]): Promise<{ readonly to: URL; readonly pending: Pending }> {
    const server = await this.discover();
    if (server.authorization_endpoint === undefined)
      throw new LoginError("The provider names no authorization endpoint.");
    const pending = {
      state: oauth.generateRandomState(),
      nonce: oauth.generateRandomNonce(),
      codeVerifier: oauth.generateRandomCodeVerifier(),
    };
    const to = new URL(server.authorization_endpoint);
    const parameters = {
      client_id: this.#settings.clientId,
      redirect_uri: this.#redirectUri,
      response_type: "code",
      scope: scopes.join(" "),
      state: pending.state,
      nonce: pending.nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(pending.codeVerifier),
      code_challenge_method: "S256",
    };
    for (const [name, value] of Object.entries(parameters)) to.searchParams.set(name, value);
    return { to, pending };
  }

  /** Redeems what came back. The state binds it to this browser, nonce and verifier to this login. */
  async finish(callback: URL, pending: Pending): Promise<Tokens> {
    const server = await this.discover();
    const parameters = oauth.validateAuthResponse(server, this.#client, callback, pending.state);
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      this.#client,
      this.#auth,
      parameters,
      this.#redirectUri,
      pending.codeVerifier,
      this.#options,
    );
    const checks = { expectedNonce: pending.nonce, requireIdToken: true };
    const answer = await oauth.processAuthorizationCodeResponse(server, this.#client, response, checks);
    await oauth.validateApplicationLevelSignature(server, response, this.#options);
    return tokensOf(answer, undefined);
  }

  /** New tokens for the old refresh token. RFC 6749 §6, OIDC Core §12. */
  async refresh(before: Tokens): Promise<Tokens> {
    if (before.refreshToken === undefined)
      throw new LoginError("There is no refresh token: sign in with offline_access.");
    const server = await this.discover();
    const response = await oauth.refreshTokenGrantRequest(
      server,
      this.#client,
      this.#auth,
      before.refreshToken,
      this.#options,
    );
    const answer = await oauth.processRefreshTokenResponse(server, this.#client, response);
    if (answer.id_token !== undefined) await oauth.validateApplicationLevelSignature(server, response, this.#options);
    return tokensOf(answer, before);
  }

  /** What the server says of the person now; refused when it speaks of somebody else. OIDC Core §5.3.2. */
  async userinfo(tokens: Tokens, subject: string): Promise<oauth.UserInfoResponse> {
    const server = await this.discover();
    const response = await oauth.userInfoRequest(server, this.#client, tokens.accessToken, this.#options);
    return oauth.processUserInfoResponse(server, this.#client, subject, response);
  }

  /** Where the person ends the session at the provider too, if it can be ended. OIDC RP-Initiated Logout §2. */
  async logoutUrl(tokens: Tokens): Promise<URL | undefined> {
    const server = await this.discover();
    if (server.end_session_endpoint === undefined) return undefined;
    const to = new URL(server.end_session_endpoint);
    to.searchParams.set("id_token_hint", tokens.idToken);
    to.searchParams.set("post_logout_redirect_uri", this.#home);
    return to;
  }
}

function tokensOf(answer: oauth.TokenEndpointResponse, before: Tokens | undefined): Tokens {
  return {
    idToken: answer.id_token ?? before?.idToken ?? "",
    accessToken: answer.access_token,
    // A server that does not rotate sends none: the old one stays good. RFC 6749 §6.
    refreshToken: answer.refresh_token ?? before?.refreshToken,
    expiresIn: answer.expires_in,
  };
}

/** What went wrong, for the page: the protocol's own words where there are any. */
export function explain(error: unknown): { readonly title: string; readonly detail: string } {
  if (error instanceof oauth.AuthorizationResponseError || error instanceof oauth.ResponseBodyError) {
    return { title: `The provider said ${error.error}`, detail: error.error_description ?? "It gave no description." };
  }
  if (error instanceof oauth.WWWAuthenticateChallengeError) {
    const challenge = error.cause[0]?.parameters;
    return {
      title: `The provider answered ${error.status}`,
      detail: challenge?.error_description ?? challenge?.error ?? "It no longer accepts the access token.",
    };
  }
  if (error instanceof LoginError) return { title: "That did not work", detail: error.message };
  if (error instanceof TypeError && error.message === "fetch failed") {
    return { title: "The provider does not answer", detail: "Is it running? Try again in a moment." };
  }
  return { title: "The answer was refused", detail: error instanceof Error ? error.message : String(error) };
}
