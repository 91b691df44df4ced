import { Connection } from "../http/connection.ts";
import type { VirtualClient } from "../oidc/virtual-client.ts";
import type { Workload } from "./contract.ts";
import { endurance } from "./endurance.ts";
import { grpcCreateClient, grpcVersion } from "./grpc.ts";
import { type RateWorkload, rateWorkload, type Stage } from "./rate.ts";
import { soak } from "./soak.ts";
import { start } from "./start.ts";
import { transitClientCredentials, transitEs256 } from "./transit.ts";
import { unauthenticated } from "./unauthenticated.ts";

const stormLogins = 32;
/** 32 logins of 50 ms each on two cores take a second before the first is done. */
const passwordWindowMs = 2_500;

const loop = (clients: readonly VirtualClient[], operation: (client: VirtualClient) => Promise<unknown>) =>
  clients.map((client) => async () => void (await operation(client)));

async function refreshing(stage: Stage) {
  const clients = stage.clients("offline", stage.options.clients);
  await stage.logInAll(clients);
  return { name: "refresh", members: loop(clients, (client) => client.refresh()) };
}

const refresh: RateWorkload = {
  name: "refresh",
  operation: "one refresh_token grant with the rotated token: a new access token (JWT), ID token and refresh token",
  needs: ["offline"],
  crews: async (stage) => [await refreshing(stage)],
};

const codeWithPkce: RateWorkload = {
  name: "code+pkce",
  operation:
    "one login by a browser without cookies, every redirect followed, then the code redeemed with PKCE S256; no password",
  needs: ["instant"],
  crews: async (stage) => {
    const clients = stage.clients("instant", stage.options.clients);
    await stage.logInAll(clients);
    return [{ name: "flow", members: loop(clients, (client) => client.logIn()) }];
  },
};

const codeWithSession: RateWorkload = {
  name: "code+session",
  operation: "the same flow in a browser that has signed in before: its session answers, without an upstream",
  needs: ["instant"],
  crews: async (stage) => {
    const clients = stage.clients("instant", stage.options.clients);
    await stage.logInAll(clients);
    return [{ name: "flow", members: loop(clients, (client) => client.logInAgain()) }];
  },
};

const codeWithPassword: RateWorkload = {
  name: "code+password",
  operation: "the same flow through the login form of the password database, bcrypt cost 10",
  needs: ["password"],
  leastMs: passwordWindowMs,
  crews: async (stage) => {
    const clients = stage.clients("password", stage.options.clients);
    await stage.logInAll(clients);
    return [{ name: "flow", members: loop(clients, (client) => client.logIn()) }];
  },
};

const storm: RateWorkload = {
  name: "storm",
  operation: `refreshes while ${stormLogins} people log in with passwords without pause (bcrypt cost 10); one should not hurt the other`,
  needs: ["offline", "password"],
  leastMs: passwordWindowMs,
  crews: async (stage) => {
    const refreshes = await refreshing(stage);
    const people = stage.clients("password", stormLogins, stage.options.clients);
    return [refreshes, { name: "login", members: loop(people, (client) => client.logIn()) }];
  },
};

/** A rate of plain GETs of what `pathOf` names. */
const reading = (name: string, operation: string, pathOf: (stage: Stage) => string): RateWorkload => ({
  name,
  operation,
  needs: [],
  crews: async (stage) => {
    const path = pathOf(stage);
    const { body } = await onceFrom(stage, path);
    return [
      { name: "read", members: loop(stage.strangers(stage.options.clients), (client) => client.read(path, body)) },
    ];
  },
});

async function onceFrom({ server, options }: Stage, path: string) {
  const connection = new Connection(server.target.endpoint, options.deadlineMs);
  const response = await connection.send(
    `GET ${path} HTTP/1.1\r\nHost: ${server.target.origin.slice("http://".length)}\r\n\r\n`,
  );
  connection.close();
  return response;
}

const clientCredentials: RateWorkload = {
  name: "client-credentials",
  operation: "one client_credentials grant without scopes: a new access token (JWT), no refresh token",
  needs: [],
  crews: async (stage) => [
    { name: "grant", members: loop(stage.strangers(stage.options.clients), (client) => client.earn()) },
  ],
};

const introspection: RateWorkload = {
  name: "introspection",
  operation: "one introspection of a live access token; each client asks about one token of its own again and again",
  needs: [],
  crews: async (stage) => {
    const clients = stage.strangers(stage.options.clients);
    const members = await Promise.all(
      clients.map(async (client) => {
        const token = await client.earn();
        return () => client.introspect(token);
      }),
    );
    return [{ name: "question", members }];
  },
};

const discovery = reading(
  "discovery",
  "one GET of the discovery document",
  ({ server }) => server.target.discoveryPath,
);
const keys = reading("keys", "one GET of the key set", ({ server }) => server.target.keysPath);

/** Everything that `make bench` measures, in its order. A new workload is one entry. */
export const workloads: readonly Workload[] = [
  ...[
    refresh,
    codeWithPkce,
    codeWithSession,
    codeWithPassword,
    storm,
    clientCredentials,
    introspection,
    discovery,
    keys,
    grpcVersion,
    grpcCreateClient,
  ].map(rateWorkload),
  transitClientCredentials,
  transitEs256,
  unauthenticated,
  start,
  soak,
  endurance,
];
