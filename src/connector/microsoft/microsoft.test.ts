/** People of Entra ID: what Graph says of them, their groups however many, who is kept out, and whose tokens are exchanged. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { aLogin, callbackUrl, noWishes } from "../../../test/fake/connector-deps.ts";
import { contoso, jane, startFakeMicrosoft } from "../../../test/fake/microsoft.ts";
import { bare, groupsOf, kept, openVendor } from "../../../test/fake/open-vendor.ts";
import { UnavailableError } from "../../kernel/errors.ts";
import type { Wishes } from "../contract.ts";
import { maxCallsOfOne } from "../shared/vendor-api.ts";
import { microsoft } from "./microsoft.ts";

type Config = Readonly<Record<string, unknown>>;

async function start(t: TestContext, config: Config = {}, tenant = contoso) {
  const fake = await startFakeMicrosoft(tenant);
  return openVendor(t, microsoft, fake, { tenant, apiURL: fake.url, graphURL: `${fake.url}/`, ...config });
}

const denied = { ok: false, reason: "not_in_required_groups" } as const;
const many = (count: number): string[] => Array.from({ length: count }, (_, index) => `id-${index}`);

describe("the way to Microsoft", () => {
  it("asks for what Dex asks for", async (t) => {
    const table: readonly (readonly [Config, boolean, boolean, string])[] = [
      [{}, false, false, "user.read"],
      [{}, true, false, "user.read directory.read.all"],
      [{ groups: ["a"] }, false, true, "user.read directory.read.all offline_access"],
      [{ scopes: ["openid", "user.read"] }, false, true, "openid user.read offline_access"],
    ];
    for (const [config, groups, offlineAccess, scope] of table) {
      const { connector } = await start(t, { promptType: "login", domainHint: "contoso.com", ...config });
      const { to } = await connector.begin(callbackUrl, () => "s", aLogin({ groups, offlineAccess }));
      assert.equal(to.pathname, `/${contoso}/oauth2/v2.0/authorize`);
      const query = to.searchParams;
      assert.deepEqual(
        [query.get("scope"), query.get("prompt"), query.get("domain_hint")],
        [scope, "login", "contoso.com"],
      );
    }
    const { connector } = await start(t, { tenant: "" });
    const { to } = await connector.begin(callbackUrl, () => "s", aLogin());
    assert.equal(to.pathname, "/common/oauth2/v2.0/authorize");
    assert.equal(to.searchParams.get("scope"), "user.read offline_access");
  });

  it("tells it whom the client means, and one prompt at the most", async (t) => {
    const asked = async (config: Config, more: Partial<Wishes>) => {
      const { connector } = await start(t, config);
      const wishes = { ...noWishes, ...more };
      const { to } = await connector.begin(callbackUrl, () => "s", { ...aLogin(), wishes });
      return [to.searchParams.get("login_hint"), to.searchParams.get("prompt")];
    };
    assert.deepEqual(await asked({}, { loginHint: "a@contoso.com" }), ["a@contoso.com", null]);
    assert.deepEqual(await asked({}, { mustChoose: true }), [null, "select_account"]);
    assert.deepEqual(await asked({ promptType: "consent" }, { mustChoose: true }), [null, "consent"]);
    assert.deepEqual(await asked({ promptType: "consent" }, { mustProve: true, mustChoose: true }), [null, "login"]);
  });

  it("proves who we are with an assertion from a file, read each time, and never with a secret then", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "dex-assertion-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const clientAssertion = join(folder, "token");
    writeFileSync(clientAssertion, " a.signed.jwt\n");
    const { fake, signIn } = await start(t, { clientAssertion });
    // The fake knows secrets only, so the answer is a refusal; what was sent is what counts.
    await assert.rejects(signIn(), /microsoft: failed to get token/);
    const form = fake.heard.find(({ path }) => path.endsWith("/token"))?.form;
    assert.deepEqual(
      [form?.get("client_assertion"), form?.get("client_assertion_type"), form?.get("client_secret")],
      ["a.signed.jwt", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", null],
    );
    rmSync(clientAssertion);
    await assert.rejects(signIn(), /microsoft: failed to read client assertion/);
  });
});

describe("a login", () => {
  it("is Dex's identity", async (t) => {
    const { signIn } = await start(t);
    const result = await signIn();
    assert.deepEqual(bare(result), {
      userId: "S56767889",
      username: "Jane Doe",
      email: "Jane.Doe@example.com",
      emailVerified: true,
      groups: ["a", "b"],
    });
    assert.deepEqual(Object.keys(kept(result)), ["accessToken", "refreshToken", "expiry"]);
    assert.equal(groupsOf(await signIn(aLogin({ groups: false }))).length, 0);
  });

  it("says addresses and preferred names as configured, after a refresh too", async (t) => {
    const table: readonly (readonly [Config, string | undefined, string | undefined])[] = [
      [{ preferredUsernameField: "name" }, "Jane.Doe@example.com", "Jane Doe"],
      [{ preferredUsernameField: "email", emailToLowercase: true }, "jane.doe@example.com", "jane.doe@example.com"],
      [{ preferredUsernameField: "mailNickname" }, "Jane.Doe@example.com", "janedoe"],
      [{ preferredUsernameField: "onPremisesSamAccountName" }, "Jane.Doe@example.com", "DOMAIN\\janedoe"],
      [{ preferredUsernameField: "toString", emailField: "mail" }, "jane@mail.example", undefined],
    ];
    for (const [config, email, preferredUsername] of table) {
      const { signIn, refresh } = await start(t, config);
      const first = await signIn();
      for (const result of [first, await refresh(first)]) {
        assert.ok(result.ok);
        assert.deepEqual([result.identity.email, result.identity.preferredUsername], [email, preferredUsername]);
      }
    }
  });

  it("vouches for no guest's address and no `mail`, where that is wanted", async (t) => {
    const guest = { ...jane, userPrincipalName: "jane_dom.com#EXT#@contoso.onmicrosoft.com" };
    const table: readonly (readonly [Config, typeof jane, boolean])[] = [
      [{}, guest, true],
      [{ checkEmailVerified: true }, guest, false],
      [{ checkEmailVerified: true }, jane, true],
      [{ checkEmailVerified: true, emailField: "mail" }, jane, false],
    ];
    for (const [config, person, expected] of table) {
      const { fake, signIn } = await start(t, config);
      fake.people.set("jane", person);
      const result = await signIn();
      assert.equal(result.ok && result.identity.emailVerified, expected);
    }
  });
});

describe("groups", () => {
  it("come in batches and pages, two thousand of them, a few calls at once", async (t) => {
    const { fake, signIn } = await start(t);
    const ids = many(2_500);
    fake.latency = 5;
    fake.pageSize = 700;
    fake.people.set("jane", { ...jane, groups: ids });
    for (const id of ids) fake.groupNames.set(id, `name of ${id}`);
    assert.deepEqual(
      groupsOf(await signIn()),
      ids.map((id) => `name of ${id}`),
    );
    assert.equal(fake.count("POST", "/v1.0/me/getMemberGroups"), 4);
    assert.equal(fake.count("POST", "/v1.0/directoryObjects/getByIds"), 3);
    assert.ok(fake.mostAtOnce > 1 && fake.mostAtOnce <= maxCallsOfOne, `${fake.mostAtOnce}`);
  });

  it("beyond what Graph tells at once are listed another way", async (t) => {
    const ids = many(11_500);
    for (const onlySecurityGroups of [false, true]) {
      const { fake, signIn } = await start(t, { onlySecurityGroups, groupNameFormat: "id" });
      fake.people.set("jane", { ...jane, groups: ids });
      fake.mailGroups.add("id-7");
      const groups = groupsOf(await signIn());
      assert.equal(groups.length, onlySecurityGroups ? 11_499 : 11_500);
    }
  });

  it("are ids where that is wanted, without a question for names; deleted ones have none", async (t) => {
    const byId = await start(t, { groupNameFormat: "id", onlySecurityGroups: true });
    byId.fake.mailGroups.add("id-b");
    assert.deepEqual(groupsOf(await byId.signIn()), ["id-a"]);
    assert.equal(byId.fake.count("POST", "/v1.0/directoryObjects/getByIds"), 0);
    const { fake, signIn, refresh } = await start(t);
    const result = await signIn();
    fake.groupNames.delete("id-b");
    fake.groupNames.set("id-a", "renamed");
    assert.deepEqual(groupsOf(await refresh(result)), ["renamed"]);
  });

  it("are not told where the tenant is many, as in Dex", async (t) => {
    const { signIn, fake } = await start(t, {}, "common");
    assert.deepEqual(groupsOf(await signIn()), []);
    assert.equal(fake.count("POST", "/v1.0/me/getMemberGroups"), 0);
  });
});

describe("a restriction", () => {
  it("to groups holds whatever the client asked for, at login, refresh and exchange", async (t) => {
    const { fake, signIn, refresh, exchange } = await start(t, { groups: ["b"], useGroupsAsWhitelist: true });
    for (const groups of [true, false]) {
      fake.people.set("jane", jane);
      const login = aLogin({ groups });
      const result = await signIn(login);
      assert.deepEqual(groupsOf(result), ["b"]);
      const token = String(kept(result).accessToken);
      assert.deepEqual(groupsOf(await exchange(token, login)), ["b"]);
      fake.people.set("jane", { ...jane, groups: ["id-a"] });
      assert.deepEqual(await signIn(login), denied);
      assert.deepEqual(await refresh(result, login), denied);
      assert.deepEqual(await exchange(token, login), denied);
    }
    const open = await start(t, { groups: ["b"] });
    assert.deepEqual(groupsOf(await open.signIn()), ["a", "b"]);
  });

  it("to groups of many tenants is by id, or refuses the configuration", async (t) => {
    const parse = (config: Config) => microsoft.config.parse(config);
    for (const tenant of ["", "common", "organizations", "consumers"])
      assert.throws(() => parse({ tenant, groups: ["a"] }), /could be of anybody's tenant/);
    assert.throws(() => parse({ tenant: "consumers", groups: ["a"], groupNameFormat: "id" }), /anybody's tenant/);
    assert.throws(() => parse({ groupNameFormat: "x" }), /invalid groupNameFormat: x/);
    const { fake, signIn } = await start(t, { groups: ["id-a"], groupNameFormat: "id" }, "common");
    assert.deepEqual(groupsOf(await signIn(aLogin({ groups: false }))), ["id-a", "id-b"]);
    fake.people.set("jane", { ...jane, groups: [] });
    assert.deepEqual(await signIn(aLogin({ groups: false })), denied);
  });

  it("to tenants is by id or verified domain, and personal accounts are of none", async (t) => {
    for (const allowedTenants of [[contoso.toUpperCase()], ["x", "contoso.com"]]) {
      const { fake, signIn, refresh } = await start(t, { allowedTenants }, "common");
      const result = await signIn();
      assert.ok(result.ok);
      for (const tenant of ["another", ""]) {
        fake.people.set("jane", { ...jane, tenant });
        assert.deepEqual(await signIn(), denied);
        assert.deepEqual(await refresh(result), denied);
      }
    }
  });
});

describe("a refresh", () => {
  it("tells what changed, and ends with the account", async (t) => {
    const { fake, signIn, refresh } = await start(t);
    const result = await signIn();
    fake.people.set("jane", { ...jane, displayName: "Jane Roe", groups: ["id-a"] });
    const now = await refresh(result);
    assert.ok(now.ok);
    assert.deepEqual([now.identity.username, now.identity.groups], ["Jane Roe", ["a"]]);
    fake.always("/v1.0/me", { status: 503, headers: { "retry-after": "60" } });
    await assert.rejects(refresh(result), UnavailableError);
    fake.always("/v1.0/me", undefined);
    fake.revoke("jane");
    assert.deepEqual(await refresh(result), { ok: false, reason: "gone" });
  });

  it("waits where Graph has had too many calls, and says until when", async (t) => {
    const { fake, signIn } = await start(t);
    fake.next("/v1.0/me/getMemberGroups", { status: 429, headers: { "retry-after": "17" }, body: "{}" });
    await assert.rejects(signIn(), (error) => error instanceof UnavailableError && /again in 17 s/.test(error.message));
  });

  it("reads what Dex stored, and renews what has expired", async (t) => {
    const { fake, signIn, refresh } = await start(t);
    const data = kept(await signIn());
    const expired = { ...data, expiry: "2020-01-01T00:00:00.123456789+02:00" };
    const renewed = await refresh(JSON.stringify(expired));
    assert.notEqual(kept(renewed).accessToken, data.accessToken);
    assert.equal(fake.heard.filter(({ form }) => form.get("grant_type") === "refresh_token").length, 1);
    await assert.rejects(refresh("{}"), /microsoft: no upstream access token found/);
  });
});

describe("a token that is exchanged", () => {
  it("is one for Graph, of our application and our tenant, that Graph itself accepts", async (t) => {
    const { fake, signIn, exchange } = await start(t);
    const usual = fake.claims;
    const tokenWith = async (claims: Config): Promise<string> => {
      fake.claims = { ...usual, ...claims };
      return String(kept(await signIn()).accessToken);
    };
    const good: readonly Config[] = [
      {},
      { aud: "00000003-0000-0000-c000-000000000000" },
      { appid: undefined, azp: "dex" },
    ];
    for (const claims of good) assert.ok((await exchange(await tokenWith(claims))).ok, JSON.stringify(claims));
    fake.people.set("jane", { ...jane, tenant: "another" });
    const bad: readonly Config[] = [
      { appid: "other" },
      { aud: "https://vault.azure.net" },
      { tid: "another" },
      { appid: undefined },
    ];
    for (const claims of bad)
      assert.deepEqual(
        await exchange(await tokenWith(claims)),
        { ok: false, reason: "wrong_credentials" },
        JSON.stringify(claims),
      );
    // Well made, and signed by nobody: Graph does not take it.
    const forged = (await tokenWith({})).replace(/signature-\d+$/, "forged");
    for (const token of ["", "opaque", "a.b.c", forged])
      assert.deepEqual(await exchange(token), { ok: false, reason: "wrong_credentials" });
  });
});
