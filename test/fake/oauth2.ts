/**
 * An OAuth 2.0 authorization server on loopback, strict where servers are strict: the client must say who it is in the
 * way that was agreed, a code works once and only with its redirect URI and verifier, refresh tokens rotate and one that
 * comes back ends its grant. It misbehaves on cue: see {@link Spoils}.
 */
import { createHash, randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { bodyOf, loopbackServer } from "./loopback-server.ts";
import { type Heard, newSpoils, type Spoils } from "./spoiled.ts";

export interface FakeOAuth2Options {
  readonly clientId?: string;
  readonly clientSecret?: string;
  /** Where the client's secret must be. Default either. */
  readonly secretIn?: "header" | "body" | "either";
  /** Default true. */
  readonly rotates?: boolean;
  /** A refresh token that comes back ends its grant. Default true. */
  readonly endsReplayed?: boolean;
  /** How token answers are written. Default JSON with a number. */
  readonly answers?: "json" | "form" | "json-text-lifetime";
  readonly lifetime?: number;
  /** Where it listens, by what Dex's connectors call it. Default `/authorize` and `/token`. */
  readonly paths?: { readonly authorize: string; readonly token: string };
  /** The one address that people are sent back to; then none may be sent. */
  readonly registeredRedirect?: string;
  /** How the token endpoint says no. Default JSON, RFC 6749 §5.2. */
  readonly refusal?: (
    error: string,
    status: number,
    form: URLSearchParams,
  ) => { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string };
  readonly tls?: { readonly cert: string; readonly key: string };
  /** To come back where another one was. Default a free one. */
  readonly port?: number;
}

/** What one sign-in led to. */
export interface Grant {
  readonly person: string;
  readonly scope: string;
  readonly nonce: string | undefined;
  refreshToken: string;
  accessToken: string;
  ended: boolean;
}

export interface FakeOAuth2 extends Spoils {
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly heard: readonly Heard[];
  /** Who signs in next. `undefined`: they press "no". */
  person: string | undefined;
  /** What `/userinfo` says, by person. Any JSON text, or a value. */
  readonly userinfo: Map<string, unknown>;
  /** Members that come with every token answer. */
  extraTokenMembers: (grant: Grant) => Readonly<Record<string, unknown>> | Promise<Readonly<Record<string, unknown>>>;
  /** Access tokens are this instead of random. */
  makeAccessToken: (grant: Grant) => string;
  /** Ends every grant of `person`: refresh is `invalid_grant` and `/userinfo` 401. */
  revoke(person: string): void;
  /** The grant that a token belongs to, if it is alive. */
  grantOf(accessToken: string): Grant | undefined;
  /** Handles paths of its own before the usual ones; true when it answered. */
  handler: (heard: Heard, response: ServerResponse) => boolean | Promise<boolean>;
  /** The person's way: what the browser is sent to for an authorization URL. */
  authorize(url: URL): Promise<URL>;
  close(): Promise<void>;
}

interface Code {
  readonly grant: Grant;
  readonly redirectUri: string | null;
  readonly challenge: string | null;
  readonly method: string | null;
}

const token = (): string => randomBytes(18).toString("base64url");

export async function startFakeOAuth2(options: FakeOAuth2Options = {}): Promise<FakeOAuth2> {
  const {
    clientId = "dex",
    clientSecret = "dex-secret",
    secretIn = "either",
    rotates = true,
    endsReplayed = true,
  } = options;
  const { answers = "json", lifetime = 3600, registeredRedirect } = options;
  const { paths = { authorize: "/authorize", token: "/token" } } = options;
  const {
    refusal = (error, status) => ({
      status,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ error }),
    }),
  } = options;
  const heard: Heard[] = [];
  const codes = new Map<string, Code>();
  const grants: Grant[] = [];
  const spentRefresh = new Map<string, Grant>();

  const server = await loopbackServer(
    (request, response) => {
      void answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
    },
    options.tls,
    options.port,
  );

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "", server.url);
    const body = await bodyOf(request);
    const form = new URLSearchParams(body);
    const one = {
      method: request.method ?? "",
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      form,
      body,
    };
    heard.push(one);
    const isProbe = one.method === "GET" && url.pathname === paths.token;
    if (await fake.apply(url.pathname, response, isProbe)) return;
    if (await fake.handler(one, response)) return;
    if (url.pathname === paths.authorize) return authorize(url.searchParams, response);
    if (url.pathname === paths.token) return exchange(one, response);
    if (url.pathname === "/userinfo") return userinfo(one, response);
    response.writeHead(404).end();
  }

  function authorize(query: URLSearchParams, response: ServerResponse): void {
    const back = new URL(registeredRedirect ?? query.get("redirect_uri") ?? "");
    if (registeredRedirect !== undefined && query.has("redirect_uri"))
      return void response.writeHead(400).end("redirect_uri");
    if (query.get("state") !== null) back.searchParams.set("state", query.get("state") ?? "");
    if (query.get("client_id") !== clientId || query.get("response_type") !== "code") {
      return void response.writeHead(400).end("bad request");
    }
    if (fake.person === undefined) {
      back.searchParams.set("error", "access_denied");
      back.searchParams.set("error_description", "<b>no</b>");
    } else {
      const grant: Grant = {
        person: fake.person,
        scope: query.get("scope") ?? "",
        nonce: query.get("nonce") ?? undefined,
        refreshToken: token(),
        accessToken: "",
        ended: false,
      };
      grants.push(grant);
      const code = token();
      codes.set(code, {
        grant,
        redirectUri: query.get("redirect_uri"),
        challenge: query.get("code_challenge"),
        method: query.get("code_challenge_method"),
      });
      back.searchParams.set("code", code);
    }
    response.writeHead(302, { location: back.href }).end();
  }

  async function exchange({ headers, form }: Heard, response: ServerResponse): Promise<void> {
    const code = codes.get(form.get("code") ?? "");
    // Some burn it whatever comes of the attempt.
    codes.delete(form.get("code") ?? "");
    if (!isClient(headers.authorization, form)) return refuse(response, form, "invalid_client", 401);
    if (form.get("grant_type") === "authorization_code") {
      if (code === undefined || code.redirectUri !== form.get("redirect_uri") || !isVerified(code, form)) {
        return refuse(response, form, "invalid_grant");
      }
      return tokens(code.grant, response);
    }
    if (form.get("grant_type") === "refresh_token") {
      const given = form.get("refresh_token") ?? "";
      const replayed = spentRefresh.get(given);
      if (replayed !== undefined && endsReplayed) replayed.ended = true;
      const grant = grants.find(({ refreshToken, ended }) => refreshToken === given && !ended);
      if (grant === undefined) return refuse(response, form, "invalid_grant");
      if (rotates) {
        spentRefresh.set(given, grant);
        grant.refreshToken = token();
      }
      return tokens(grant, response);
    }
    refuse(response, form, "unsupported_grant_type");
  }

  function isClient(authorization: string | undefined, form: URLSearchParams): boolean {
    const pair = Buffer.from(authorization?.replace(/^Basic /, "") ?? "", "base64").toString();
    const [id, secret] = pair.split(":").map((part) => decodeURIComponent(part.replaceAll("+", " ")));
    const inHeader = id === clientId && secret === clientSecret;
    const inBody = form.get("client_id") === clientId && form.get("client_secret") === clientSecret;
    if (inHeader && inBody) return false;
    return (inHeader && secretIn !== "body") || (inBody && secretIn !== "header");
  }

  function isVerified({ challenge, method }: Code, form: URLSearchParams): boolean {
    const verifier = form.get("code_verifier");
    if (challenge === null) return verifier === null;
    const hashed = createHash("sha256")
      .update(verifier ?? "")
      .digest("base64url");
    return challenge === (method === "S256" ? hashed : verifier);
  }

  function refuse(response: ServerResponse, form: URLSearchParams, error: string, status = 400): void {
    const answer = refusal(error, status, form);
    response.writeHead(answer.status, answer.headers).end(answer.body);
  }

  async function tokens(grant: Grant, response: ServerResponse): Promise<void> {
    grant.accessToken = fake.makeAccessToken(grant);
    const members = {
      access_token: grant.accessToken,
      token_type: "bearer",
      refresh_token: grant.refreshToken,
      expires_in: answers === "json" ? lifetime : String(lifetime),
      ...(await fake.extraTokenMembers(grant)),
    };
    const isForm = answers === "form";
    const text = isForm
      ? new URLSearchParams(
          Object.entries(members).flatMap(([name, value]): [string, string][] =>
            value === undefined ? [] : [[name, String(value)]],
          ),
        ).toString()
      : JSON.stringify(members);
    response
      .writeHead(200, { "content-type": isForm ? "application/x-www-form-urlencoded" : "application/json" })
      .end(text);
  }

  function userinfo({ headers }: Heard, response: ServerResponse): void {
    const grant = fake.grantOf(headers.authorization?.replace(/^Bearer /, "") ?? "");
    if (grant === undefined) return void response.writeHead(401, { "www-authenticate": "Bearer" }).end();
    const info = fake.userinfo.get(grant.person) ?? { sub: grant.person };
    response
      .writeHead(200, { "content-type": "application/json" })
      .end(typeof info === "string" ? info : JSON.stringify(info));
  }

  const fake: FakeOAuth2 = {
    ...newSpoils(),
    url: server.url,
    clientId,
    clientSecret,
    heard,
    person: "jane",
    userinfo: new Map(),
    extraTokenMembers: () => ({}),
    makeAccessToken: token,
    revoke(person) {
      for (const grant of grants) if (grant.person === person) grant.ended = true;
    },
    grantOf: (accessToken) =>
      accessToken === "" ? undefined : grants.find((grant) => grant.accessToken === accessToken && !grant.ended),
    handler: () => false,
    async authorize(url) {
      const response = await fetch(url, { redirect: "manual" });
      const location = response.headers.get("location");
      if (location === null) throw new Error(`the fake answered ${response.status}: ${await response.text()}`);
      return new URL(location);
    },
    close: () => server.close(),
  };
  return fake;
}
