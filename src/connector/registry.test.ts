import assert from "node:assert/strict";
import { test } from "node:test";
import type { Logger } from "../kernel/ports.ts";
import { Secret } from "../kernel/secret.ts";
import { systemClock, systemRandom } from "../kernel/system.ts";
import type { ConnectorDeps, Login, LoginResult, PasswordConnector, RedirectConnector } from "./contract.ts";
import { connectorTypes } from "./registry.ts";

const ignore = (): void => undefined;
const silent: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore, with: () => silent };
const deps: ConnectorDeps = {
  id: "mock",
  name: "Example",
  clock: systemClock,
  random: systemRandom,
  logger: silent,
  openFetch: () => () => Promise.reject(new Error("no mock asks anybody")),
};
const login: Login = {
  scopes: { offlineAccess: true, groups: false },
  trail: { note: () => undefined },
  signal: new AbortController().signal,
};

async function openType(type: string, config: unknown) {
  const load = connectorTypes[type];
  assert.ok(load);
  return (await load()).open(config, deps);
}

async function openCallback(config: unknown): Promise<RedirectConnector> {
  const connector = await openType("mockCallback", config);
  assert.ok(connector.kind === "redirect");
  return connector;
}

async function openPassword(config: unknown): Promise<PasswordConnector> {
  const connector = await openType("mockPassword", config);
  assert.ok(connector.kind === "password");
  return connector;
}

/** Kilgore Trout, with what a refresh needs in clear. */
function readable(result: LoginResult | undefined) {
  assert.ok(result?.ok);
  const { connectorData, ...identity } = result.identity;
  return { ...identity, connectorData: Buffer.from(connectorData?.reveal() ?? []).toString() };
}

const kilgore = {
  userId: "0-385-28089-0",
  username: "Kilgore Trout",
  email: "kilgore@kilgore.trout",
  emailVerified: true,
};

test("every type is registered under its own name", async () => {
  for (const [name, load] of Object.entries(connectorTypes)) assert.equal((await load()).type, name);
});

test("mockCallback needs no config and sends the person straight to the callback", async () => {
  for (const config of [undefined, null, {}]) {
    const connector = await openCallback(config);
    const departure = await connector.begin(new URL("https://dex.example.com/dex/callback"), () => "s1", login);
    assert.equal(departure.kind, "redirect");
    assert.equal(departure.to.href, "https://dex.example.com/dex/callback?state=s1");
  }
});

test("mockCallback leaves the callback it was given as it was", async () => {
  const callback = new URL("https://dex.example.com/callback?a=b");
  const { to } = await (await openCallback({})).begin(callback, () => "a&b=c", login);
  assert.equal(to.searchParams.get("state"), "a&b=c");
  assert.equal(callback.href, "https://dex.example.com/callback?a=b");
});

test("mockCallback knows one person: at login, at refresh and behind any token", async () => {
  const connector = await openCallback({});
  const callback = { method: "GET", url: new URL("https://dex.example.com/callback?state=s1") };
  const expected = { ...kilgore, groups: ["authors"], connectorData: "foobar" };
  assert.deepEqual(
    readable(
      await connector.finish({ ...callback, headers: {}, form: new Map(), peer: "127.0.0.1" }, undefined, login),
    ),
    expected,
  );
  const other = { userId: "x", username: "x", emailVerified: false, groups: [] };
  assert.deepEqual(readable(await connector.refresh?.(other, login)), expected);
  assert.deepEqual(readable(await connector.identify?.(new Secret("any"), "any", login)), expected);
});

test("mockPassword accepts its one name with its one password", async () => {
  const connector = await openPassword({ username: "foo", password: "bar" });
  assert.equal(connector.prompt, "");
  assert.deepEqual(readable(await connector.login("foo", new Secret("bar"), login)), {
    ...kilgore,
    groups: [],
    connectorData: '{"test": "true"}',
  });
  for (const [name, password] of [
    ["foo", "Bar"],
    ["Foo", "bar"],
    ["foo", ""],
    ["", ""],
    ["foo ", "bar"],
  ] as const) {
    const result = await connector.login(name, new Secret(password), login);
    assert.deepEqual(result, { ok: false, reason: "wrong_credentials" });
  }
});

test("mockPassword gives a refresh back what it was given", async () => {
  const identity = { userId: "x", username: "y", emailVerified: false, groups: ["z"] };
  const connector = await openPassword({ username: "foo", password: "bar" });
  assert.deepEqual(await connector.refresh?.(identity, login), { ok: true, identity });
});

test("mockPassword says what is missing, in Dex's words", async () => {
  for (const username of ["", undefined])
    await assert.rejects(openPassword({ username, password: "x" }), /no username supplied/);
  for (const password of ["", undefined])
    await assert.rejects(openPassword({ username: "x", password }), /no password supplied/);
});
