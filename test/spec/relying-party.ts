import assert from "node:assert/strict";
import { createLocalJWKSet, jwtVerify } from "jose";
import { z } from "zod";
import { issuer, type ServerUnderTest } from "./server-under-test.ts";
import type { Answer, UserAgent } from "./user-agent.ts";

/** A client's own view of itself: what it registered and how it speaks to the token endpoint. */
export interface RelyingParty {
  readonly id: string;
  readonly secret?: string;
  readonly redirectUri: string;
}

export const app: RelyingParty = { id: "app", secret: "app-secret", redirectUri: "https://app.example/callback" };

export type Params = Readonly<Record<string, string | undefined>>;

/** `parameters` as a query; undefined ones are left out. */
export const queryOf = (parameters: Params): string =>
  new URLSearchParams(
    Object.entries(parameters).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, value]],
    ),
  ).toString();

/** `/auth` for `client`; `more` overrides, undefined removes. */
export const authPath = (more: Params = {}, client: RelyingParty = app, path = "/auth"): string =>
  `${path}?${queryOf({
    client_id: client.id,
    redirect_uri: client.redirectUri,
    response_type: "code",
    scope: "openid",
    state: "a state",
    ...more,
  })}`;

/** Asks for authorization and goes along until a page, or until the browser is sent to the client. */
export async function authorize(agent: UserAgent, more: Params = {}, client = app): Promise<Answer> {
  return agent.follow(await agent.get(authPath(more, client)));
}

export async function obtainCode(agent: UserAgent, more: Params = {}, client = app): Promise<string> {
  return codeOf(await authorize(agent, more, client));
}

/** What the client is told: query and fragment of the address that its browser is sent to. */
export function toldClient({ status, location, body }: Answer): Readonly<Record<string, string>> {
  assert.equal(status, 303, body);
  assert.ok(location !== undefined);
  const fragment = new URLSearchParams(location.hash.slice(1));
  return Object.fromEntries([...location.searchParams, ...fragment]);
}

export function codeOf(answer: Answer): string {
  const { code } = toldClient(answer);
  assert.ok(code !== undefined, `no code: ${answer.location}`);
  return code;
}

/** A token request with the client's secret in the body, or with no secret. `more` overrides, undefined removes. */
export function askToken(
  agent: UserAgent,
  more: Params,
  client: RelyingParty = app,
  options: { readonly isFresh?: boolean } = {},
): Promise<Answer> {
  const credentials = { client_id: client.id, client_secret: client.secret };
  const form = Object.entries({ ...credentials, ...more }).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return agent.ask("/token", { method: "POST", form, ...options });
}

export const redeem = (agent: UserAgent, code: string, more: Params = {}, client = app): Promise<Answer> =>
  askToken(agent, { grant_type: "authorization_code", code, redirect_uri: client.redirectUri, ...more }, client);

export const refresh = (agent: UserAgent, token: string, more: Params = {}, client = app): Promise<Answer> =>
  askToken(agent, { grant_type: "refresh_token", refresh_token: token, ...more }, client);

export const userinfo = (agent: UserAgent, token: string): Promise<Answer> =>
  agent.ask("/userinfo", { headers: { authorization: `Bearer ${token}` } });

const tokenAnswer = z.strictObject({
  access_token: z.string().min(1),
  token_type: z.literal("bearer"),
  expires_in: z.number().int(),
  refresh_token: z.string().min(1).optional(),
  id_token: z.string().min(1).optional(),
  scope: z.string().optional(),
});
export type Tokens = z.output<typeof tokenAnswer>;

/** The tokens of a successful answer. */
export function tokensOf(answer: Answer): Tokens {
  assert.equal(answer.status, 200, answer.body);
  return tokenAnswer.parse(JSON.parse(answer.body));
}

/** The refresh token of a successful answer. */
export function refreshTokenOf(answer: Answer): string {
  const token = tokensOf(answer).refresh_token;
  assert.ok(token !== undefined, "no refresh token");
  return token;
}

