/** The same calls to a real Dex, where DEX_BIN names one, and to us: answers, status codes and texts are the same. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { stringify } from "yaml";
import { z } from "zod";
import { type AdminClient, openAdminClient } from "../../src/server/admin-client.ts";
import { findProgram, freePort, peerFolder, startPeer } from "../peer/peer.ts";
import { allFlags, startAdminStage } from "./stage.ts";

const dexBin = process.env.DEX_BIN ?? "";
const skip = dexBin === "" || findProgram(dexBin) === undefined ? "optional: DEX_BIN names no Dex" : false;

/** bcrypt of "trout", costs 10, 4 and 17 (the last one is none: nobody computes it). */
const hash = Buffer.from("$2a$10$7/WWzIaUdfZ3qgMIpgLdpui0tZWpIl1v/HWtZ1dCBmkuggArG1guy");
const withCost = (cost: string): Buffer => Buffer.from(hash.toString().replace("$10$", `$${cost}$`));

const file = {
  staticClients: [{ id: "static", name: "Static", secret: "s3cret", redirectURIs: ["https://static.example/cb"] }],
  staticPasswords: [{ email: "static@example.com", hash: hash.toString(), username: "static", userID: "1" }],
};

/** A person's `sub` claim: `u1` at `local`. */
const sub = "CgJ1MRIFbG9jYWw";
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

type Step = readonly [what: string, call: (client: AdminClient) => Promise<unknown>];

