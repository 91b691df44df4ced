import assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import { systemClock } from "../../../src/kernel/system.ts";
import { securityKey } from "../../fake/security-key.ts";
import { enrol, isSettingUp, leaveCodes } from "../../spec/mfa.ts";
import type { RelyingParty } from "../../spec/relying-party.ts";
import type { Answer, UserAgent } from "../../spec/user-agent.ts";
import {
  aPerson,
  isLetIn,
  logIn,
  type Person,
  type Scene,
  type Scenes,
  type Stage,
  signedIn,
  whatCounts,
} from "./scene.ts";

/** Clients whose people need a factor more. */
export const guarded: RelyingParty = { id: "guarded", redirectUri: "https://guarded.example/cb" };
export const keyed: RelyingParty = { id: "keyed", redirectUri: "https://keyed.example/cb" };

type Write = (stage: Stage, person: Person) => Promise<unknown>;

/** Somebody signs in at the other server; what counts of it before and after. */
const holding =
  (name: string, write: Write, is: readonly boolean[]) =>
  async (stage: Stage): Promise<Scene> => {
    const person = await aPerson(stage, name);
    const held = await signedIn(stage, person.email);
    return { write: () => write(stage, person), look: () => whatCounts(stage, held), was: [true, true, true], is };
  };

const nothing = [false, false, false];
/** The session goes on, and so does what it gives. */
const session = [true, false, false];

async function sessionOf({ api }: Stage, { user }: Person): Promise<string> {
  const { sessions } = await api.dex.ListAuthSessions(user);
  return sessions[0]?.id ?? assert.fail("no session");
}

async function familyOf({ api }: Stage, { user }: Person): Promise<string> {
  const { refresh_tokens: families } = await api.admin.ListRefreshTokens(user);
  return families[0]?.id ?? assert.fail("no refresh token");
}

/** `sub`, as protobuf has it: two strings, numbered. */
const subjectOf = ({ user }: Person): string =>
  Buffer.concat(
    [user.user_id, user.connector_id].map((text, at) => Buffer.from([10 + 8 * at, text.length, ...Buffer.from(text)])),
  ).toString("base64url");

export const sessionScenes = {
  DeleteAuthSession: holding(
    "ended",
    async (stage, person) => stage.api.dex.DeleteAuthSession({ id: await sessionOf(stage, person) }),
    nothing,
  ),
  TerminateSessionsByUser: holding(
    "terminated",
    ({ api }, { user }) => api.dex.TerminateSessionsByUser({ user_id: user.user_id }),
    nothing,
  ),
  TerminateSessionsByConnector: async (stage) => {
    const config = Buffer.from(JSON.stringify({ username: "leaver", password: "trout" }));
    await stage.api.dex.CreateConnector({ connector: { id: "left", type: "mockPassword", name: "Left", config } });
    await wait(1_000);
    const held = await signedIn(stage, "leaver", "left");
    return {
      write: () => stage.api.dex.TerminateSessionsByConnector({ connector_id: "left" }),
      look: () => whatCounts(stage, held),
      was: [true, true, true],
      is: nothing,
    };
  },
} satisfies Scenes;

export const tokenScenes = {
  RevokeRefresh: holding(
    "revoked",
    ({ api }, person) => api.dex.RevokeRefresh({ user_id: subjectOf(person), client_id: "app" }),
    session,
  ),
  RevokeRefreshToken: holding(
    "revokedone",
    async (stage, person) => stage.api.admin.RevokeRefreshToken({ id: await familyOf(stage, person) }),
    session,
  ),
  RevokeRefreshTokens: holding("revokedall", ({ api }, { user }) => api.admin.RevokeRefreshTokens(user), session),
  RevokeConsent: holding(
    "withdrawn",
    ({ api }, { user }) => api.dex.RevokeConsent({ ...user, client_id: "app" }),
    nothing,
  ),
} satisfies Scenes;

/** Guesses that lock an account. */
export const attempts = 6;

const far = 4_000_000_000;

