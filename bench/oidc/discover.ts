import type { JsonWebKey } from "node:crypto";
import { fieldsOf, type Target } from "./relying-party.ts";

const discoverySuffix = "/.well-known/openid-configuration";

/** Reads where `issuer` answers. Not on a measured path, so the general client will do. @throws If it is incomplete. */
export async function discover(issuer: string): Promise<Target> {
  const document = await json(issuer + discoverySuffix);
  const origin = new URL(issuer).origin;
  const pathOf = (member: string): string => {
    const url = new URL(String(document[member]));
    if (url.origin !== origin) throw new Error(`discovery: ${member} is on another origin`);
    return url.pathname;
  };
  return {
    issuer,
    origin,
    endpoint: { host: new URL(issuer).hostname, port: Number(new URL(issuer).port) },
    discoveryPath: new URL(issuer + discoverySuffix).pathname,
    authorizePath: pathOf("authorization_endpoint"),
    tokenPath: pathOf("token_endpoint"),
    keysPath: pathOf("jwks_uri"),
    ...(document.introspection_endpoint === undefined ? {} : { introspectionPath: pathOf("introspection_endpoint") }),
  };
}

/** The public keys that `target` publishes. */
export async function publishedKeys(target: Target): Promise<readonly JsonWebKey[]> {
  const { keys } = await json(target.origin + target.keysPath);
  if (!Array.isArray(keys)) throw new Error("the key set has no keys");
  return keys.map((key: unknown) => fieldsOf(key));
}

async function json(url: string): Promise<Readonly<Record<string, unknown>>> {
  const response = await fetch(url);
  if (response.status !== 200) throw new Error(`${url}: ${response.status}`);
  return fieldsOf(await response.json());
}
