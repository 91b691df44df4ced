import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseCidr } from "../../kernel/addresses.ts";
import type { Logger } from "../../kernel/ports.ts";
import { systemClock, systemRandom } from "../../kernel/system.ts";
import type { Callback, ConnectorDeps, Identity, Login, RedirectConnector } from "../contract.ts";
import { authProxy } from "./auth-proxy.ts";

const ignore = (): void => undefined;
const silent: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore, with: () => silent };
const login: Login = {
  scopes: { offlineAccess: false, groups: false },
  trail: { note: ignore },
  signal: new AbortController().signal,
};

async function open(config?: unknown, more: Partial<ConnectorDeps> = {}): Promise<RedirectConnector> {
  const deps: ConnectorDeps = {
    id: "proxy",
    name: "Proxy",
    clock: systemClock,
    random: systemRandom,
    logger: silent,
    openFetch: () => () => Promise.reject(new Error("it asks nobody")),
    ...more,
  };
  const connector = await authProxy.open(authProxy.config.parse(config), deps);
  assert.ok(connector.kind === "redirect");
  return connector;
}

const aCallback = (headers: Callback["headers"], more: Partial<Callback> = {}): Callback => ({
  method: "GET",
  url: new URL("https://dex.example.com/dex/callback/proxy?state=s"),
  headers,
  form: new Map(),
  peer: "127.0.0.1",
  ...more,
});

async function whoIs(config: unknown, headers: Callback["headers"], more: Partial<Callback> = {}): Promise<Identity> {
  const result = await (await open(config)).finish(aCallback(headers, more), undefined, login);
  assert.ok(result.ok);
  return result.identity;
}

/** Header bytes as Node hands them over. */
const asSent = (text: string): string => Buffer.from(text).toString("latin1");

describe("an authenticating proxy", () => {
  it("is met again on a path of its own", async () => {
    const callback = new URL("https://dex.example.com/dex/callback");
    const departure = await (await open({}, { id: "a b/c" })).begin(callback, () => "s&1", login);
    assert.equal(departure.kind, "redirect");
    assert.equal(departure.to.href, "https://dex.example.com/dex/callback/a%20b%2Fc?state=s%261");
    assert.equal(callback.pathname, "/dex/callback");
  });

  it("says everything about a person", async () => {
    assert.deepEqual(
      await whoIs(undefined, {
        "x-remote-user": "Jane Doe",
        "x-remote-user-id": "42",
        "x-remote-user-name": "jane",
        "x-remote-user-email": "jane@example.com",
        "x-remote-group": "grp1, grp2",
      }),
      {
        userId: "42",
        username: "Jane Doe",
        preferredUsername: "jane",
        email: "jane@example.com",
        emailVerified: true,
        groups: ["grp1", "grp2"],
      },
    );
  });

  it("or a name alone, which then is everything", async () => {
    const { userId, username, preferredUsername, email, groups } = await whoIs({}, { "x-remote-user": "jane" });
    assert.deepEqual([userId, username, preferredUsername, email], ["jane", "jane", "jane", "jane"]);
    assert.deepEqual(groups, []);
  });

  it("may use other names and another separator, before the groups of everybody", async () => {
    const config = {
      userHeader: "Remote-User",
      userIDHeader: "Remote-Id",
      groupHeader: "Remote-Groups",
      groupHeaderSeparator: ";",
      staticGroups: ["static1", "static 2"],
    };
    const identity = await whoIs(config, {
      "remote-user": "jane",
      "remote-id": "7",
      "remote-groups": "a;b, c;;d",
      "x-remote-user": "x",
    });
    assert.deepEqual([identity.username, identity.userId], ["jane", "7"]);
    assert.deepEqual(identity.groups, ["a", "b, c", "", "d", "static1", "static 2"]);
    assert.deepEqual((await whoIs(config, { "remote-user": "john" })).groups, ["static1", "static 2"]);
  });

  it("writes UTF-8, or what was before it", async () => {
    assert.equal((await whoIs({}, { "x-remote-user": asSent("Åsa 名") })).userId, "Åsa 名");
    assert.equal((await whoIs({}, { "x-remote-user": "M\u00fcller" })).userId, "M\u00fcller");
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "grapheme", minLength: 1 }), async (name) => {
        assert.equal((await whoIs({}, { "x-remote-user": asSent(name) })).userId, name);
      }),
    );
  });
});

describe("headers are refused", () => {
  const jane = { "x-remote-user": "jane" };
  const refused = async (config: unknown, headers: Callback["headers"], more: Partial<Callback>, why: RegExp) =>
    assert.rejects((await open(config)).finish(aCallback(headers, more), undefined, login), why);

  it("without a name", async () => {
    for (const headers of [{}, { "x-remote-user": "" }, { x_remote_user: "jane" }, { "x-remote-user-id": "1" }])
      await refused({}, headers, {}, /required HTTP header X-Remote-User is not set/);
  });

  it("in several lines, of which one may be the visitor's", async () => {
    for (const name of ["x-remote-user", "x-remote-user-id", "x-remote-group", "x-remote-user-email"]) {
      const more = { repeatedHeaders: new Set([name]) };
      await refused({}, { ...jane, [name]: "a, b" }, more, /came more than once/);
    }
  });

  it("by any path that the proxy does not guard, whatever the headers are called", async () => {
    for (const path of ["/dex/callback", "/dex/callback/", "/dex/callback/other", "/callback/proxy/x", "/x/proxy"]) {
      const url = new URL(`https://dex.example.com${path}?state=s`);
      await refused({ userHeader: "X-Forwarded-User" }, { "x-forwarded-user": "jane" }, { url }, /another path/);
    }
  });

  it("from strangers, and the log says who", async () => {
    for (const peer of ["203.0.113.9", "::ffff:203.0.113.9", "2001:db8::1", "172.32.0.1", "", "unix"])
      await refused({}, jane, { peer }, /may not say who somebody is: see trustedProxies/);
    for (const peer of ["127.0.0.1", "::1", "::ffff:10.1.2.3", "172.31.0.1", "192.168.7.7", "fd00::7", "fe80::1%eth0"])
      assert.equal((await whoIs({}, jane, { peer })).userId, "jane");
  });

  it("from everybody but the ranges that are named", async () => {
    const config = { trustedProxies: ["203.0.113.9/32", "2001:db8::/32"] };
    for (const peer of ["203.0.113.9", "2001:db8::1"])
      assert.equal((await whoIs(config, jane, { peer })).userId, "jane");
    for (const peer of ["127.0.0.1", "::1", "10.0.0.1"]) await refused(config, jane, { peer }, /may not say/);
    const fromWeb = await open({}, { trustedProxies: [parseCidr("198.51.100.0/24")] });
    assert.ok((await fromWeb.finish(aCallback(jane, { peer: "198.51.100.1" }), undefined, login)).ok);
    await assert.rejects(fromWeb.finish(aCallback(jane, { peer: "10.0.0.1" }), undefined, login));
  });
});

describe("its configuration", () => {
  it("may be absent, and is checked", async () => {
    for (const config of [undefined, null, {}]) assert.ok(await open(config));
    for (const config of [{ userHeader: "a b" }, { trustedProxies: ["10.0.0.1"] }, { staticGroups: "x" }])
      await assert.rejects(open(config));
  });
});
