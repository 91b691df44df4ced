/** Vendors upstream of a whole server: login, refresh, changed groups, restriction and exchange, the same for each. OIDC Core §3.1, RFC 6749 §6, RFC 8693. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { startFakeCrowd } from "../fake/crowd.ts";
import { janeSub, startFakeGoogle } from "../fake/google.ts";
import { type HandClock, handClock } from "../fake/hand-clock.ts";
import { contoso, jane as graphJane, startFakeMicrosoft } from "../fake/microsoft.ts";
import { jdoe, startFakeOpenshift } from "../fake/openshift.ts";
import {
  askToken,
  assertPage,
  assertRefused,
  authPath,
  redeem,
  refresh,
  tokensOf,
  toldClient,
  verify,
} from "./relying-party.ts";
import { type ConfigFile, issuer, type ServerUnderTest, startServerUnderTest } from "./server-under-test.ts";
import type { Answer, UserAgent } from "./user-agent.ts";

/** A vendor's fake, as far as these tests need to know it. */
interface Vendor {
  readonly config: ConfigFile;
  /** Restricts to the group `staff`, or to what the vendor calls so. */
  readonly restriction: ConfigFile;
  /** From where the browser was sent to where it comes back; or the form's name and password. */
  readonly signIn: ((url: URL) => Promise<URL>) | { readonly login: string; readonly password: string };
  setGroups(groups: readonly string[]): void;
  /** The person is gone. */
  end(): void;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly userId: string;
  /** A token of the vendor's for us, and one for somebody else's application. */
  readonly tokens?: () => Promise<{ readonly type: string; readonly ours: string; readonly foreign: string }>;
  close(): Promise<void>;
}

const client = { redirectURI: `${issuer}/callback` };

async function crowd(): Promise<Vendor> {
  const person = { name: "jane", key: "131074:aa-bb", email: "jane@up.test", password: "foo", groups: ["staff"] };
  const fake = await startFakeCrowd([person]);
  return {
    config: { baseURL: `${fake.url}/crowd`, clientID: fake.clientId, clientSecret: fake.clientSecret },
    restriction: { groups: ["staff"] },
    signIn: { login: "jane", password: "foo" },
    setGroups: (groups) => void fake.people.set("jane", { ...person, groups }),
    end: () => fake.people.clear(),
    claims: { name: "jane", email: "jane@up.test", email_verified: true, groups: ["staff"] },
    userId: person.key,
    close: () => fake.close(),
  };
}

async function google(clock: HandClock): Promise<Vendor> {
  const fake = await startFakeGoogle(() => Math.floor(clock.now() / 1000));
  const { accounts } = fake;
  const setGroups = (groups: readonly string[]): void => void fake.groups.set("user_1@dexidp.com", groups);
  setGroups(["staff"]);
  const said = () => ({
    iss: "https://accounts.google.com",
    sub: janeSub,
    exp: Math.floor(clock.now() / 1000) + 600,
    iat: Math.floor(clock.now() / 1000),
    ...accounts.people.get(janeSub),
  });
  return {
    config: {
      ...client,
      clientID: accounts.clientId,
      clientSecret: accounts.clientSecret,
      endpoints: fake.endpoints,
      serviceAccountFilePath: fake.keyFile,
      domainToAdminEmail: { "*": "admin@dexidp.com" },
    },
    restriction: { groups: ["staff"] },
    signIn: accounts.authorize,
    setGroups,
    end: () => accounts.revoke(janeSub),
    claims: { name: "Jane Doe", email: "user_1@dexidp.com", email_verified: true, groups: ["staff"] },
    userId: janeSub,
    tokens: async () => ({
      type: "id_token",
      ours: await accounts.signUsual({ ...said(), aud: accounts.clientId }),
      foreign: await accounts.signUsual({ ...said(), aud: "another-application" }),
    }),
    close: () => fake.close(),
  };
}

async function microsoft(): Promise<Vendor> {
  const fake = await startFakeMicrosoft();
  const person = { ...graphJane, userPrincipalName: "jane@up.test" };
  const setGroups = (names: readonly string[]): void => {
    for (const name of names) fake.groupNames.set(`id-${name}`, name);
    fake.people.set("jane", { ...person, groups: names.map((name) => `id-${name}`) });
  };
  setGroups(["staff"]);
  let last = "";
  const make = fake.makeAccessToken;
  fake.makeAccessToken = (grant) => (last = make(grant));
  return {
    config: {
      ...client,
      clientID: fake.clientId,
      clientSecret: fake.clientSecret,
      tenant: contoso,
      apiURL: fake.url,
      graphURL: fake.url,
    },
    restriction: { groups: ["staff"] },
    signIn: fake.authorize,
    setGroups,
    end: () => fake.revoke("jane"),
    claims: { name: "Jane Doe", email: "jane@up.test", email_verified: true, groups: ["staff"] },
    userId: person.id,
    tokens: async () => {
      const ours = last;
      const [header, , signature] = ours.split(".");
      const claims = Buffer.from(JSON.stringify({ ...fake.claims, appid: "another-application" })).toString(
        "base64url",
      );
      return { type: "access_token", ours, foreign: `${header}.${claims}.${signature}` };
    },
    close: () => fake.close(),
  };
}

