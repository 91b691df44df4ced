/**
 * The application's side of OpenID Connect, as cheap as it can be and still check every answer: requests are
 * assembled from prepared text, and what the server says is compared, not assumed.
 */
import { hash, randomBytes } from "node:crypto";
import type { Connection, Endpoint } from "../http/connection.ts";
import type { HttpResponse } from "../http/response-parser.ts";
import { claimsOf } from "./jwt.ts";

/** The client registered at every system under test. */
export const client = { id: "bench", secret: "bench-secret", redirectUri: "http://127.0.0.1:5555/callback" } as const;

/** Where a server answers, from its own discovery document. Paths are on its one origin. */
export interface Target {
  readonly issuer: string;
  readonly origin: string;
  readonly endpoint: Endpoint;
  readonly discoveryPath: string;
  readonly authorizePath: string;
  readonly tokenPath: string;
  readonly keysPath: string;
  /** Absent: the system has none. RFC 7662. */
  readonly introspectionPath?: string;
}

/** One authorization request under way: what the answers must match. */
export interface Started {
  /** Path and query to open. */
  readonly path: string;
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

export interface Tokens {
  readonly accessToken: string;
  readonly idToken: string;
  readonly refreshToken: string | undefined;
  readonly subject: string;
}

export class RelyingParty {
  readonly target: Target;
  readonly #tokenHead: string;
  readonly #introspectionHead: string;

  constructor(target: Target) {
    this.target = target;
    const basic = Buffer.from(`${encodeURIComponent(client.id)}:${encodeURIComponent(client.secret)}`).toString(
      "base64",
    );
    const headOf = (path: string): string =>
      [
        `POST ${path} HTTP/1.1`,
        `Host: ${target.origin.slice("http://".length)}`,
        `Authorization: Basic ${basic}`,
        "Accept: application/json",
        "Content-Type: application/x-www-form-urlencoded",
        "Content-Length: ",
      ].join("\r\n");
    this.#tokenHead = headOf(target.tokenPath);
    this.#introspectionHead = headOf(target.introspectionPath ?? "");
  }

  /** The fixed part of an authorization request: everything but state, nonce and PKCE. Prepared once. */
  prepare(parameters: Readonly<Record<string, string>>): string {
    const query = new URLSearchParams({
      client_id: client.id,
      redirect_uri: client.redirectUri,
      response_type: "code",
      ...parameters,
    });
    return `${this.target.authorizePath}?${query}`;
  }

  /** A fresh authorization request with PKCE. RFC 7636 §4.1, §4.2. */
  start(prepared: string): Started {
    const chance = randomBytes(64).toString("base64url");
    const state = chance.slice(0, 21);
    const nonce = chance.slice(21, 42);
    const verifier = chance.slice(42) + chance.slice(0, 21);
    const challenge = hash("sha256", verifier, "base64url");
    return {
      path: `${prepared}&state=${state}&nonce=${nonce}&code_challenge=${challenge}&code_challenge_method=S256`,
      state,
      nonce,
      verifier,
    };
  }

  /** Redeems the code that came back to the redirect URI. @throws What is wrong with either answer. */
  async redeem(connection: Connection, callback: string, started: Started): Promise<Tokens> {
    const code = this.#codeOf(callback, started);
    const form = `grant_type=authorization_code&code=${encodeURIComponent(code)}&redirect_uri=${encodeURIComponent(client.redirectUri)}&code_verifier=${started.verifier}`;
    return this.#tokensOf(await this.#post(connection, form), started.nonce);
  }

  /** @throws What is wrong with the answer, a refresh token that was not rotated included. RFC 9700 §4.14.2. */
  async refresh(connection: Connection, refreshToken: string): Promise<Tokens & { readonly refreshToken: string }> {
    const answer = await this.#post(
      connection,
      `grant_type=refresh_token&refresh_token=${encodeURIComponent(refreshToken)}`,
    );
    const tokens = this.#tokensOf(answer, undefined);
    if (tokens.refreshToken === undefined) throw new Error("refresh: no refresh_token");
    if (tokens.refreshToken === refreshToken) throw new Error("refresh: the refresh token was not rotated");
    return { ...tokens, refreshToken: tokens.refreshToken };
  }

  /** An access token for the client itself. RFC 6749 §4.4. @throws What is wrong with the answer. */
  async clientCredentials(connection: Connection): Promise<string> {
    const { status, body } = await this.#post(connection, "grant_type=client_credentials");
    if (status !== 200) throw new Error(`token: ${status} ${body.slice(0, 200)}`);
    const { access_token: accessToken, token_type: type } = fieldsOf(JSON.parse(body));
    if (typeof accessToken !== "string" || claimsOf(accessToken).iss !== this.target.issuer) {
      throw new Error("token: no access token of this issuer");
    }
    if (typeof type !== "string" || type.toLowerCase() !== "bearer") throw new Error("token: another token_type");
    return accessToken;
  }

  /** @throws The token is not said to be active. RFC 7662 §2.2. */
  async introspect(connection: Connection, token: string): Promise<void> {
    if (this.target.introspectionPath === undefined) throw new Error("there is no introspection endpoint");
    const form = `token=${token}`;
    const { status, body } = await connection.send(`${this.#introspectionHead}${form.length}\r\n\r\n${form}`);
    if (status !== 200 || fieldsOf(JSON.parse(body)).active !== true) {
      throw new Error(`introspection: ${status} ${body.slice(0, 200)}`);
    }
  }

  #post(connection: Connection, form: string): Promise<HttpResponse> {
    return connection.send(`${this.#tokenHead}${form.length}\r\n\r\n${form}`);
  }

  #codeOf(callback: string, started: Started): string {
    const query = new URLSearchParams(callback.slice(callback.indexOf("?") + 1));
    const error = query.get("error");
    if (error !== null) throw new Error(`callback: ${error}: ${query.get("error_description") ?? ""}`);
    if (query.get("state") !== started.state) throw new Error("callback: another state");
    const issuer = query.get("iss");
    if (issuer !== null && issuer !== this.target.issuer) throw new Error("callback: another iss");
    const code = query.get("code");
    if (code === null || code === "") throw new Error("callback: no code");
    return code;
  }

  #tokensOf(response: HttpResponse, nonce: string | undefined): Tokens {
    if (response.status !== 200) throw new Error(`token: ${response.status} ${response.body.slice(0, 200)}`);
    const answer: unknown = JSON.parse(response.body);
    const {
      error,
      access_token: accessToken,
      id_token: idToken,
      refresh_token: refreshToken,
      token_type: type,
    } = fieldsOf(answer);
    if (error !== undefined) throw new Error(`token: 200 with error ${String(error)}`);
    if (typeof accessToken !== "string" || accessToken === "") throw new Error("token: no access_token");
    if (typeof idToken !== "string") throw new Error("token: no id_token");
    if (typeof type !== "string" || type.toLowerCase() !== "bearer") throw new Error("token: another token_type");
    const { sub, iss, aud, nonce: said } = claimsOf(idToken);
    if (typeof sub !== "string" || sub === "") throw new Error("ID token: no sub");
    if (iss !== this.target.issuer) throw new Error("ID token: another iss");
    if (aud !== client.id && !(Array.isArray(aud) && aud.includes(client.id))) throw new Error("ID token: another aud");
    if (nonce !== undefined && said !== nonce) throw new Error("ID token: another nonce");
    return {
      accessToken,
      idToken,
      refreshToken: typeof refreshToken === "string" ? refreshToken : undefined,
      subject: sub,
    };
  }
}

/** The members of a JSON object; none for anything else. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
