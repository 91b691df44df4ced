import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { clear, connectorDeps, type DepsOptions, signInThrough } from "../../../../test/fake/connector-deps.ts";
import { type FakeOidc, type FakeOidcOptions, startFakeOidc } from "../../../../test/fake/oidc.ts";
import type { LoginResult, RedirectConnector } from "../../contract.ts";
import { oidc } from "../oidc.ts";

export const jane = { name: "Jane", email: "jane@up.test", email_verified: true, groups: ["staff", "admins"] };

/** A provider with one person, and how a connector for it is opened. */
export async function anUpstream(t: TestContext, options: FakeOidcOptions = {}, depsOptions: DepsOptions = {}) {
  const fake = await startFakeOidc(options);
  fake.people.set("jane", jane);
  const deps = connectorDeps({ upstream: { deadline: 1_500 }, ...depsOptions });
  t.after(async () => {
    deps.close();
    await fake.close();
  });
  async function open(config: Readonly<Record<string, unknown>> = {}): Promise<RedirectConnector> {
    const parsed = oidc.config.parse({
      issuer: fake.issuer,
      clientID: fake.clientId,
      clientSecret: fake.clientSecret,
      redirectURI: "https://dex.test/callback",
      ...config,
    });
    const connector = await oidc.open(parsed, deps);
    if (connector.kind !== "redirect") throw new Error("no redirect connector");
    return connector;
  }
  return { fake, deps, open };
}

/** What the connector makes of her when it reads groups. */
export const whole = {
  userId: "jane",
  username: "Jane",
  email: "jane@up.test",
  emailVerified: true,
  groups: ["staff", "admins"],
};

/** Who it is, and what is kept, in clear. */
export function identityOf(result: LoginResult) {
  assert.ok(result.ok, `no identity: ${JSON.stringify(result)}`);
  const { connectorData, ...identity } = result.identity;
  return { identity, data: JSON.parse(clear(connectorData)) as Readonly<Record<string, string>> };
}

/** Adds to the claims of ID tokens; undefined removes one. */
export function changed(fake: FakeOidc, more: Readonly<Record<string, unknown>>): void {
  fake.claims = (usual) => JSON.parse(JSON.stringify({ ...usual, ...more }));
}

/** A person who has signed in, and how they refresh. */
export async function signedIn(t: TestContext, config: Readonly<Record<string, unknown>> = {}, rotates = true) {
  const upstream = await anUpstream(t, { rotates });
  const connector = await upstream.open({ insecureEnableGroups: true, ...config });
  const result = await signInThrough(connector, upstream.fake.authorize);
  assert.ok(result.ok && connector.refresh !== undefined);
  return { ...upstream, connector, identity: result.identity, refresh: connector.refresh };
}