/** A whole login with `offline_access`: the tokens it ends in. */
export async function signIn(agent: UserAgent, more: Params = {}, client = app): Promise<Tokens> {
  const code = await obtainCode(agent, { scope: "openid email profile groups offline_access", ...more }, client);
  return tokensOf(await redeem(agent, code, {}, client));
}

const keySet = z.object({
  keys: z.array(z.looseObject({ kty: z.string(), kid: z.string(), alg: z.string(), use: z.string() })),
});

/** Header and claims of a token, once a stranger's library has verified it against `/keys`. */
export async function verify(jwt: string | undefined, server: ServerUnderTest, agent: UserAgent) {
  const keys = createLocalJWKSet(keySet.parse(JSON.parse((await agent.get("/keys")).body)));
  const { payload, protectedHeader } = await jwtVerify(jwt ?? "", keys, {
    issuer: server.issuer,
    currentDate: new Date(server.clock.now()),
  });
  return { claims: payload, header: protectedHeader };
}

/** That `answer` is the token endpoint's refusal. A `description` of undefined is not compared; "" means none. */
export function assertRefused(answer: Answer, error: string, description?: string, status = 400): void {
  const { error: told, error_description: why = "" } = refusal.parse(JSON.parse(answer.body));
  assert.deepEqual({ status: answer.status, error: told }, { status, error }, answer.body);
  if (description !== undefined) assert.equal(why, description);
  assert.equal(answer.headers["content-type"], "application/json");
  // RFC 6749 §5.1, §5.2: both kinds of answer.
  assert.equal(answer.headers["cache-control"], "no-store");
  assert.equal(answer.headers.pragma, "no-cache");
}

const refusal = z.strictObject({ error: z.string(), error_description: z.string().optional() });

/** That `answer` is an error page. A `message` of undefined is not compared. */
export function assertPage(answer: Answer, status: number, message?: string): void {
  assert.equal(answer.status, status, `${answer.url.pathname} → ${answer.location ?? messageOf(answer)}`);
  assert.equal(answer.headers["content-type"], "text/html; charset=utf-8");
  assert.equal(answer.headers.location, undefined);
  if (message !== undefined) assert.equal(messageOf(answer), message);
}

/** The one sentence of an error page. */
export function messageOf({ body }: Answer): string {
  return unescapeHtml(/<p class="dex-message"[^>]*>([^<]*)<\/p>/.exec(body)?.[1] ?? "");
}

export const unescapeHtml = (text: string): string =>
  text.replace(/&(amp|lt|gt|#34|#39);/g, (entity) => entities[entity] ?? entity);

const entities: Readonly<Record<string, string>> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&#34;": '"',
  "&#39;": "'",
};

/** An error that the client is told by redirect. */
export interface Refusal {
  readonly error: string;
  /** Undefined is not compared. */
  readonly description?: string;
  readonly state?: string;
  readonly redirectUri?: string;
  readonly in?: "query" | "fragment";
}

/** That `answer` takes the browser to the client with exactly this error. RFC 6749 §4.1.2.1, §4.2.2.1, RFC 9207 §2. */
export function assertTold(answer: Answer, expected: Refusal): void {
  const { error, description, state, redirectUri = app.redirectUri } = expected;
  assert.equal(answer.status, 303, `${answer.url.pathname} → ${messageOf(answer)}`);
  const { location } = answer;
  assert.ok(location !== undefined);
  assert.ok(location.href.startsWith(redirectUri), location.href);
  const where = expected.in ?? "query";
  const registered = new URL(redirectUri).searchParams;
  const query = [...location.searchParams].filter(([name]) => !registered.has(name));
  const fragment = [...new URLSearchParams(location.hash.slice(1))];
  assert.deepEqual(where === "query" ? fragment : query, []);
  const { error_description: told, ...rest } = Object.fromEntries(where === "query" ? query : fragment);
  assert.deepEqual(rest, { error, iss: issuer, ...(state === undefined ? {} : { state }) }, told);
  if (description !== undefined) assert.equal(told, description);
}
