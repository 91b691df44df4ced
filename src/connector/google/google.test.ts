/** People with a Google account: claims, groups of Workspace, restrictions, and tokens of others. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import fc from "fast-check";
import {
  aLogin,
  aReport,
  callbackUrl,
  clear,
  connectorDeps,
  noWishes,
  signInThrough,
} from "../../../test/fake/connector-deps.ts";
import { fault, janeSub, startFakeGoogle } from "../../../test/fake/google.ts";
import { UnavailableError } from "../../kernel/errors.ts";
import { Secret } from "../../kernel/secret.ts";
import type { Identity, LoginResult, Wishes } from "../contract.ts";
import { depthFirst, maxCalls } from "./directory.ts";
import { google } from "./google.ts";

type Config = Readonly<Record<string, unknown>>;
const idToken = "urn:ietf:params:oauth:token-type:id_token";
const accessToken = "urn:ietf:params:oauth:token-type:access_token";
const directory = { domainToAdminEmail: { "*": "admin@dexidp.com" } };

async function start(t: TestContext, config: Config = {}) {
  const fake = await startFakeGoogle();
  const { accounts } = fake;
  const deps = connectorDeps();
  t.after(() => fake.close());
  t.after(() => deps.close());
  fake.groups.set("user_1@dexidp.com", ["groups_1@dexidp.com", "groups_2@dexidp.com"]);
  fake.groups.set("groups_1@dexidp.com", ["groups_0@dexidp.com"]);
  fake.groups.set("groups_2@dexidp.com", ["groups_0@dexidp.com"]);
  fake.groups.set("groups_0@dexidp.com", []);
  const usual = {
    clientID: accounts.clientId,
    clientSecret: accounts.clientSecret,
    redirectURI: callbackUrl.href,
    endpoints: fake.endpoints,
    ...("domainToAdminEmail" in config ? { serviceAccountFilePath: fake.keyFile } : {}),
  };
  const parsed = google.config.parse({ ...usual, ...config });
  const connector = await google.open(parsed, deps);
  assert.ok(connector.kind === "redirect" && connector.refresh !== undefined && connector.identify !== undefined);
  const { refresh, identify } = connector;
  return {
    fake,
    accounts,
    deps,
    parsed,
    connector,
    signIn: (login = aLogin()) => signInThrough(connector, accounts.authorize, login),
    refresh: (identity: Identity, login = aLogin()) => refresh(identity, login),
    identify: (token: string, type: string, login = aLogin()) => identify(new Secret(token), type, login),
  };
}

function identityOf(result: LoginResult): Identity {
  assert.ok(result.ok, JSON.stringify(result));
  return result.identity;
}

const denied = { ok: false, reason: "not_in_required_groups" } as const;

describe("the way to Google", () => {
  it("is Dex's, with a nonce and PKCE", async (t) => {
    const ask = async (config: Config, offlineAccess: boolean) => {
      const { connector } = await start(t, config);
      const { to } = await connector.begin(callbackUrl, () => "s", aLogin({ offlineAccess }));
      return to.searchParams;
    };
    const usual = await ask({}, true);
    assert.equal(usual.get("scope"), "openid profile email");
    assert.deepEqual([usual.get("access_type"), usual.get("prompt"), usual.get("hd")], ["offline", "consent", null]);
    assert.deepEqual([usual.get("code_challenge_method"), usual.get("nonce")?.length], ["S256", 22]);
    const other = await ask({ promptType: "", hostedDomains: ["a.com"], scopes: ["email"] }, true);
    assert.deepEqual([other.get("prompt"), other.get("hd"), other.get("scope")], [null, "a.com", "openid email"]);
    const online = await ask({ hostedDomains: ["a.com", "b.com"] }, false);
    assert.deepEqual([online.get("access_type"), online.get("prompt"), online.get("hd")], [null, null, "*"]);
  });

  it("tells Google whom the client means, and lets people choose where they should be asked again", async (t) => {
    const { connector } = await start(t);
    const asked = async (more: Partial<Wishes>, offlineAccess = false) => {
      const login = { ...aLogin({ offlineAccess }), wishes: { ...noWishes, ...more } };
      const { to } = await connector.begin(callbackUrl, () => "s", login);
      return [to.searchParams.get("login_hint"), to.searchParams.get("prompt")];
    };
    assert.deepEqual(await asked({ loginHint: "a@b.com" }), ["a@b.com", null]);
    assert.deepEqual(await asked({ mustProve: true }), [null, "select_account"]);
    assert.deepEqual(await asked({ mustChoose: true }, true), [null, "consent select_account"]);
  });

  it("asks Google nothing at the start", async (t) => {
    const { fake, accounts } = await start(t, directory);
    assert.deepEqual([accounts.heard.length, fake.apis.calls.length], [0, 0]);
  });
});

describe("a login", () => {
  it("is Dex's identity", async (t) => {
    const { signIn, accounts } = await start(t);
    const { connectorData, ...identity } = identityOf(await signIn());
    assert.deepEqual(identity, {
      userId: janeSub,
      username: "Jane Doe",
      email: "user_1@dexidp.com",
      emailVerified: true,
      groups: [],
    });
    // The refresh token itself.
    assert.match(clear(connectorData), /^[\w-]{24}$/);
    accounts.people.set(janeSub, { email: "x@gmail.com", email_verified: false });
    const plain = identityOf(await signIn());
    assert.deepEqual([plain.username, plain.emailVerified], ["", false]);
    accounts.people.set(janeSub, { email: "x@gmail.com", email_verified: "true" });
    await assert.rejects(signIn(), /failed to decode claims/);
  });

  it("is refused with a token for another client, of another issuer, of another login, or of no key of Google's", async (t) => {
    const { signIn, accounts } = await start(t);
    const usual = accounts.claims;
    const lies: readonly Readonly<Record<string, unknown>>[] = [
      { aud: "other" },
      { azp: "other" },
      { iss: "https://evil.example" },
      { nonce: "stolen" },
      { exp: 1 },
      { sub: "" },
    ];
    for (const lie of lies) {
      accounts.claims = (claims, grant) => ({ ...usual(claims, grant), ...lie });
      await assert.rejects(signIn(), Error, JSON.stringify(lie));
    }
    accounts.claims = usual;
    accounts.keys = () => [];
    await assert.rejects(
      (await start(t)).connector.finish(
        {
          method: "GET",
          url: new URL("https://dex.test/callback?error=server_error"),
          headers: {},
          form: new Map(),
          peer: "",
        },
        undefined,
        aLogin(),
      ),
      /server_error/,
    );
    accounts.claims = () => undefined;
    await assert.rejects(signIn(), /no id_token/);
  });

  it("that the person ends is no fault", async (t) => {
    const { signIn, accounts } = await start(t);
    accounts.person = undefined;
    assert.deepEqual(await signIn(), { ok: false, reason: "cancelled" });
  });
});

describe("groups of Workspace", () => {
  it("are the direct ones, or all above them, in Dex's order", async (t) => {
    const plain = await start(t, directory);
    assert.deepEqual(identityOf(await plain.signIn()).groups, ["groups_1@dexidp.com", "groups_2@dexidp.com"]);
    const deep = await start(t, { ...directory, fetchTransitiveGroupMembership: true });
    assert.deepEqual(identityOf(await deep.signIn()).groups, [
      "groups_1@dexidp.com",
      "groups_0@dexidp.com",
      "groups_2@dexidp.com",
    ]);
    assert.deepEqual(identityOf(await deep.signIn(aLogin({ groups: false }))).groups, []);
    assert.equal(new Set(deep.fake.administrators).size, 1);
    assert.equal(deep.fake.administrators.length, 1, "one token for all logins");
  });

  it("come page by page, two thousand and nested in circles, each asked about once and a few at a time", async (t) => {
    const { signIn, fake } = await start(t, { ...directory, fetchTransitiveGroupMembership: true });
    const name = (index: number): string => `g${index}@dexidp.com`;
    fake.apis.pause = 2;
    fake.groups.clear();
    fake.groups.set(
      "user_1@dexidp.com",
      Array.from({ length: 100 }, (_, index) => name(index)),
    );
    for (let index = 0; index < 2_000; index++) {
      fake.groups.set(name(index), index < 1_900 ? [name(index + 100)] : [name(0)]);
    }
    const { groups } = identityOf(await signIn());
    assert.equal(new Set(groups).size, 2_000);
    const keys = fake.apis.calls
      .filter(({ query }) => query.get("pageToken") === "")
      .map(({ query }) => query.get("userKey"));
    assert.equal(new Set(keys).size, keys.length);
    assert.ok(fake.apis.mostAtOnce() <= maxCalls && fake.apis.mostAtOnce() > 1, String(fake.apis.mostAtOnce()));
  });

  it("are asked for as the administrator of the address's domain", async (t) => {
    const domainToAdminEmail = { "dexidp.com": "admin@dexidp.com", "*": "admin@other.com" };
    const { signIn, fake } = await start(t, { domainToAdminEmail, fetchTransitiveGroupMembership: true });
    fake.groups.set("groups_0@dexidp.com", ["far@elsewhere.com"]);
    fake.groups.set("far@elsewhere.com", []);
    assert.equal(identityOf(await signIn()).groups.length, 4);
    assert.deepEqual([...fake.administrators].sort(), ["admin@dexidp.com", "admin@other.com"]);
    const narrow = await start(t, { domainToAdminEmail: { "a.com": "admin@a.com" } });
    await assert.rejects(
      narrow.signIn(),
      /unable to find super admin email, domainToAdminEmail for domain: dexidp\.com/,
    );
  });

  it("are those of the id where the address is a new one", async (t) => {
    const { signIn, fake } = await start(t, directory);
    fake.groups.delete("user_1@dexidp.com");
    fake.groups.set(janeSub, ["by-id@dexidp.com"]);
    assert.deepEqual(identityOf(await signIn()).groups, ["by-id@dexidp.com"]);
  });

  it("are nobody's by an address that Google has not verified", async (t) => {
    const { signIn, accounts } = await start(t, { ...directory, groups: ["groups_1@dexidp.com"] });
    accounts.people.set(janeSub, { email: "user_1@dexidp.com", email_verified: false });
    assert.deepEqual(await signIn(), denied);
  });

  it("that may not be read fail the login, or are passed over where that is wanted", async (t) => {
    for (const skipUnreadableGroups of [false, true]) {
      const config = { ...directory, fetchTransitiveGroupMembership: true, skipUnreadableGroups };
      const { signIn, fake, deps } = await start(t, config);
      fake.groups.delete("groups_0@dexidp.com");
      if (skipUnreadableGroups) {
        assert.equal(identityOf(await signIn()).groups.length, 3);
        assert.match(deps.log.join("\n"), /groups of a group cannot be read/);
      } else await assert.rejects(signIn(), /could not list groups: status 404/);
    }
  });

  it("wait for a quota, and a token that has ended is renewed", async (t) => {
    const { signIn, fake } = await start(t, directory);
    const path = "/admin/directory/v1/groups";
    for (const reason of ["rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded"]) {
      fake.apis.next(path, { status: 403, body: JSON.stringify(fault(403, reason, "Quota exceeded").body) });
      await assert.rejects(signIn(), UnavailableError);
    }
    fake.apis.next(path, { status: 403, body: JSON.stringify(fault(403, "forbidden", "Not Authorized").body) });
    await assert.rejects(signIn(), /status 403 "Not Authorized"/);
    fake.apis.next(path, { status: 429, headers: { "retry-after": "0" } });
    identityOf(await signIn());
    fake.endDirectoryTokens();
    identityOf(await signIn());
    assert.equal(fake.administrators.length, 2);
  });

  it("are read with the machine's own account on Google Cloud", async (t) => {
    const { signIn, fake, deps } = await start(t, { ...directory, serviceAccountFilePath: "" });
    // The machine's token is asked for at Google's usual address.
    const usual = fake.accounts.handler;
    let assertion = "";
    fake.accounts.handler = (heard, response) => {
      if (heard.form.get("grant_type") !== "urn:ietf:params:oauth:grant-type:jwt-bearer") return usual(heard, response);
      assertion = heard.form.get("assertion") ?? "";
      response.writeHead(401, { "content-type": "application/json" }).end('{"error":"unauthorized_client"}');
      return true;
    };
    await assert.rejects(signIn(), /unauthorized_client/);
    const [, payload = ""] = assertion.split(".");
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString());
    assert.deepEqual([claims.iss, claims.sub], ["dex@project.iam.gserviceaccount.com", "admin@dexidp.com"]);
    assert.match(deps.log.join("\n"), /the application default credential is used/);
    fake.apis.next("/computeMetadata/v1/instance/service-accounts/default/email", { status: 404 });
    await assert.rejects(signIn(), /unable to get service account email from metadata server/);
  });

  it("keep the order of a walk that asks one after the other", () => {
    const names = fc.constantFrom("a", "b", "c", "d", "e", "f");
    fc.assert(
      fc.property(fc.array(names), fc.dictionary(names, fc.array(names)), (direct, edges) => {
        const expected: string[] = [];
        const walk = (groups: readonly string[]): void => {
          for (const group of groups) {
            if (expected.includes(group)) continue;
            expected.push(group);
            walk(edges[group] ?? []);
          }
        };
        walk(direct);
        assert.deepEqual(depthFirst(direct, new Map(Object.entries(edges))), expected);
      }),
    );
  });
});

describe("a restriction", () => {
  it("to groups holds whatever the client asked for, at login, refresh and exchange", async (t) => {
    const config = { ...directory, groups: ["groups_1@dexidp.com"] };
    const { signIn, refresh, identify, fake, accounts } = await start(t, config);
    for (const groups of [true, false]) {
      fake.groups.set("user_1@dexidp.com", ["groups_2@dexidp.com", "groups_1@dexidp.com"]);
      const identity = identityOf(await signIn(aLogin({ groups })));
      assert.deepEqual(identity.groups, ["groups_1@dexidp.com"]);
      const token = await accounts.signUsual({ ...claimsOf(accounts) });
      identityOf(await identify(token, idToken, aLogin({ groups })));
      fake.groups.set("user_1@dexidp.com", ["groups_2@dexidp.com"]);
      assert.deepEqual(await signIn(aLogin({ groups })), denied);
      assert.deepEqual(await refresh(identity, aLogin({ groups })), denied);
      assert.deepEqual(await identify(token, idToken, aLogin({ groups })), denied);
    }
  });

  it("to domains is the claim's, whatever the parameter said", async (t) => {
    const { signIn, refresh, accounts } = await start(t, { hostedDomains: ["dexidp.com"] });
    const identity = identityOf(await signIn());
    for (const hd of ["evil.com", "DEXIDP.COM", undefined]) {
      accounts.people.set(janeSub, { name: "J", email: "user_1@dexidp.com", email_verified: true, hd });
      assert.deepEqual(await signIn(), denied);
      assert.deepEqual(await refresh(identity), denied);
    }
  });

  it("that could never hold refuses the configuration", () => {
    const parse = (config: Config) => google.config.parse({ clientID: "x", ...config });
    assert.throws(() => parse({ groups: ["a@b.c"] }), /groups cannot be read without domainToAdminEmail/);
    assert.throws(() => parse({ serviceAccountFilePath: "/k" }), /requires the domainToAdminEmail option/);
    parse({ groups: ["a@b.c"], adminEmail: "admin@b.c" });
  });
});

const claimsOf = ({ clientId }: { readonly clientId: string }) => ({
  iss: "https://accounts.google.com",
  aud: clientId,
  azp: clientId,
  sub: janeSub,
  exp: Math.floor(Date.now() / 1000) + 600,
  iat: Math.floor(Date.now() / 1000),
  name: "Jane Doe",
  email: "user_1@dexidp.com",
  email_verified: true,
  hd: "dexidp.com",
});

describe("a refresh", () => {
  it("tells what changed, and keeps the name where Google leaves it out", async (t) => {
    const { signIn, refresh, fake, accounts } = await start(t, directory);
    const identity = identityOf(await signIn());
    accounts.people.set(janeSub, { email: "user_1@dexidp.com", email_verified: true });
    fake.groups.set("user_1@dexidp.com", ["new@dexidp.com"]);
    const now = identityOf(await refresh(identity));
    assert.deepEqual([now.username, now.groups], ["Jane Doe", ["new@dexidp.com"]]);
    assert.equal(clear(now.connectorData), clear(identity.connectorData));
  });

  it("ends with a grant that was withdrawn, and not with Google's absence", async (t) => {
    const { signIn, refresh, accounts } = await start(t);
    const identity = identityOf(await signIn());
    accounts.next("/token", { status: 503 });
    await assert.rejects(refresh(identity), UnavailableError);
    accounts.revoke(janeSub);
    assert.deepEqual(await refresh(identity), { ok: false, reason: "gone" });
    const { connectorData: _, ...without } = identity;
    await assert.rejects(refresh(without), /no refresh token/);
  });
});

describe("a token that is exchanged", () => {
  it("is an ID token of Google's for us, or for a client that was named", async (t) => {
    const { identify, accounts } = await start(t, { tokenExchangeAudiences: ["mobile"] });
    for (const aud of [accounts.clientId, "mobile"]) {
      const token = await accounts.signUsual({ ...claimsOf(accounts), aud });
      assert.equal(identityOf(await identify(token, idToken)).userId, janeSub);
    }
    const lies = [{ aud: "other" }, { iss: "https://evil.example" }, { exp: 1 }];
    for (const lie of lies) {
      const token = await accounts.signUsual({ ...claimsOf(accounts), ...lie });
      assert.deepEqual(await identify(token, idToken), { ok: false, reason: "wrong_credentials" });
    }
    for (const token of ["", "x", "a.b.c"])
      assert.deepEqual(await identify(token, idToken), { ok: false, reason: "wrong_credentials" });
  });

  it("or an access token that Google says is ours", async (t) => {
    const { signIn, identify, fake, accounts } = await start(t);
    identityOf(await signIn());
    let token = "";
    accounts.makeAccessToken = () => (token = crypto.randomUUID());
    identityOf(await signIn());
    assert.equal(identityOf(await identify(token, accessToken)).userId, janeSub);
    fake.audience = "another-app";
    assert.deepEqual(await identify(token, accessToken), { ok: false, reason: "wrong_credentials" });
    fake.audience = accounts.clientId;
    assert.deepEqual(await identify("made up", accessToken), { ok: false, reason: "wrong_credentials" });
    accounts.userinfo.set(janeSub, { sub: "somebody else" });
    assert.deepEqual(await identify(token, accessToken), { ok: false, reason: "wrong_credentials" });
    assert.deepEqual(await identify(token, "urn:x"), { ok: false, reason: "wrong_credentials" });
  });
});

describe("the key of a service account", () => {
  it("that cannot be used refuses the start, and is not quoted", async (t) => {
    const { fake, parsed, deps } = await start(t, directory);
    const open = (path: string) => google.open({ ...parsed, serviceAccountFilePath: path }, deps);
    await assert.rejects(open("/nowhere/key.json"), /error reading credentials from file: ENOENT$/);
    await assert.rejects(open(import.meta.filename), /not the key of a service account$/);
    await open(fake.keyFile);
  });

  it("is tried by the connector's test, for each administrator", async (t) => {
    const { parsed, deps } = await start(t, { domainToAdminEmail: { "a.com": "admin@a.com", "*": "admin@b.com" } });
    const { report, told } = aReport();
    await google.diagnose?.(parsed, deps, report);
    assert.deepEqual(
      told.map((line) => line.split(":")[0]),
      ["pass directory", "pass directory", "pass client"],
    );
    const wrong = { ...parsed, domainToAdminEmail: { "*": "nobody@b.com" } };
    await assert.rejects(async () => google.diagnose?.(wrong, deps, report), /unauthorized_client/);
  });
});
