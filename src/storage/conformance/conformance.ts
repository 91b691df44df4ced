/**
 * What every backend must do, in one suite. A backend's test is three lines: it imports this and says how to open
 * an empty store. The tests of one kind are made from the table of kinds, so a new kind is tested from its first line.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { inspect, isDeepStrictEqual } from "node:util";
import { Secret } from "../../kernel/secret.ts";
import { AlreadyExistsError, type Collection, type InPages, type Storage } from "../contract.ts";
import type { AuthSession, KindName, RecordKinds, RefreshToken, UserKey } from "../records.ts";
import { expiries } from "../shared/expiry.ts";
import { kindNames, recordKey } from "../shared/record-key.ts";
import { makers } from "./makers.ts";
import { plain } from "./plain.ts";

type AnyRecord = RecordKinds[KindName]["record"];
type AnyKey = RecordKinds[KindName]["key"];

/** What a backend cannot help. */
export interface Limits {
  /** Characters of one text. */
  readonly longestText?: number;
  /** Of two keys whose parts are the same when written one after the other, the second cannot be stored. */
  readonly hasColludingPairs?: true;
  /** The database makes `resourceVersion` of a connector by itself. */
  readonly versionsConnectors?: true;
}

export function runStorageConformance(name: string, openEmpty: () => Promise<Storage>, limits: Limits = {}): void {
  describe(`storage ${name}`, () => {
    let storage: Storage;
    before(async () => {
      storage = await openEmpty();
    });
    after(() => storage.close());
    const of = (kind: KindName): Collection<AnyKey, AnyRecord> => {
      const collection = storage[kind] as unknown as Collection<AnyKey, AnyRecord>;
      return kind === "connectors" && limits.versionsConnectors === true ? asWritten(collection) : collection;
    };
    for (const kind of kindNames) describe(kind, () => testKind(kind, () => of(kind)));
    describe("details", () => testDetails(() => storage, limits));
    describe("concurrency", () => testConcurrency(() => storage));
    describe("of a user", () => testOfUser(() => storage));
    describe("in pages", () => testPages(() => storage));
    describe("garbage", () => testGarbage(() => storage));
  });
}

/** Connectors with the version that the maker gives them, where the database has given them one. */
function asWritten(collection: Collection<AnyKey, AnyRecord>): Collection<AnyKey, AnyRecord> {
  const { resourceVersion } = makers.connectors();
  const restore = <R extends AnyRecord | undefined>(record: R): R =>
    record !== undefined && "resourceVersion" in record && record.resourceVersion !== ""
      ? { ...record, resourceVersion }
      : record;
  return {
    create: (record) => collection.create(record),
    get: async (key) => restore(await collection.get(key)),
    list: async () => (await collection.list()).map(restore),
    update: async (key, change) => restore(await collection.update(key, change)),
    delete: (key) => collection.delete(key),
  };
}

/** A record of `kind` with a key of its own, as far as the kind has more than one. */
function fresh(kind: KindName, tag: string): { readonly key: AnyKey; readonly record: AnyRecord } {
  const id = `${kind.toLowerCase()}-${tag}`;
  const change = { id, email: `${id}@example.com`, userId: id, userCode: id.toUpperCase(), deviceCode: id };
  const base = makers[kind]();
  const own = Object.fromEntries(
    Object.entries(change).filter(([name]) => name in base && !singletons.has(kind) && isKeyField(kind, name)),
  );
  const record = { ...base, ...own } as AnyRecord;
  const parts = recordKey(kind, record as never);
  const key = parts.length === 2 ? { userId: parts[0] ?? "", connectorId: parts[1] ?? "" } : (parts[0] ?? "");
  return { key: key as AnyKey, record };
}

const singletons: ReadonlySet<KindName> = new Set(["keys", "serverSecrets"]);

const isKeyField = (kind: KindName, name: string): boolean => {
  if (kind === "passwords") return name === "email";
  if (kind === "offlineSessions" || kind === "userIdentities") return name === "userId";
  if (kind === "deviceRequests") return name === "userCode";
  if (kind === "deviceTokens") return name === "deviceCode";
  return name === "id";
};

/** Deep equality that looks into secrets. */
function assertSame(actual: unknown, expected: unknown): void {
  assert.ok(
    isDeepStrictEqual(plain(actual), plain(expected)),
    `${inspect(plain(actual), { depth: 9 })} is not ${inspect(plain(expected), { depth: 9 })}`,
  );
}

