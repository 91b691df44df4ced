import assert from "node:assert/strict";
import { test } from "node:test";
import { Secret } from "../../../kernel/secret.ts";
import { makers } from "../../conformance/makers.ts";
import type { Keys, OfflineSession } from "../../records.ts";
import { changedColumns } from "./changed-columns.ts";
import { sqlKinds } from "./kinds.ts";

const { clients, keys, offlineSessions, refreshTokens } = sqlKinds;

test("what did not change is not written, however it looked", () => {
  const found = { ...clients.write(makers.clients()), redirect_uris: ["a", 7], trusted_peers: [] };
  const current = clients.read(found);
  assert.deepEqual(changedColumns(clients, found, current, { ...current }), {});
  assert.deepEqual(changedColumns(clients, found, current, { ...current, name: "New" }), { name: "New" });
});

test("bytes and secrets are compared by what they hold", () => {
  const found = refreshTokens.write(makers.refreshTokens());
  const current = refreshTokens.read(found);
  const again = {
    ...current,
    token: new Secret(current.token.reveal()),
    connectorData: new Secret(Buffer.from("data")),
  };
  assert.deepEqual(changedColumns(refreshTokens, found, current, again), {});
  assert.deepEqual(changedColumns(refreshTokens, found, current, { ...current, token: new Secret("new") }), {
    token: "new",
  });
});

test("bytes that did change are written whole", () => {
  const found = refreshTokens.write(makers.refreshTokens());
  const current = refreshTokens.read(found);
  const connectorData = new Secret(Buffer.from("datum"));
  const { connector_data: written } = changedColumns(refreshTokens, found, current, { ...current, connectorData });
  assert.ok(written instanceof Uint8Array);
  assert.equal(Buffer.from(written).toString(), "datum");
});

/** A session as a later Dex might write it: nanoseconds, members and entries that we do not know. */
const foundSession = {
  user_id: "u",
  conn_id: "c",
  refresh: {
    one: {
      ID: "1",
      ClientID: "one",
      CreatedAt: "2026-08-06T15:14:24.123456789Z",
      LastUsed: "",
      SessionID: "",
      Later: [1],
    },
    two: { ID: "2", clientid: "two", CreatedAt: "2026-08-06T15:14:24.987654321Z", LastUsed: "", SessionID: "" },
  },
  connector_data: undefined,
};

const changeRefresh = (change: (refresh: OfflineSession["refresh"]) => OfflineSession["refresh"]): unknown => {
  const current = offlineSessions.read(foundSession);
  return changedColumns(offlineSessions, foundSession, current, { ...current, refresh: change(current.refresh) })
    .refresh;
};

test("entries of a map that did not change stay as they were found", () => {
  const three = { id: "3", clientId: "three", createdAt: 0, lastUsed: 0, sessionId: "" };
  const written = {
    ID: "3",
    ClientID: "three",
    CreatedAt: "1970-01-01T00:00:00Z",
    LastUsed: "1970-01-01T00:00:00Z",
    SessionID: "",
  };
  assert.deepEqual(
    changeRefresh((refresh) => ({ ...refresh, three })),
    { ...foundSession.refresh, three: written },
  );
  assert.deepEqual(
    changeRefresh(({ one: _one, ...rest }) => rest),
    { two: foundSession.refresh.two },
  );
});

test("an entry that changed is written whole: what we do not know of it may no longer be true", () => {
  const now = Date.UTC(2026, 7, 7);
  const refresh = changeRefresh((current) => {
    const { one } = current;
    assert.ok(one !== undefined);
    return { ...current, one: { ...one, id: "new", lastUsed: now } };
  });
  assert.deepEqual(refresh, {
    one: {
      ID: "new",
      ClientID: "one",
      CreatedAt: "2026-08-06T15:14:24.123Z",
      LastUsed: "2026-08-07T00:00:00Z",
      SessionID: "",
    },
    two: foundSession.refresh.two,
  });
});

const jwk = (kid: string) => ({ use: "sig", kty: "EC", kid, crv: "P-256", alg: "ES256", x: "x", y: "y" });
const foundKeys = {
  id: "keys",
  verification_keys: [
    { publicKey: { ...jwk("k1"), x5c: ["chain"] }, expiry: "2026-08-06T15:14:24.123456789Z" },
    { publicKey: jwk("k2"), expiry: "2026-08-07T15:14:24.123456789Z" },
  ],
  signing_key: { ...jwk("k3"), d: "d", x5c: ["chain of k3"] },
  signing_key_pub: { ...jwk("k3"), x5c: ["chain of k3"] },
  next_rotation: 0,
};
const changeKeys = (change: (keys: Keys) => Keys) => {
  const current = keys.read(foundKeys);
  return changedColumns(keys, foundKeys, current, change(current));
};

test("items of a list that did not change stay as they were found, wherever they move", () => {
  const expiry = Date.UTC(2026, 7, 8);
  const { verification_keys } = changeKeys((current) => ({
    ...current,
    verificationKeys: [{ publicKey: jwk("k3"), expiry }, ...current.verificationKeys.slice(1)],
  }));
  assert.deepEqual(verification_keys, [
    { publicKey: jwk("k3"), expiry: "2026-08-08T00:00:00Z" },
    foundKeys.verification_keys[1],
  ]);
});

test("a new key gets nothing of the old one's", () => {
  const changed = changeKeys((current) => ({
    ...current,
    signingKey: new Secret({ ...jwk("k4"), d: "e" }),
    signingKeyPub: jwk("k4"),
  }));
  assert.deepEqual(changed, { signing_key: { ...jwk("k4"), d: "e" }, signing_key_pub: jwk("k4") });
});

test("a list with items that nobody understands is written as it was understood", () => {
  const found = { ...foundKeys, verification_keys: ["?", ...foundKeys.verification_keys] };
  const current = keys.read(found);
  const next = { ...current, verificationKeys: current.verificationKeys.slice(0, 1) };
  assert.deepEqual(changedColumns(keys, found, current, next).verification_keys, [
    { publicKey: jwk("k1"), expiry: "2026-08-06T15:14:24.123Z" },
  ]);
});
