/** What the tests of second factors share: a server that demands them, and an authenticator app. */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import type { Clock } from "../../src/kernel/ports.ts";
import { authorize, type Params, type RelyingParty, unescapeHtml } from "./relying-party.ts";
import {
  appClient,
  type ConfigFile,
  passwordConnector,
  type ServerUnderTest,
  type Start,
  startServerUnderTest,
} from "./server-under-test.ts";
import type { Answer, UserAgent } from "./user-agent.ts";

export const totp = { id: "totp", type: "TOTP", config: { issuer: "The Issuer" } } as const;

/** The app demands codes; `free` demands nothing and shares the app's session. */
export const free: RelyingParty = { id: "free", secret: "free-secret", redirectUri: "https://free.example/callback" };
export const freeClient = {
  id: free.id,
  secret: free.secret,
  name: free.id,
  redirectURIs: [free.redirectUri],
  mfaChain: [],
  ssoSharedWith: ["*"],
};

export const startWithFactors = (file: ConfigFile = {}, start: Start = {}): Promise<ServerUnderTest> =>
  startServerUnderTest(
    {
      connectors: [passwordConnector],
      staticClients: [{ ...appClient, mfaChain: ["totp"], ssoSharedWith: ["*"] }, freeClient],
      mfa: { authenticators: [totp] },
      // Wrong codes are sent by the dozen; the lockout has a test of its own.
      lockout: { disabled: true },
      ...file,
    },
    { sessions: true, ...start },
  );

/** Signs in with the form, as far as that leads. */
export async function logIn(agent: UserAgent, more: Params = {}, client?: RelyingParty): Promise<Answer> {
  const page = await authorize(agent, more, client);
  assert.equal(page.status, 200, `no form: ${page.location}`);
  return agent.follow(await agent.post(page.url.href, { login: "kilgore", password: "trout" }));
}

/** A stranger's authenticator app. RFC 4226 §5.3, RFC 6238 §4. */
export function codeAt(seed: string, now: number): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...seed].map((char) => alphabet.indexOf(char).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(now / 30_000)));
  const mac = createHmac("sha1", key).update(counter).digest();
  const at = (mac[19] ?? 0) & 0xf;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

/** The seed that a page of setting up shows. */
export const seedOn = ({ body }: Answer): string =>
  (/id="totp-secret"[^>]*>([A-Z2-7 ]+)</.exec(body)?.[1] ?? assert.fail(body)).replaceAll(" ", "");

export const isSettingUp = ({ body }: Answer): boolean => body.includes('id="totp-secret"');

export function assertAskedForCode(answer: Answer): void {
  assert.equal(answer.status, 200, answer.body);
  assert.match(answer.url.pathname, /\/mfa\/totp$/);
  assert.ok(!isSettingUp(answer), "the app is set up anew");
}

const hidden = (body: string, name: string): string | undefined =>
  new RegExp(`name="${name}" value="([^"]*)"`).exec(body)?.[1];

/** Sends `code` with whatever else the form holds. */
export function sendCode(agent: UserAgent, page: Answer, code: string): Promise<Answer> {
  const enrolment = hidden(page.body, "enrolment");
  return agent.post(page.url.href, {
    totp: code,
    ...(enrolment === undefined ? {} : { enrolment: unescapeHtml(enrolment) }),
  });
}

export const recoveryCodesOn = ({ body }: Answer): readonly string[] =>
  [...body.matchAll(/<li><code>([^<]+)<\/code><\/li>/g)].map(([, code]) => code ?? "");

/** Presses the button below the recovery codes. */
export async function leaveCodes(agent: UserAgent, page: Answer): Promise<Answer> {
  const fields = { hmac: hidden(page.body, "hmac") ?? "", req: hidden(page.body, "req") ?? "" };
  return agent.follow(await agent.post("/mfa", fields));
}

/** Sets the app up at `page`: its seed, the recovery codes, and where the login leads then. */
export async function enrol(agent: UserAgent, page: Answer, server: { readonly clock: Pick<Clock, "now"> }) {
  const seed = seedOn(page);
  const shown = await sendCode(agent, page, codeAt(seed, server.clock.now()));
  assert.equal(shown.status, 200, shown.body);
  const codes = recoveryCodesOn(shown);
  return { seed, codes, answer: await leaveCodes(agent, shown) };
}