function testKind(kind: KindName, of: () => Collection<AnyKey, AnyRecord>): void {
  const { key, record } = fresh(kind, "base");

  test("remembers every field, once", async () => {
    assert.equal(await of().get(key), undefined);
    await of().create(record);
    assertSame(await of().get(key), record);
    await assert.rejects(of().create(record), AlreadyExistsError);
    assertSame(await of().get(key), record);
    assert.equal((await of().list()).filter((each) => isDeepStrictEqual(plain(each), plain(record))).length, 1);
  });

  test("an update that changes nothing or throws writes nothing", async () => {
    assertSame(await of().update(key, (current) => current), record);
    const fault = new Error("refused");
    await assert.rejects(
      of().update(key, () => {
        throw fault;
      }),
      (error) => error === fault,
    );
    assertSame(await of().get(key), record);
  });

  test("extra comes and goes with its record", async () => {
    if (!("extra" in record)) return;
    const { extra: _extra, ...without } = record;
    await of().update(key, () => without as AnyRecord);
    assertSame(await of().get(key), without);
    await of().update(key, () => record);
    assertSame(await of().get(key), record);
  });

  test("of many deletes one succeeds; then it is gone", async () => {
    const deleted = await Promise.all(Array.from({ length: 20 }, () => of().delete(key)));
    assert.equal(deleted.filter(Boolean).length, 1);
    assert.equal(await of().get(key), undefined);
    assert.equal(await of().update(key, (current) => current), undefined);
    assert.equal(await of().delete(key), false);
  });

  test("of many creates one succeeds", async () => {
    const made = await Promise.allSettled(Array.from({ length: 50 }, () => of().create(record)));
    assert.equal(made.filter(({ status }) => status === "fulfilled").length, 1);
    for (const each of made) if (each.status === "rejected") assert.ok(each.reason instanceof AlreadyExistsError);
    assertSame(await of().get(key), record);
    assert.equal(await of().delete(key), true);
  });
}

const refresh = (id: string, change: Partial<RecordKinds["refreshTokens"]["record"]> = {}) =>
  makers.refreshTokens({ id, ...change });

