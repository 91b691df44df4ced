/**
 * What the modules of the OpenID conformance suite share, as far as they concern us: the response types and modes of
 * each certification plan, and a client that reads its answer where the mode puts it. One file per module, with the
 * module's name; each is written from the specifications, not from the suite.
 */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { app, authPath, type Params, type RelyingParty, redeem, tokensOf, unescapeHtml } from "../relying-party.ts";
import {
  appClient,
  type ConfigFile,
  mockConnector,
  passwordConnector,
  type ServerUnderTest,
  type Start,
  startServerUnderTest,
} from "../server-under-test.ts";
import type { Answer, UserAgent } from "../user-agent.ts";

/** How one run of a module asks. */
export interface Variant {
  readonly responseType: string;
  readonly responseMode: "query" | "fragment" | "form_post";
}

const variants = (types: readonly string[], responseMode: Variant["responseMode"]): readonly Variant[] =>
  types.map((responseType) => ({ responseType, responseMode }));

const implicitTypes = ["id_token", "id_token token"];
const hybridTypes = ["code id_token", "code token", "code id_token token"];

/** The certification plans by what they ask for. */
export const plans = {
  basic: variants(["code"], "query"),
  implicit: variants(implicitTypes, "fragment"),
  hybrid: variants(hybridTypes, "fragment"),
  formPostBasic: variants(["code"], "form_post"),
  formPostImplicit: variants(implicitTypes, "form_post"),
  formPostHybrid: variants(hybridTypes, "form_post"),
} as const satisfies Readonly<Record<string, readonly Variant[]>>;

export type PlanName = keyof typeof plans;

export const everyPlan = Object.keys(plans) as readonly PlanName[];

export const hasCode = ({ responseType }: Variant): boolean => responseType.includes("code");
export const hasIdToken = ({ responseType }: Variant): boolean => responseType.includes("id_token");
/** Whether an access token comes from the front channel or for the code. */
export const hasAccessToken = (variant: Variant): boolean => hasCode(variant) || /\btoken$/.test(variant.responseType);

export const secondClient: RelyingParty = {
  id: "second",
  secret: "second-secret",
  redirectUri: "https://second.example/callback?foo=bar",
};

const config: ConfigFile = {
  oauth2: { skipApprovalScreen: true, responseTypes: ["code", "id_token", "token"] },
  staticClients: [
    appClient,
    { id: "second", name: "Second", secret: "second-secret", redirectURIs: [secondClient.redirectUri] },
  ],
  connectors: [mockConnector, passwordConnector],
};

/** The server that a module asks, closed when its file is done. */
export async function startConformance(file: ConfigFile = {}, start: Start = {}): Promise<ServerUnderTest> {
  const server = await startServerUnderTest({ ...config, ...file }, start);
  after(() => server.close());
  return server;
}

/** Sessions on: for the modules that ask what a signed-in browser gets. */
export const withSessions: Start = { sessions: true };

/** One test per variant of the plans that have the module. */
export function underPlans(
  module: string,
  names: readonly PlanName[],
  run: (variant: Variant) => Promise<void>,
  suits: (variant: Variant) => boolean = () => true,
): void {
  describe(module, () => {
    for (const name of names) {
      for (const variant of plans[name].filter(suits)) {
        it(`${name}: ${variant.responseType} by ${variant.responseMode}`, () => run(variant));
      }
    }
  });
}

/** The parameters of a request of this kind; `more` overrides, undefined removes. */
export const paramsOf = (variant: Variant, more: Params = {}): Params => ({
  response_type: variant.responseType,
  response_mode: variant.responseMode === "form_post" ? "form_post" : undefined,
  connector_id: "mock",
  nonce: "n-0S6_WzA2Mj",
  ...more,
});

/** Asks and goes along until a page or the way to the client. */
export async function ask(agent: UserAgent, variant: Variant, more: Params = {}, client = app): Promise<Answer> {
  return agent.follow(await agent.get(authPath(paramsOf(variant, more), client)));
}

