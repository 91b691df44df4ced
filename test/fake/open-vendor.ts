import type { TestContext } from "node:test";
import type { ConnectorType, LoginResult, RedirectConnector } from "../../src/connector/contract.ts";
import { Secret } from "../../src/kernel/secret.ts";
import {
  aLogin,
  asData,
  callbackUrl,
  clear,
  connectorDeps,
  type DepsOptions,
  signInThrough,
} from "./connector-deps.ts";
import type { FakeVendor } from "./vendor.ts";

/** A connector in front of a vendor's fake, and what a test does with it. */
export async function openVendor<Config, Fake extends FakeVendor>(
  t: TestContext,
  type: ConnectorType<Config>,
  fake: Fake,
  config: Readonly<Record<string, unknown>> = {},
  deps: DepsOptions = {},
) {
  const given = connectorDeps({ upstream: { deadline: 10_000 }, ...deps });
  t.after(() => {
    given.close();
    return fake.close();
  });
  const parsed = type.config.parse({
    clientID: fake.clientId,
    clientSecret: fake.clientSecret,
    redirectURI: callbackUrl.href,
    ...config,
  });
  const connector = (await type.open(parsed, given)) as RedirectConnector;
  const accessTokenType = "urn:ietf:params:oauth:token-type:access_token";
  return {
    fake,
    deps: given,
    connector,
    signIn: (login = aLogin()) =>
      signInThrough(connector, (url) => fake.authorize(new URL(url.pathname + url.search, fake.url)), login),
    /** Refreshes with `data`: the text of connector data, or as a login left it. */
    async refresh(data: string | LoginResult, login = aLogin()) {
      const connectorData = typeof data === "string" ? asData(data) : data.ok ? data.identity.connectorData : undefined;
      const identity = { userId: "as stored", username: "", emailVerified: true, groups: [] };
      const { refresh } = connector;
      if (refresh === undefined) throw new Error("it cannot refresh");
      return refresh({ ...identity, ...(connectorData && { connectorData }) }, login);
    },
    async exchange(token: string, login = aLogin()) {
      const { identify } = connector;
      if (identify === undefined) throw new Error("it cannot exchange");
      return identify(new Secret(token), accessTokenType, login);
    },
  };
}

/** An identity without what is kept for later. */
export function bare(result: LoginResult) {
  if (!result.ok) return result;
  const { connectorData: _, ...identity } = result.identity;
  return identity;
}

/** What is kept for later, as JSON. */
export const kept = (result: LoginResult): Readonly<Record<string, unknown>> =>
  result.ok && result.identity.connectorData !== undefined ? JSON.parse(clear(result.identity.connectorData)) : {};

export const groupsOf = (result: LoginResult): readonly string[] | string =>
  result.ok ? result.identity.groups : result.reason;