/** In this order on either server, since each sees what the ones before it left. */
const steps: readonly Step[] = [
  ["GetClient of nobody", ({ dex }) => dex.GetClient({ id: "nobody" })],
  ["GetClient without an id", ({ dex }) => dex.GetClient()],
  ["GetClient of the file", ({ dex }) => dex.GetClient({ id: "static" })],
  ["CreateClient of nothing", ({ dex }) => dex.CreateClient()],
  [
    "CreateClient with a lifetime that is none",
    ({ dex }) => dex.CreateClient({ client: { refresh_token_lifetime: 'a"b' } }),
  ],
  [
    "CreateClient",
    ({ dex }) =>
      dex.CreateClient({
        client: {
          id: "a",
          secret: "x",
          name: "A",
          redirect_uris: ["https://a/cb", "no uri"],
          trusted_peers: ["b"],
          logo_url: "l",
          allowed_connectors: ["mock"],
          sso_shared_with: ["b"],
          backchannel_logout_uri: "https://a/out",
          post_logout_redirect_uris: ["https://a/bye"],
          refresh_token_lifetime: "session",
        },
      }),
  ],
  ["GetClient of a secret", ({ dex }) => dex.GetClient({ id: "a" })],
  ["CreateClient again", ({ dex }) => dex.CreateClient({ client: { id: "a", name: "Other" } })],
  ["CreateClient of the file", ({ dex }) => dex.CreateClient({ client: { id: "static" } })],
  ["CreateClient without anything", ({ dex }) => dex.CreateClient({ client: {} })],
  ["CreateClient, public", ({ dex }) => dex.CreateClient({ client: { id: "p", public: true, name: "P" } })],
  ["UpdateClient without an id", ({ dex }) => dex.UpdateClient()],
  ["UpdateClient of nobody", ({ dex }) => dex.UpdateClient({ id: "nobody", name: "N" })],
  ["UpdateClient of the file", ({ dex }) => dex.UpdateClient({ id: "static", name: "N" })],
  [
    "UpdateClient with a lifetime that is none",
    ({ dex }) => dex.UpdateClient({ id: "a", refresh_token_lifetime: "x" }),
  ],
  ["UpdateClient of the name", ({ dex }) => dex.UpdateClient({ id: "p", name: "P2" })],
  ["GetClient, public", ({ dex }) => dex.GetClient({ id: "p" })],
  [
    "UpdateClient of everything",
    ({ dex }) =>
      dex.UpdateClient({
        id: "p",
        redirect_uris: ["u"],
        trusted_peers: ["t"],
        logo_url: "logo",
        allowed_connectors: ["c"],
        sso_shared_with: ["*"],
        backchannel_logout_uri: "b",
        post_logout_redirect_uris: ["q"],
        refresh_token_lifetime: "standalone",
      }),
  ],
  ["GetClient of everything", ({ dex }) => dex.GetClient({ id: "p" })],
  [
    "UpdateClient that empties",
    ({ dex }) => dex.UpdateClient({ id: "p", backchannel_logout_uri: "", refresh_token_lifetime: "" }),
  ],
  ["GetClient emptied", ({ dex }) => dex.GetClient({ id: "p" })],
  ["DeleteClient", ({ dex }) => dex.DeleteClient({ id: "p" })],
  ["DeleteClient again", ({ dex }) => dex.DeleteClient({ id: "p" })],
  ["DeleteClient of the file", ({ dex }) => dex.DeleteClient({ id: "static" })],
  ["CreatePassword of nothing", ({ dex }) => dex.CreatePassword()],
  ["CreatePassword without a user", ({ dex }) => dex.CreatePassword({ password: { email: "a@example.com", hash } })],
  [
    "CreatePassword without a hash",
    ({ dex }) => dex.CreatePassword({ password: { email: "a@example.com", user_id: "u" } }),
  ],
  [
    "CreatePassword, cheap",
    ({ dex }) => dex.CreatePassword({ password: { email: "a", user_id: "u", hash: withCost("04") } }),
  ],
  [
    "CreatePassword, dear",
    ({ dex }) => dex.CreatePassword({ password: { email: "a", user_id: "u", hash: withCost("17") } }),
  ],
  [
    "CreatePassword with a password for a hash",
    ({ dex }) => dex.CreatePassword({ password: { email: "a", user_id: "u", hash: Buffer.from("trout") } }),
  ],
  [
    "CreatePassword",
    ({ dex }) => dex.CreatePassword({ password: { email: "ann@example.com", hash, username: "ann", user_id: "u1" } }),
  ],
  [
    "CreatePassword again",
    ({ dex }) => dex.CreatePassword({ password: { email: "Ann@Example.com", hash, username: "x", user_id: "u2" } }),
  ],
  [
    "CreatePassword of the file",
    ({ dex }) => dex.CreatePassword({ password: { email: "static@example.com", hash, user_id: "u2" } }),
  ],
  ["VerifyPassword without an email", ({ dex }) => dex.VerifyPassword({ password: "x" })],
  ["VerifyPassword without a password", ({ dex }) => dex.VerifyPassword({ email: "x" })],
  ["VerifyPassword of nobody", ({ dex }) => dex.VerifyPassword({ email: "nobody@example.com", password: "x" })],
  ["VerifyPassword, wrong", ({ dex }) => dex.VerifyPassword({ email: "ann@example.com", password: "carp" })],
  ["VerifyPassword", ({ dex }) => dex.VerifyPassword({ email: "ANN@example.com", password: "trout" })],
  ["VerifyPassword of the file", ({ dex }) => dex.VerifyPassword({ email: "static@example.com", password: "trout" })],
  ["ListPasswords", ({ dex }) => dex.ListPasswords()],
  ["UpdatePassword without an email", ({ dex }) => dex.UpdatePassword({ new_username: "x" })],
  ["UpdatePassword of nothing", ({ dex }) => dex.UpdatePassword({ email: "ann@example.com" })],
  ["UpdatePassword, cheap", ({ dex }) => dex.UpdatePassword({ email: "ann@example.com", new_hash: withCost("09") })],
  ["UpdatePassword of nobody", ({ dex }) => dex.UpdatePassword({ email: "nobody@example.com", new_username: "x" })],
  ["UpdatePassword of the file", ({ dex }) => dex.UpdatePassword({ email: "static@example.com", new_username: "x" })],
  ["UpdatePassword", ({ dex }) => dex.UpdatePassword({ email: "ann@example.com", new_username: "anna" })],
  ["ListPasswords, changed", ({ dex }) => dex.ListPasswords()],
  ["DeletePassword without an email", ({ dex }) => dex.DeletePassword()],
  ["DeletePassword of nobody", ({ dex }) => dex.DeletePassword({ email: "nobody@example.com" })],
  ["DeletePassword of the file", ({ dex }) => dex.DeletePassword({ email: "static@example.com" })],
  ["DeletePassword", ({ dex }) => dex.DeletePassword({ email: "ann@example.com" })],
  ["CreateConnector of nothing", ({ dex }) => dex.CreateConnector()],
  ["CreateConnector without an id", ({ dex }) => dex.CreateConnector({ connector: { type: "t" } })],
  ["CreateConnector without a type", ({ dex }) => dex.CreateConnector({ connector: { id: "c" } })],
  ["CreateConnector without a name", ({ dex }) => dex.CreateConnector({ connector: { id: "c", type: "t" } })],
  [
    "CreateConnector without a config",
    ({ dex }) => dex.CreateConnector({ connector: { id: "c", type: "t", name: "n" } }),
  ],
  [
    "CreateConnector, no JSON",
    ({ dex }) => dex.CreateConnector({ connector: { id: "c", type: "t", name: "n", config: Buffer.from("{") } }),
  ],
  [
    "CreateConnector, no grant",
    ({ dex }) =>
      dex.CreateConnector({
        connector: { id: "c", type: "t", name: "n", config: json({}), grant_types: ["client_credentials"] },
      }),
  ],
  [
    "CreateConnector of the file",
    ({ dex }) => dex.CreateConnector({ connector: { id: "mock", type: "t", name: "n", config: json({}) } }),
  ],
  [
    "CreateConnector",
    ({ dex }) =>
      dex.CreateConnector({
        connector: {
          id: "c",
          type: "mockPassword",
          name: "C",
          config: json({ username: "a", password: "b" }),
          grant_types: ["password"],
        },
      }),
  ],
  [
    "CreateConnector again",
    ({ dex }) => dex.CreateConnector({ connector: { id: "c", type: "t", name: "n", config: json({}) } }),
  ],
  ["UpdateConnector without an id", ({ dex }) => dex.UpdateConnector()],
  ["UpdateConnector of nothing", ({ dex }) => dex.UpdateConnector({ id: "c" })],
  ["UpdateConnector, no JSON", ({ dex }) => dex.UpdateConnector({ id: "c", new_config: Buffer.from("x") })],
  ["UpdateConnector, no grant", ({ dex }) => dex.UpdateConnector({ id: "c", new_grant_types: { grant_types: ["x"] } })],
  ["UpdateConnector of nobody", ({ dex }) => dex.UpdateConnector({ id: "nobody", new_name: "x" })],
  ["UpdateConnector of the file", ({ dex }) => dex.UpdateConnector({ id: "mock", new_name: "x" })],
  [
    "UpdateConnector to all grants",
    ({ dex }) => dex.UpdateConnector({ id: "c", new_grant_types: { grant_types: [] } }),
  ],
  [
    "UpdateConnector",
    ({ dex }) => dex.UpdateConnector({ id: "c", new_name: "C2", new_type: "mockCallback", new_config: json({}) }),
  ],
  ["DeleteConnector without an id", ({ dex }) => dex.DeleteConnector()],
  ["DeleteConnector of nobody", ({ dex }) => dex.DeleteConnector({ id: "nobody" })],
  ["DeleteConnector of the file", ({ dex }) => dex.DeleteConnector({ id: "mock" })],
  ["ListConnectors", ({ dex }) => dex.ListConnectors()],
  ["DeleteConnector", ({ dex }) => dex.DeleteConnector({ id: "c" })],
  ["ListRefresh of nobody", ({ dex }) => dex.ListRefresh({ user_id: sub })],
  ["RevokeRefresh of nobody", ({ dex }) => dex.RevokeRefresh({ user_id: sub, client_id: "a" })],
  ["GetAuthSession without an id", ({ dex }) => dex.GetAuthSession()],
  ["GetAuthSession of nobody", ({ dex }) => dex.GetAuthSession({ id: "x" })],
  ["ListAuthSessions", ({ dex }) => dex.ListAuthSessions()],
  ["DeleteAuthSession without an id", ({ dex }) => dex.DeleteAuthSession()],
  ["DeleteAuthSession of nobody", ({ dex }) => dex.DeleteAuthSession({ id: "x" })],
  ["TerminateSessionsByConnector without one", ({ dex }) => dex.TerminateSessionsByConnector()],
  ["TerminateSessionsByConnector", ({ dex }) => dex.TerminateSessionsByConnector({ connector_id: "x" })],
  ["TerminateSessionsByUser without one", ({ dex }) => dex.TerminateSessionsByUser()],
  ["TerminateSessionsByUser", ({ dex }) => dex.TerminateSessionsByUser({ user_id: "x" })],
  ["ListUserIdentities", ({ dex }) => dex.ListUserIdentities()],
  ...(
    [
      "GetUserIdentity",
      "DeleteUserIdentity",
      "ResetMFA",
      "ListMFADevices",
      "DeleteWebAuthnCredential",
      "DeleteMFASecret",
      "RevokeConsent",
    ] as const
  ).flatMap((method): readonly Step[] => [
    [`${method} without a user`, ({ dex }) => dex[method]()],
    [`${method} without a connector`, ({ dex }) => dex[method]({ user_id: "u" })],
    [
      `${method} of nobody`,
      ({ dex }) =>
        dex[method]({
          user_id: "u",
          connector_id: "c",
          ...(method === "DeleteWebAuthnCredential"
            ? { credential_id: Buffer.from("x") }
            : method === "DeleteMFASecret"
              ? { authenticator_id: "a" }
              : method === "RevokeConsent"
                ? { client_id: "a" }
                : {}),
        }),
    ],
  ]),
  [
    "DeleteWebAuthnCredential without one",
    ({ dex }) => dex.DeleteWebAuthnCredential({ user_id: "u", connector_id: "c" }),
  ],
  ["DeleteMFASecret without one", ({ dex }) => dex.DeleteMFASecret({ user_id: "u", connector_id: "c" })],
  ["RevokeConsent without one", ({ dex }) => dex.RevokeConsent({ user_id: "u", connector_id: "c" })],
];

