/** Libraries that strangers wrote against the specifications complete whole logins at a running server. */
import type { CustomFetchOptions } from "openid-client";
import { handClock } from "../fake/hand-clock.ts";
import { freePort } from "../peer/peer.ts";
import { app } from "../spec/relying-party.ts";
import {
  type ConfigFile,
  mockConnector,
  type ServerUnderTest,
  type Start,
  startServerUnderTest,
} from "../spec/server-under-test.ts";

export const redirectUri = app.redirectUri;

export const clients = [
  { id: "app", name: "The App", secret: "app secret+/%&=", redirectURIs: [redirectUri] },
  { id: "public", name: "Public", public: true, redirectURIs: [redirectUri] },
] as const;

/** A server whose clock shows the machine's time, since the libraries read no other. */
export function startForClients(file: ConfigFile = {}, start: Start = {}): Promise<ServerUnderTest> {
  return startServerUnderTest(
    { staticClients: clients, connectors: [mockConnector], ...file },
    { clock: handClock(Date.now()), ...start },
  );
}

/**
 * The same at the very address that its issuer names: for programs that no test can hand a `fetch`. Scripts of
 * `allowedOrigins` may read what it answers.
 */
export async function startReachable(
  file: ConfigFile = {},
  { allowedOrigins = [], ...start }: Start & { readonly allowedOrigins?: readonly string[] } = {},
): Promise<ServerUnderTest> {
  const port = await freePort();
  const place = { issuer: `http://127.0.0.1:${port}/dex`, web: { http: `127.0.0.1:${port}`, allowedOrigins } };
  return startForClients({ ...place, ...file }, start);
}

/** `fetch` that finds the issuer's host at the port that was free, and nothing else. */
export function fetchAt({ issuer, port }: ServerUnderTest) {
  const { origin } = new URL(issuer);
  return (url: string, { method, headers, body, redirect }: CustomFetchOptions): Promise<Response> => {
    if (!url.startsWith(`${origin}/`)) throw new Error(`${url} is not the server's`);
    const sent = body === undefined || body === null ? {} : { body: String(body) };
    return fetch(`http://127.0.0.1:${port}${url.slice(origin.length)}`, { method, headers, redirect, ...sent });
  };
}

/** What the browser of the person does with the authorization request: where it is sent in the end. */
export async function visit(server: ServerUnderTest, authorizationUrl: URL): Promise<URL> {
  const agent = server.newAgent();
  const { location, status, body } = await agent.follow(await agent.get(authorizationUrl.href));
  if (location === undefined) throw new Error(`${status}: ${body}`);
  return location;
}