function testDetails(storage: () => Storage, { longestText = 100 * 1024, hasColludingPairs }: Limits): void {
  test("an e-mail address is one in any letter case", async () => {
    const { passwords } = storage();
    await passwords.create(makers.passwords({ email: "kate@example.com" }));
    assert.equal((await passwords.get("Kate@Example.COM"))?.email, "kate@example.com");
    await passwords.update("KATE@example.com", (current) => ({ ...current, name: "Kate" }));
    assert.equal((await passwords.get("kate@example.com"))?.name, "Kate");
    assert.equal(await passwords.delete("kAte@example.com"), true);
  });

  test("absent, true and false e-mail verification differ", async () => {
    const { passwords } = storage();
    for (const emailVerified of [true, false, undefined]) {
      const { emailVerified: _unset, ...base } = makers.passwords({ email: `v-${emailVerified}@example.com` });
      await passwords.create({ ...base, ...(emailVerified === undefined ? {} : { emailVerified }) });
      assert.equal((await passwords.get(base.email))?.emailVerified, emailVerified);
    }
  });

  test("a client's absent and empty lists differ where they mean different things", async () => {
    const { clients } = storage();
    const { mfaChain: _mfa, ssoSharedWith: _sso, ...base } = makers.clients({ id: "lists" });
    await clients.create(base);
    const absent = await clients.get("lists");
    assert.deepEqual([absent?.mfaChain, absent?.ssoSharedWith], [undefined, undefined]);
    await clients.update("lists", (current) => ({ ...current, mfaChain: [], ssoSharedWith: [] }));
    const empty = await clients.get("lists");
    assert.deepEqual([empty?.mfaChain, empty?.ssoSharedWith], [[], []]);
  });

  test("keys of two parts do not run into each other", async () => {
    const { offlineSessions } = storage();
    const colluding = hasColludingPairs === true;
    const pairs = [
      ["a", "bc"],
      ["1:a", "b"],
      ...(colluding
        ? []
        : ([
            ["ab", "c"],
            ["1", ":ab"],
          ] as const)),
    ] as const;
    for (const [userId, connectorId] of pairs)
      await offlineSessions.create(makers.offlineSessions({ userId, connectorId, refresh: {} }));
    for (const [userId, connectorId] of pairs) {
      const found = await offlineSessions.get({ userId, connectorId });
      assert.deepEqual([found?.userId, found?.connectorId, found?.refresh], [userId, connectorId, {}]);
    }
  });

  test("a pair that cannot be stored beside another is never taken for it", async () => {
    if (hasColludingPairs === undefined) return;
    const { offlineSessions } = storage();
    const [first, second] = [
      makers.offlineSessions({ userId: "x", connectorId: "yz" }),
      { userId: "xy", connectorId: "z" },
    ];
    await offlineSessions.create(first);
    await assert.rejects(offlineSessions.create({ ...first, ...second }), AlreadyExistsError);
    assert.equal(await offlineSessions.get(second), undefined);
    assert.equal(await offlineSessions.update(second, (current) => ({ ...current, refresh: {} })), undefined);
    assert.equal(await offlineSessions.delete(second), false);
    assertSame(await offlineSessions.get({ userId: "x", connectorId: "yz" }), first);
  });

  test("any text comes back as it was", async () => {
    const texts = [
      "😀 emoji",
      `quote ' " \\ back`,
      "line\nbreak\ttab",
      "‮ right to left",
      "x".repeat(longestText),
      "%27; drop table client; --",
    ];
    for (const [index, text] of texts.entries()) {
      await storage().refreshTokens.create(refresh(`text-${index}`, { nonce: text, scopes: [text] }));
      const found = await storage().refreshTokens.get(`text-${index}`);
      assert.deepEqual([found?.nonce, found?.scopes], [text, [text]]);
    }
  });

  test("updating one record leaves its neighbour alone", async () => {
    const { refreshTokens } = storage();
    await Promise.all([refreshTokens.create(refresh("left")), refreshTokens.create(refresh("right"))]);
    await refreshTokens.update("left", (current) => ({
      ...current,
      token: new Secret("changed"),
      obsoleteToken: current.token,
    }));
    assert.equal((await refreshTokens.get("right"))?.token.reveal(), "bar");
    const left = await refreshTokens.get("left");
    assert.deepEqual([left?.token.reveal(), left?.obsoleteToken.reveal()], ["changed", "bar"]);
  });

  test("a spent code stays spent, and of many who spend it at once one succeeds", async () => {
    const { authCodes } = storage();
    const code = makers.authCodes({ id: "h1spentonce" });
    await authCodes.create(code);
    const { extra: _extra, connectorData: _data, ...rest } = code;
    const left = {
      ...rest,
      clientId: "",
      scopes: [],
      spent: {
        clientId: code.clientId,
        redeemedAt: code.authTime,
        refreshTokenId: "family",
        accessTokenId: "tag",
        accessTokenExpiry: code.expiry,
      },
    };
    await authCodes.get(code.id);
    const settled = await Promise.allSettled(
      Array.from({ length: 20 }, () =>
        authCodes.update(code.id, (current) => {
          if (current.spent !== undefined) throw new Error("spent");
          return left;
        }),
      ),
    );
    assert.equal(settled.filter(({ status }) => status === "fulfilled").length, 1);
    assertSame(await authCodes.get(code.id), left);
    await assert.rejects(authCodes.create(code), AlreadyExistsError);
  });

  test("a refused operation spoils none that came with it", async () => {
    const { refreshTokens } = storage();
    await refreshTokens.create(refresh("taken"));
    const settled = await Promise.allSettled([
      refreshTokens.create(refresh("first")),
      refreshTokens.create(refresh("taken")),
      refreshTokens.update("taken", () => {
        throw new Error("no");
      }),
      refreshTokens.create(refresh("last")),
    ]);
    assert.deepEqual(
      settled.map(({ status }) => status),
      ["fulfilled", "rejected", "rejected", "fulfilled"],
    );
    assert.ok((await refreshTokens.get("first")) !== undefined && (await refreshTokens.get("last")) !== undefined);
  });
}

function testConcurrency(storage: () => Storage): void {
  test("of a hundred parallel increments none is lost", async () => {
    const { refreshTokens } = storage();
    await refreshTokens.create(refresh("counter", { token: new Secret("0") }));
    const written = await Promise.all(
      Array.from({ length: 100 }, () =>
        refreshTokens.update("counter", (current) => ({
          ...current,
          token: new Secret(String(Number(current.token.reveal()) + 1)),
        })),
      ),
    );
    assert.equal((await refreshTokens.get("counter"))?.token.reveal(), "100");
    assert.equal(new Set(written.map((record) => record?.token.reveal())).size, 100);
  });

  test("of many conditional swaps one finds the old value", async () => {
    const { refreshTokens } = storage();
    await refreshTokens.create(refresh("swap", { token: new Secret("old") }));
    let winners = 0;
    await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        let won = false;
        await refreshTokens.update("swap", (current) => {
          won = current.token.reveal() === "old";
          return won ? { ...current, token: new Secret(`new-${index}`) } : current;
        });
        if (won) winners++;
      }),
    );
    assert.equal(winners, 1);
  });

  test("64 updates of 64 records at the same moment succeed, five rounds in a row", async () => {
    const { refreshTokens } = storage();
    const ids = Array.from({ length: 64 }, (_, index) => `many-${index}`);
    await Promise.all(ids.map((id) => refreshTokens.create(refresh(id, { nonce: "0" }))));
    for (let round = 1; round <= 5; round++) {
      const done = await Promise.all(
        ids.map((id) => refreshTokens.update(id, (current) => ({ ...current, nonce: String(round) }))),
      );
      assert.ok(done.every((record) => record?.nonce === String(round)));
    }
  });
}