/** What an answer says, without what is made up anew each time. */
async function told(client: AdminClient, [, call]: Step): Promise<unknown> {
  const answer = await call(client).catch((error: unknown) => {
    const { code, details } = z.object({ code: z.number(), details: z.string() }).parse(error);
    return { code, details };
  });
  return JSON.parse(
    JSON.stringify(answer, (_name, value: unknown) =>
      typeof value === "string" && /^([a-z][a-z2-7]{24}){1,2}$/.test(value) ? `(${value.length} made up)` : value,
    ),
  );
}

async function startDex(env: Readonly<Record<string, string>>) {
  const folder = peerFolder("dex-grpc");
  const [http, grpc] = [await freePort(), await freePort()];
  const config = {
    issuer: `http://127.0.0.1:${http}/dex`,
    storage: { type: "sqlite3", config: { file: join(folder.path, "dex.db") } },
    web: { http: `127.0.0.1:${http}` },
    grpc: { addr: `127.0.0.1:${grpc}` },
    enablePasswordDB: true,
    connectors: [{ type: "mockCallback", id: "mock", name: "Mock" }],
    ...file,
  };
  writeFileSync(join(folder.path, "config.yaml"), stringify(config));
  const client = openAdminClient({ address: `127.0.0.1:${grpc}`, timeout: 20_000 });
  const command = {
    command: dexBin,
    args: ["serve", "config.yaml"],
    cwd: folder.path,
    env,
    logFile: join(folder.path, "log"),
  };
  const peer = await startPeer(command, () => client.dex.GetVersion().then(() => true));
  return {
    client,
    async stop() {
      client.close();
      await peer.stop();
      folder.remove();
    },
  };
}