async function openshift(): Promise<Vendor> {
  const fake = await startFakeOpenshift();
  const setGroups = (groups: readonly string[]): void => void fake.people.set("jane", { ...jdoe, groups });
  setGroups(["staff"]);
  return {
    config: { ...client, clientID: fake.clientId, clientSecret: fake.clientSecret, issuer: fake.url },
    restriction: { groups: ["staff"] },
    signIn: fake.authorize,
    setGroups,
    end: () => fake.revoke("jane"),
    claims: { name: "jdoe", preferred_username: "jdoe", email: "jdoe", email_verified: false, groups: ["staff"] },
    userId: "12345",
    close: () => fake.close(),
  };
}

const vendors = { "atlassian-crowd": crowd, google, microsoft, openshift } as const;
const allScopes = "openid email profile groups offline_access";

for (const [type, startVendor] of Object.entries(vendors)) {
  describe(`a login with ${type}`, () => {
    const open: (() => Promise<void>)[] = [];
    after(async () => {
      for (const close of open.reverse()) await close();
    });

    async function start(isRestricted: boolean) {
      const clock = handClock();
      const vendor = await startVendor(clock);
      open.push(() => vendor.close());
      const config = { ...vendor.config, ...(isRestricted ? vendor.restriction : {}) };
      const file = { connectors: [{ type, id: "up", name: "Upstream", config }] };
      const server = await startServerUnderTest(file, { clock });
      open.push(() => server.close());
      return { vendor, server, agent: server.newAgent() };
    }

    async function through(agent: UserAgent, { signIn }: Vendor, scope: string): Promise<Answer> {
      const away = await agent.follow(await agent.get(authPath({ scope })));
      if (typeof signIn === "object") return agent.post(away.url.href, signIn);
      assert.ok(away.location !== undefined, away.body);
      return agent.follow(await agent.get((await signIn(away.location)).href));
    }

    async function tokens(agent: UserAgent, vendor: Vendor, scope = allScopes) {
      return tokensOf(await redeem(agent, toldClient(await through(agent, vendor, scope)).code ?? ""));
    }

    /** A refusal waits a moment for another request that might have renewed what the vendor wants. */
    async function refused(server: ServerUnderTest, asked: Promise<Answer>): Promise<Answer> {
      let isDone = false;
      const done = asked.finally(() => {
        isDone = true;
      });
      while (!isDone) {
        await wait(50);
        if (!isDone) await server.clock.advance(200);
      }
      return done;
    }

    it("gives the client the vendor's claims, and a refresh tells new groups", async () => {
      const { vendor, server, agent } = await start(false);
      const first = await tokens(agent, vendor);
      const { claims } = await verify(first.id_token, server, agent);
      for (const [name, value] of Object.entries(vendor.claims)) assert.deepEqual(claims[name], value, name);
      const subject = Buffer.from([
        0x0a,
        vendor.userId.length,
        ...Buffer.from(vendor.userId),
        0x12,
        2,
        ...Buffer.from("up"),
      ]);
      assert.equal(claims.sub, subject.toString("base64url"));
      vendor.setGroups(["staff", "new"]);
      const second = tokensOf(await refresh(agent, first.refresh_token ?? ""));
      assert.deepEqual((await verify(second.id_token, server, agent)).claims.groups, ["staff", "new"]);
    });

    it("ends with the person", async () => {
      const { vendor, server, agent } = await start(false);
      const { refresh_token } = await tokens(agent, vendor);
      vendor.end();
      const answer = await refused(server, refresh(agent, refresh_token ?? ""));
      assertRefused(answer, "invalid_grant", "The user may no longer sign in.");
    });

    it("keeps out who lost the group, whatever the client asks for, with a page, and at a refresh", async () => {
      const { vendor, server, agent } = await start(true);
      const { refresh_token } = await tokens(agent, vendor, "openid offline_access");
      vendor.setGroups(["others"]);
      assertPage(await through(agent, vendor, "openid"), 403);
      assertRefused(await refused(server, refresh(agent, refresh_token ?? "")), "invalid_grant");
      assert.match(server.log.join(""), /keeps somebody out/);
    });

    it("exchanges the vendor's tokens for us, and no other application's, or none at all", async () => {
      const { vendor, server, agent } = await start(true);
      await tokens(agent, vendor);
      const given = await vendor.tokens?.();
      const exchange = (subject_token: string, kind: string): Promise<Answer> =>
        askToken(agent, {
          grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
          connector_id: "up",
          subject_token,
          subject_token_type: `urn:ietf:params:oauth:token-type:${kind}`,
          scope: "openid",
        });
      if (given === undefined) return assertRefused(await exchange("x", "access_token"), "invalid_request");
      const { ours, foreign, type: kind } = given;
      assert.equal((await exchange(ours, kind)).status, 200);
      assertRefused(await exchange(foreign, kind), "invalid_request");
      vendor.setGroups(["others"]);
      assertRefused(await exchange(ours, kind), "invalid_request");
      for (const secret of [ours, foreign]) assert.ok(!server.log.join("").includes(secret));
    });
  });
}