/** What the client is told where the mode puts it, and that nothing is anywhere else. */
export function told(answer: Answer, variant: Variant, client = app): Readonly<Record<string, string>> {
  const parameters =
    variant.responseMode === "form_post" ? toldByForm(answer, client) : toldByUrl(answer, variant, client);
  assert.equal(new URL(parameters.iss ?? "").pathname.replace(/\/$/, ""), "/dex", "RFC 9207 §2");
  return parameters;
}

function toldByForm({ status, body, headers }: Answer, client: RelyingParty): Readonly<Record<string, string>> {
  assert.equal(status, 200, body);
  assert.equal(headers["cache-control"], "no-store");
  assert.match(body, /<form id="continue-form" method="post"/);
  assert.equal(unescapeHtml(/ action="([^"]*)"/.exec(body)?.[1] ?? ""), client.redirectUri);
  const fields = [...body.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)];
  return Object.fromEntries(fields.map(([, name = "", value = ""]) => [unescapeHtml(name), unescapeHtml(value)]));
}

function toldByUrl(answer: Answer, variant: Variant, client: RelyingParty): Readonly<Record<string, string>> {
  const { status, location, body } = answer;
  assert.equal(status, 303, body);
  assert.ok(location !== undefined);
  assert.ok(location.href.startsWith(client.redirectUri), location.href);
  const own = new URL(client.redirectUri).searchParams;
  const query = [...location.searchParams].filter(([name]) => !own.has(name));
  const fragment = [...new URLSearchParams(location.hash.slice(1))];
  assert.deepEqual(variant.responseMode === "query" ? fragment : query, [], location.href);
  return Object.fromEntries(variant.responseMode === "query" ? query : fragment);
}

/** Signs in with the form, which must be shown, as Kilgore; the answer is the client's. */
export async function signInByForm(agent: UserAgent, variant: Variant, more: Params = {}): Promise<Answer> {
  const form = await ask(agent, variant, { connector_id: "pw", ...more });
  assertForm(form);
  return agent.follow(await agent.post(form.url.href, { login: "kilgore", password: "trout" }));
}

/** That the person is asked for a password. */
function assertForm(answer: Answer): void {
  assert.equal(answer.status, 200, answer.headers.location);
  assert.match(answer.body, /<input id="password"/, "no form");
}

/** The ID token that an answer leads to. */
export async function idTokenFrom(agent: UserAgent, answer: Answer, variant: Variant): Promise<string> {
  const { id_token: idToken, code = "", error } = told(answer, variant);
  assert.equal(error, undefined);
  const found = idToken ?? tokensOf(await redeem(agent, code)).id_token;
  assert.ok(found !== undefined);
  return found;
}

/** The refusal that the client is told; fails where it is told anything else. */
export function refusalOf(answer: Answer, variant: Variant): { readonly error: string; readonly state?: string } {
  const { error = "", state, code, id_token: idToken, access_token: accessToken } = told(answer, variant);
  assert.deepEqual([code, idToken, accessToken], [undefined, undefined, undefined]);
  assert.notEqual(error, "");
  return { error, ...(state === undefined ? {} : { state }) };
}

export interface Outcome {
  readonly answer: Readonly<Record<string, string>>;
  /** From the front channel, else from the token endpoint. */
  readonly idToken: string;
  readonly accessToken: string | undefined;
}

/** A whole flow: what the client holds in the end. */
export async function complete(
  agent: UserAgent,
  variant: Variant,
  more: Params = {},
  redemption: Params = {},
): Promise<Outcome> {
  const answer = told(await ask(agent, variant, more), variant);
  const tokens = answer.code === undefined ? undefined : tokensOf(await redeem(agent, answer.code, redemption));
  const idToken = answer.id_token ?? tokens?.id_token;
  assert.ok(idToken !== undefined, answer.error_description);
  return { answer, idToken, accessToken: tokens?.access_token ?? answer.access_token };
}
