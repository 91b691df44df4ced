/** What the writes of the API are tried on: people, clients and connectors, as another server sees them. */
import assert from "node:assert/strict";
import type { AdminClient } from "../../../src/server/admin-client.ts";
import {
  app,
  askToken,
  authorize,
  codeOf,
  type Params,
  type RelyingParty,
  redeem,
  type Tokens,
  tokensOf,
  unescapeHtml,
  userinfo,
} from "../../spec/relying-party.ts";
import type { Answer, UserAgent } from "../../spec/user-agent.ts";

/** The server that is written to, and the one that is looked at. */
export interface Stage {
  readonly api: AdminClient;
  /** A browser without a past, at the server that is looked at. */
  newAgent(): UserAgent;
}

/** A write, and what the other server does before it and after it. Looking changes nothing, however often. */
export interface Scene {
  write(): Promise<unknown>;
  look(): Promise<unknown>;
  readonly was: unknown;
  readonly is: unknown;
}

/** By the name of the method that writes, and a word more where there are several of one. */
export type Scenes = Readonly<Record<string, (stage: Stage) => Promise<Scene>>>;

/** Of "trout". */
const trout = Buffer.from("$2a$10$7/WWzIaUdfZ3qgMIpgLdpui0tZWpIl1v/HWtZ1dCBmkuggArG1guy");

export interface Person {
  readonly email: string;
  readonly user: { readonly user_id: string; readonly connector_id: string };
}

/** Somebody new in the password database, whose password is "trout". */
export async function aPerson({ api }: Stage, name: string): Promise<Person> {
  const email = `${name}@example.com`;
  await api.dex.CreatePassword({ password: { email, hash: trout, username: name, user_id: name } });
  return { email, user: { user_id: name, connector_id: "local" } };
}

/** Whether the password grant lets somebody in. */
export async function isLetIn({ newAgent }: Stage, email: string, password = "trout"): Promise<boolean> {
  const form = { grant_type: "password", username: email, password, scope: "openid" };
  return (await askToken(newAgent(), form)).status === 200;
}

/** Signs in with the form, as far as that leads. */
export async function logIn(
  agent: UserAgent,
  login: string,
  more: Params = {},
  client: RelyingParty = app,
): Promise<Answer> {
  const page = await authorize(agent, { connector_id: "local", ...more }, client);
  assert.equal(page.status, 200, `no form: ${page.location}`);
  return agent.follow(await agent.post(page.url.href, { login, password: "trout" }));
}

export interface Held {
  readonly browser: UserAgent;
  readonly tokens: Tokens;
  readonly connector: string;
}

/** A browser in which somebody signed in and agreed to everything, and what the client got for it. */
export async function signedIn({ newAgent }: Stage, login: string, connector = "local"): Promise<Held> {
  const browser = newAgent();
  const asked = await logIn(browser, login, { connector_id: connector, scope: "openid email offline_access" });
  assert.match(asked.url.pathname, /\/approval$/, asked.body);
  const req = unescapeHtml(/name="req" value="([^"]*)"/.exec(asked.body)?.[1] ?? "");
  const agreed = await browser.follow(await browser.post(asked.url.href, { req, approval: "approve" }));
  return { browser, connector, tokens: tokensOf(await redeem(browser, codeOf(agreed))) };
}

/** What of it still counts: the session and the consent, the access token, the refresh token. */
export async function whatCounts(stage: Stage, { browser, tokens, connector }: Held): Promise<readonly boolean[]> {
  // Over a connection of its own, which another thread may take.
  browser.close();
  const silent = await authorize(browser, { connector_id: connector, prompt: "none", scope: "openid email" });
  return [
    silent.location?.searchParams.has("code") === true,
    (await userinfo(stage.newAgent(), tokens.access_token)).status === 200,
    await isActive(stage, tokens.refresh_token ?? ""),
  ];
}

async function isActive({ newAgent }: Stage, token: string): Promise<boolean> {
  const form = { client_id: app.id, client_secret: app.secret ?? "", token };
  return JSON.parse((await newAgent().ask("/token/introspect", { method: "POST", form })).body).active;
}
