/** What the tests of passkeys share: people of the password database, and their devices. */
import assert from "node:assert/strict";
import { z } from "zod";
import { type SecurityKey, securityKey } from "../fake/security-key.ts";
import { free, freeClient, recoveryCodesOn, startWithFactors, totp } from "./mfa.ts";
import { authorize, type Params, type RelyingParty, unescapeHtml } from "./relying-party.ts";
import { appClient, type ConfigFile, type ServerUnderTest, type Start } from "./server-under-test.ts";
import type { Answer, UserAgent } from "./user-agent.ts";

export const keyOptions = { rpId: "localhost", origin: "http://localhost:5556" };
export const passkey = {
  id: "passkey",
  type: "WebAuthn",
  config: { rpID: "localhost", rpOrigins: [keyOptions.origin], firstFactor: true },
} as const;

/** bcrypt of "password". */
const hash = "$2b$10$gMUj5CiVr/sp4uth6RvA7ehMTz4zJBP9lJkbWkIequzjgUyuxTNAK";
export const ada = { email: "ada@example.com", username: "ada", userID: "id-of-ada", groups: ["staff"], hash };
export const bob = { email: "bob@example.com", username: "bob", userID: "id-of-bob", hash };

export const local = { connector_id: "local" };

/** The app asks for a code of an authenticator app, `free` for nothing. */
export async function startWithPasskeys(
  t: { after(run: () => unknown): void },
  file: ConfigFile = {},
  start: Start = {},
): Promise<ServerUnderTest> {
  const server = await startWithFactors(
    {
      connectors: [],
      enablePasswordDB: true,
      staticPasswords: [ada, bob],
      staticClients: [{ ...appClient, mfaChain: ["totp"] }, freeClient],
      mfa: { authenticators: [totp, passkey] },
      ...file,
    },
    start,
  );
  t.after(() => server.close());
  return server;
}

/** Where somebody types their name. */
export async function atForm(agent: UserAgent, more: Params = {}, client: RelyingParty = free): Promise<Answer> {
  const page = await authorize(agent, { ...local, ...more }, client);
  assert.equal(page.status, 200, page.body);
  assert.match(page.url.pathname, /\/auth\/local\/login$/);
  return page;
}

export async function typePassword(
  agent: UserAgent,
  person: { readonly email: string } = ada,
  client: RelyingParty = free,
): Promise<Answer> {
  const page = await atForm(agent, {}, client);
  return agent.follow(await agent.post(page.url.href, { login: person.email, password: "password" }));
}

const formShape = /<form id="webauthn"[^>]* action="([^"]*)"[^>]* data-options="([^"]*)"/;
const optionsShape = z.looseObject({ challenge: z.string().min(40), user: z.object({ id: z.string() }).optional() });

/** What a page's form holds for our script: what to ask the device, and what goes back with its answer. */
export function ceremonyOn({ body, url }: Answer) {
  const [, action = "", options = ""] = formShape.exec(body) ?? assert.fail(`no ceremony: ${body}`);
  const hidden = [
    ...body.slice(body.indexOf('id="webauthn"')).matchAll(/type="hidden" name="([^"]*)" value="([^"]*)"/g),
  ];
  return {
    action: new URL(unescapeHtml(action), url).href,
    options: optionsShape.parse(JSON.parse(unescapeHtml(options))),
    fields: Object.fromEntries(hidden.map(([, name = "", value = ""]) => [name, unescapeHtml(value)])),
  };
}

/** Sends what the device says to the page's question. */
export const say = (agent: UserAgent, page: Answer, said: object, more: Params = {}): Promise<Answer> => {
  const { action, fields } = ceremonyOn(page);
  return agent.post(action, { ...fields, answer: JSON.stringify(said), ...more });
};

export const signIn = async (agent: UserAgent, page: Answer, device: SecurityKey): Promise<Answer> =>
  say(agent, page, device.sign(ceremonyOn(page).options.challenge));

/** Signs `person` in with their password and gives them a passkey on the account page. */
export async function enrolPasskey(agent: UserAgent, person: { readonly email: string } = ada): Promise<SecurityKey> {
  await typePassword(agent, person);
  return addPasskey(agent);
}

export async function addPasskey(agent: UserAgent, name = ""): Promise<SecurityKey> {
  const page = await agent.get("/account/factor?authenticator=passkey");
  const { options } = ceremonyOn(page);
  const device = securityKey(keyOptions);
  device.userHandle = options.user?.id ?? assert.fail("no handle");
  const answer = await say(agent, page, device.register(options.challenge), { name });
  assert.ok(answer.status === 303 || recoveryCodesOn(answer).length === 10, answer.body);
  return device;
}