/** Where we differ on purpose, by step: docs/reference/differences-from-dex.md. */
const differences: Readonly<Record<string, (theirs: unknown) => unknown>> = {
  "GetClient of a secret": (theirs) => {
    const { client } = z.object({ client: z.looseObject({ secret: z.literal("x") }) }).parse(theirs);
    return { client: { ...client, secret: "" } };
  },
};

describe("the answers of a real Dex", { skip, timeout: 120_000 }, () => {
  test(`to ${steps.length} calls`, async (t) => {
    const dex = await startDex({ ...allFlags, DEX_SESSIONS_ENABLED: "true" });
    t.after(dex.stop);
    const ours = await startAdminStage(file);
    t.after(ours.close);
    for (const step of steps) {
      const theirs = await told(dex.client, step);
      const expected = differences[step[0]]?.(theirs) ?? theirs;
      assert.deepEqual(await told(ours.client, step), expected, step[0]);
    }
  });

  test("where the flags are off", async (t) => {
    const dex = await startDex({ DEX_API_CONNECTORS_CRUD: "false", DEX_API_SESSIONS_IDENTITIES_CRUD: "false" });
    t.after(dex.stop);
    const ours = await startAdminStage(file, {});
    t.after(ours.close);
    const isGated = ([what]: Step): boolean => /Connector|Session|Identit|MFA|WebAuthn|Consent/.test(what);
    for (const step of steps.filter(isGated))
      assert.deepEqual(await told(ours.client, step), await told(dex.client, step), step[0]);
  });
});