function testOfUser(storage: () => Storage): void {
  const user = { userId: "of-user", connectorId: "ldap" };
  test("a person's sessions and refresh tokens are found, and nobody else's", async () => {
    const { authSessions, refreshTokens } = storage();
    const session = (id: string, owner: UserKey): AuthSession => ({ ...makers.authSessions(), id, ...owner });
    const family = (id: string, { userId, connectorId }: UserKey): RefreshToken => {
      const record = makers.refreshTokens();
      return { ...record, id, connectorId, claims: { ...record.claims, userId } };
    };
    for (const [id, owner] of [
      ["of-user-1", user],
      ["of-user-2", user],
      ["of-user-other-connector", { ...user, connectorId: "saml" }],
      ["of-user-other", { ...user, userId: "of-user-2" }],
    ] as const) {
      await authSessions.create(session(id, owner));
      await refreshTokens.create(family(id, owner));
    }
    for (const kind of [authSessions, refreshTokens]) {
      const found = await kind.listOfUser(user);
      assert.deepEqual(found.map(({ id }) => id).sort(), ["of-user-1", "of-user-2"]);
    }
    await authSessions.delete("of-user-1");
    assert.deepEqual(
      (await authSessions.listOfUser(user)).map(({ id }) => id),
      ["of-user-2"],
    );
    assert.deepEqual(await refreshTokens.listOfUser({ userId: "nobody", connectorId: "ldap" }), []);
  });
}

function testPages(storage: () => Storage): void {
  for (const kind of ["logoutDeliveries", "mailDeliveries"] as const) {
    test(`${kind}: a walk meets whatever is stored all the while, a page at a time`, async () => {
      const collection = storage()[kind] as InPages<{ readonly id: string }> & Collection<AnyKey, AnyRecord>;
      const ids = Array.from({ length: 25 }, (_, index) => `${kind.toLowerCase()}-page-${index}`);
      for (const id of ids) await collection.create({ ...makers[kind](), id });
      const seen: string[] = [];
      const sizes: number[] = [];
      for (let from = ""; ; ) {
        const { records, next } = await collection.page(from, 10);
        const own = records.map(({ id }) => id).filter((id) => ids.includes(id));
        seen.push(...own);
        sizes.push(records.length);
        // As deliveries do, they go while others are still to come.
        for (const id of own) assert.equal(await collection.delete(id), true);
        if (next === "") break;
        from = next;
      }
      assert.deepEqual(seen.sort(), ids.sort());
      assert.ok(sizes.length >= 3 && sizes.every((size) => size <= 10), String(sizes));
      const { records } = await collection.page("", 10);
      assert.deepEqual(
        records.filter(({ id }) => ids.includes(id)),
        [],
      );
    });
  }
}

function testGarbage(storage: () => Storage): void {
  const end = Date.UTC(2030, 0, 1);
  const kinds = kindNames.filter((kind) => expiries[kind] !== undefined);
  for (const kind of kinds) {
    test(`${kind}: stays at its very end, goes after it`, async () => {
      const of = storage()[kind] as unknown as Collection<AnyKey, AnyRecord>;
      const { key, record } = fresh(kind, "old");
      const ending = kind === "authSessions" ? { idleExpiry: end } : { expiry: end };
      await of.create({ ...record, ...ending } as AnyRecord);
      await storage().collectGarbage(end, 500);
      assert.notEqual(await of.get(key), undefined);
      const { deleted } = await storage().collectGarbage(end + 1, 500);
      assert.equal(deleted[kind], 1);
      assert.equal(await of.get(key), undefined);
    });
  }

  test("more than one batch goes, and what lives stays", async () => {
    const { revokedTokens } = storage();
    await Promise.all(
      Array.from({ length: 1300 }, (_, index) => revokedTokens.create({ id: `old-${index}`, expiry: end })),
    );
    await revokedTokens.create({ id: "alive", expiry: end + 10 });
    const runs = [];
    for (let isDone = false; !isDone; ) {
      const run = await storage().collectGarbage(end + 1, 500);
      runs.push(run.deleted.revokedTokens ?? 0);
      isDone = run.isDone;
    }
    assert.ok(
      runs.every((count) => count <= 500),
      `no batch is larger than asked: ${runs}`,
    );
    assert.equal(
      runs.reduce((sum, count) => sum + count, 0),
      1300,
    );
    assert.notEqual(await revokedTokens.get("alive"), undefined);
  });
}
