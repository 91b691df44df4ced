import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { makers } from "../../conformance/makers.ts";
import { plain } from "../../conformance/plain.ts";
import type { KindName } from "../../records.ts";
import { kindNames } from "../record-key.ts";
import type { SqlKind } from "./kind.ts";
import { sqlKinds } from "./kinds.ts";
import { type Flavour, ownTables, stepsFor } from "./migrations.ts";

const kindOf = (name: KindName): SqlKind => sqlKinds[name] as unknown as SqlKind;

/** The columns of every table after all steps, by name. */
function finalColumns(flavour: Flavour): ReadonlyMap<string, ReadonlySet<string>> {
  const tables = new Map<string, Set<string>>();
  for (const change of [...stepsFor(flavour).flatMap(({ changes }) => changes), ...ownTables]) {
    if ("create" in change) tables.set(change.create, new Set(change.columns.map(({ name }) => name)));
    if ("drop" in change) tables.delete(change.drop);
    if ("alter" in change) for (const { name } of change.add) tables.get(change.alter)?.add(name);
  }
  return tables;
}

describe("every kind of record", () => {
  for (const name of kindNames) {
    const kind = kindOf(name);
    const record = makers[name]() as Parameters<typeof kind.write>[0];

    test(`${name}: is written to every column of its table and to no other`, () => {
      const columns = kind.columns.map((column) => column.name).sort();
      assert.deepEqual([...(finalColumns("sqlite3").get(kind.table) ?? [])].sort(), columns);
      assert.deepEqual(Object.keys(kind.write(record)).sort(), columns);
    });

    test(`${name}: is read as it was written, with what stands beside the table`, () => {
      const read = kind.read(kind.write(record));
      const extra = kind.writeExtra?.(record);
      const whole = extra === undefined ? read : kind.readExtra?.(read, JSON.parse(JSON.stringify(extra)));
      assert.deepEqual(plain(whole), plain(record));
    });

    test(`${name}: an empty row is read without a fault`, () => {
      const read = kind.read({});
      assert.ok(Object.values(read).every((value) => value !== null));
      assert.equal(kind.readExtra?.(read, "no object") ?? read, read);
    });
  }
});

test("the steps have the numbers of each database: MySQL is one ahead", () => {
  assert.deepEqual([stepsFor("sqlite3").length, stepsFor("postgres").length, stepsFor("mysql").length], [23, 23, 24]);
  for (const [table, columns] of finalColumns("sqlite3")) {
    for (const flavour of ["postgres", "mysql"] as const) assert.deepEqual(finalColumns(flavour).get(table), columns);
  }
});

test("a list that is empty is written as Dex writes one that was never set, but where the two differ", () => {
  const empty = { redirectUris: [], trustedPeers: [], allowedConnectors: [], postLogoutRedirectUris: [] };
  const { clients } = sqlKinds;
  const row = clients.write(makers.clients({ ...empty, mfaChain: [], ssoSharedWith: [] }));
  for (const name of ["redirect_uris", "trusted_peers", "allowed_connectors", "post_logout_redirect_uris"])
    assert.equal(row[name], null, name);
  assert.deepEqual([row.mfa_chain, row.sso_shared_with], [[], []]);
  const read = clients.read(row);
  assert.deepEqual([read.mfaChain, read.ssoSharedWith, read.redirectUris], [[], [], []]);
  // `null` in the cell, or no cell at all.
  for (const absent of [null, undefined]) {
    const client = clients.read({ ...row, mfa_chain: absent, sso_shared_with: absent });
    assert.ok(!("mfaChain" in client) && !("ssoSharedWith" in client));
  }
});

test("an address is stored in lower case, and unset, true and false verification stay apart", () => {
  const { passwords } = sqlKinds;
  assert.equal(passwords.write(makers.passwords({ email: "Kate@Example.COM" })).email, "kate@example.com");
  const row = passwords.write(makers.passwords());
  for (const email_verified of [true, false])
    assert.equal(passwords.read({ ...row, email_verified }).emailVerified, email_verified);
  assert.ok(!("emailVerified" in passwords.read({ ...row, email_verified: undefined })));
});

test("a key keeps the order of its members, and one of old data its lack of an algorithm", () => {
  const { keys } = sqlKinds;
  const jwk = { use: "sig", kty: "RSA", kid: "k", n: "n", e: "AQAB" };
  const row = { ...keys.write(makers.keys()), signing_key_pub: jwk };
  const read = keys.read(row);
  assert.deepEqual(Object.keys(read.signingKeyPub ?? {}), Object.keys(jwk));
  assert.equal(JSON.stringify(keys.write(read).signing_key_pub), JSON.stringify(jwk));
});

test("keys that were never written are no keys", () => {
  const read = sqlKinds.keys.read({ verification_keys: null, signing_key: null, signing_key_pub: null });
  assert.deepEqual(read, { verificationKeys: [], nextRotation: 0 });
});

test("JSON that somebody edited by hand is read as Go reads it", () => {
  const { authSessions, keys, offlineSessions, userIdentities } = sqlKinds;
  const time = "2026-08-06T15:14:24Z";
  const session = offlineSessions.read({ refresh: { a: { id: "1", CLIENTID: "a", createdat: time, extra: 1 } } });
  assert.deepEqual(session.refresh.a, {
    id: "1",
    clientId: "a",
    createdAt: Date.parse(time),
    lastUsed: Date.parse("0001-01-01T00:00:00Z"),
    sessionId: "",
  });
  const { verificationKeys } = keys.read({
    verification_keys: [{ PublicKey: { kid: "k", x5c: [1] }, EXPIRY: time }, 7],
  });
  assert.deepEqual(verificationKeys, [{ publicKey: { kid: "k" }, expiry: Date.parse(time) }]);
  const identity = userIdentities.read({ mfa_secrets: { t: { AUTHENTICATORID: "t", Confirmed: true } }, consents: [] });
  assert.equal(identity.mfaSecrets.t?.authenticatorId, "t");
  assert.equal(identity.mfaSecrets.t?.confirmed, true);
  assert.deepEqual(identity.consents, {});
  assert.equal(authSessions.read({ client_states: { a: { viasso: true } } }).clientStates.a?.viaSso, true);
});

test("the names of clients in a map are no member names: their case counts", () => {
  const consents = { App: ["a"], app: ["b"], ["__proto__"]: ["c"] };
  const row = sqlKinds.userIdentities.write(makers.userIdentities({ consents }));
  assert.deepEqual(sqlKinds.userIdentities.read(row).consents, consents);
});

test("a word that is no lifetime is none, whatever JavaScript calls by that name", () => {
  for (const word of ["constructor", "toString", "other"])
    assert.equal(sqlKinds.clients.read({ refresh_token_lifetime: word }).refreshTokenLifetime, "");
});