export const personScenes = {
  DeletePassword: holding("passwordless", ({ api }, { email }) => api.dex.DeletePassword({ email }), nothing),
  DeleteUserIdentity: holding("deleted", ({ api }, { user }) => api.dex.DeleteUserIdentity(user), nothing),
  SetBlockedUntil: holding(
    "blocked",
    ({ api }, { user }) => api.admin.SetBlockedUntil({ ...user, blocked_until: far }),
    nothing,
  ),
  "SetBlockedUntil, to let somebody in again": async (stage) => {
    const { email, user } = await aPerson(stage, "forgiven");
    await signedIn(stage, email);
    await stage.api.admin.SetBlockedUntil({ ...user, blocked_until: far });
    await wait(1_000);
    return {
      write: () => stage.api.admin.SetBlockedUntil({ ...user, blocked_until: 0 }),
      look: () => isLetIn(stage, email),
      was: false,
      is: true,
    };
  },
  "VerifyPassword, wrong guesses": async (stage) => {
    const { email } = await aPerson(stage, "guessed");
    return { write: () => guess(stage, email), look: () => isLetIn(stage, email), was: true, is: false };
  },
  UnlockAccount: async (stage) => {
    const { email } = await aPerson(stage, "unlocked");
    await guess(stage, email);
    return {
      write: () => stage.api.admin.UnlockAccount({ connector_id: "local", name: email }),
      look: () => isLetIn(stage, email),
      was: false,
      is: true,
    };
  },
} satisfies Scenes;

async function guess({ api }: Stage, email: string): Promise<void> {
  for (let count = 0; count < attempts; count++) await api.dex.VerifyPassword({ email, password: `wrong ${count}` });
}

/** Somebody with an authenticator app; whether the other server asks them to set one up. */
const withApp =
  (name: string, write: Write) =>
  async (stage: Stage): Promise<Scene> => {
    const person = await aPerson(stage, name);
    const agent = stage.newAgent();
    await enrol(agent, await logIn(agent, person.email, {}, guarded), { clock: systemClock });
    return {
      write: () => write(stage, person),
      look: async () => isSettingUp(await logIn(stage.newAgent(), person.email, {}, guarded)),
      was: false,
      is: true,
    };
  };

const post = (agent: UserAgent, page: Answer, what: string, body: unknown = {}): Promise<Answer> =>
  agent.ask(`/mfa/webauthn/${what}${page.url.search}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });

/** Somebody with a security key. */
async function registerKey({ newAgent }: Stage, { email }: Person): Promise<void> {
  const agent = newAgent();
  const page = await logIn(agent, email, {}, keyed);
  const begun = z
    .object({ publicKey: z.looseObject({ challenge: z.string() }) })
    .parse(JSON.parse((await post(agent, page, "register/begin")).body));
  const device = securityKey({ rpId: "localhost", origin: "http://localhost:5556" });
  const finished = await post(agent, page, "register/finish", device.register(begun.publicKey.challenge));
  const { redirect } = z.object({ redirect: z.string() }).parse(JSON.parse(finished.body));
  await leaveCodes(agent, await agent.follow(await agent.get(new URL(redirect, finished.url).href)));
}

export const factorScenes = {
  ResetMFA: withApp("reset", ({ api }, { user }) => api.dex.ResetMFA(user)),
  DeleteMFASecret: withApp("appless", ({ api }, { user }) =>
    api.dex.DeleteMFASecret({ ...user, authenticator_id: "totp" }),
  ),
  DeleteWebAuthnCredential: async (stage) => {
    const person = await aPerson(stage, "keyless");
    await registerKey(stage, person);
    return {
      async write() {
        const { devices } = await stage.api.dex.ListMFADevices(person.user);
        const [credential] = devices.flatMap(({ webauthn_credentials: all }) => all);
        return stage.api.dex.DeleteWebAuthnCredential({ ...person.user, credential_id: credential?.credential_id });
      },
      async look() {
        const agent = stage.newAgent();
        return (await post(agent, await logIn(agent, person.email, {}, keyed), "login/begin")).status === 200;
      },
      was: true,
      is: false,
    };
  },
} satisfies Scenes;
