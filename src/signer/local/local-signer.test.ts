import assert from "node:assert/strict";
import { test } from "node:test";
import { compactVerify, createLocalJWKSet } from "jose";
import { handClock } from "../../../test/fake/hand-clock.ts";
import { UnavailableError } from "../../kernel/errors.ts";
import { millis } from "../../kernel/ports.ts";
import { Secret } from "../../kernel/secret.ts";
import { systemRandom } from "../../kernel/system.ts";
import type { Keys } from "../../storage/records.ts";
import { generateKey } from "./generate-key.ts";
import { openLocalSigner } from "./local-signer.ts";
import { publicHalf } from "./stored-jwk.ts";
import { keptLog } from "./testing/kept-log.ts";
import { keysInMemory } from "./testing/keys-in-memory.ts";
import { aReplica, away, type Replica } from "./testing/replica.ts";

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const lead = 10 * minute + 30 * second;
const start = handClock().now();

/** What Dex leaves behind: its own four members, nothing beside them. */
async function dexKeys(nextRotation: number, alg: "RS256" | "ES256" = "ES256"): Promise<Keys> {
  const signingKey = await generateKey(alg, systemRandom);
  return { signingKey, signingKeyPub: publicHalf(signingKey.reveal()), verificationKeys: [], nextRotation };
}

const common = ["use", "kty", "kid"];
const members = {
  RS256: { shared: [...common, "alg", "n", "e"], secret: ["d", "p", "q", "dp", "dq", "qi"] },
  ES256: { shared: [...common, "crv", "alg", "x", "y"], secret: ["d"] },
  EdDSA: { shared: [...common, "crv", "alg", "x"], secret: ["d"] },
};

const header = (jwt: string): unknown => JSON.parse(Buffer.from(jwt.split(".")[0] ?? "", "base64url").toString());
const events = ({ log }: Replica): readonly string[] => log.lines.map(({ level, event }) => `${level} ${event}`);

for (const algorithm of ["RS256", "ES256", "EdDSA"] as const) {
  test(`${algorithm}: an empty store gets a key that signs at once, and others verify with what is published`, async () => {
    const replica = aReplica({ algorithm });
    const jwt = await replica.token('{"sub":"jane"}');
    const published = await replica.signer.publicKeys();
    assert.equal(published.length, 1);
    const { payload } = await compactVerify(jwt, createLocalJWKSet({ keys: published.map((key) => ({ ...key })) }));
    assert.equal(Buffer.from(payload).toString(), '{"sub":"jane"}');
    assert.deepEqual(await replica.signer.verify(jwt), {
      kid: published[0]?.kid,
      alg: algorithm,
      payload: '{"sub":"jane"}',
    });
    assert.match(published[0]?.kid ?? "", /^[0-9a-f]{40}$/);
    assert.deepEqual(header(jwt), { alg: algorithm, kid: published[0]?.kid });
    assert.deepEqual(events(replica), ["info rotating signing keys", "info keys rotated"]);
    assert.equal(replica.log.lines[0]?.fields.reason, "missing signing key");
    await replica.stop();
  });

  test(`${algorithm}: the key is stored as Dex stores it`, async () => {
    const replica = aReplica({ algorithm });
    await replica.signer.current();
    const stored = replica.keys.stored();
    const { shared, secret } = members[algorithm];
    assert.deepEqual(Object.keys(stored?.signingKey?.reveal() ?? {}), [...shared, ...secret]);
    assert.deepEqual(Object.keys(stored?.signingKeyPub ?? {}), shared);
    if (algorithm === "RS256") {
      assert.equal(stored?.signingKeyPub?.e, "AQAB");
      assert.equal(Buffer.from(stored?.signingKeyPub?.n ?? "", "base64url").length, 256);
    }
    assert.deepEqual([stored?.verificationKeys, stored?.nextRotation], [[], start + 6 * hour]);
    await replica.stop();
  });
}

test("6 h and 24 h: published a lead before it signs, retired for a token's life, four to five retired keys", async () => {
  const replica = aReplica();
  const { clock } = replica;
  const [first] = await replica.kids();
  await clock.advance(6 * hour - lead - 1, 1);
  assert.deepEqual(await replica.kids(), [first]);

  await clock.advance(1, 1);
  const [signing, next, ...none] = await replica.kids();
  assert.deepEqual([signing, none], [first, []]);
  assert.deepEqual(header(await replica.token()), { alg: "ES256", kid: first });
  await clock.advance(lead - 1, 1);
  assert.deepEqual(header(await replica.token()), { alg: "ES256", kid: first });
  const last = await replica.token();

  await clock.advance(1, 1);
  assert.deepEqual(await replica.kids(), [next, first]);
  assert.deepEqual(header(await replica.token()), { alg: "ES256", kid: next });
  assert.equal(replica.keys.stored()?.verificationKeys[0]?.expiry, start + 30 * hour);

  await clock.advance(24 * hour, 1);
  const atExpiry = await replica.kids();
  assert.deepEqual([atExpiry.length, atExpiry[1]], [6, first]);
  assert.ok(await replica.signer.verify(last));
  await clock.advance(1, 1);
  assert.equal((await replica.kids()).length, 5);
  assert.equal(await replica.signer.verify(last), undefined);
  assert.equal(replica.keys.stored()?.verificationKeys.length, 4);
  await replica.stop();
});

test("24 h and 10 min: a retired key goes when its last token has expired, not at the next rotation", async () => {
  const replica = aReplica({ rotationPeriod: day, tokenLifetime: 10 * minute });
  await replica.signer.current();
  await replica.clock.advance(day, 1);
  assert.equal((await replica.kids()).length, 2);
  await replica.clock.advance(10 * minute, 1);
  assert.equal((await replica.kids()).length, 2);
  await replica.clock.advance(1, 1);
  assert.equal((await replica.kids()).length, 1);
  assert.deepEqual(replica.keys.stored()?.verificationKeys, []);
  await replica.stop();
});

test("5 s and 21 s: never more than five retired keys, and a new key every 5 s", async () => {
  const replica = aReplica({ rotationPeriod: 5 * second, tokenLifetime: 21 * second });
  const signed = new Set<string>();
  let most = 0;
  for (let at = 0; at < 200 * second; at += 250) {
    signed.add((await replica.signer.current()).kid);
    most = Math.max(most, replica.keys.stored()?.verificationKeys.length ?? 0);
    await replica.clock.advance(250, 1);
  }
  assert.deepEqual([signed.size, most], [40, 5]);
  await replica.stop();
});

test("a zero lifetime keeps keys for the default lifetime of tokens", async () => {
  const replica = aReplica({ tokenLifetime: 0 });
  const jwt = await replica.token();
  await replica.clock.advance(30 * hour, 1);
  assert.ok(await replica.signer.verify(jwt));
  await replica.stop();
});

test("Dex's key signs as it is; when its time has passed, a successor is published first", async () => {
  const keys = keysInMemory();
  const dex = await dexKeys(start - day);
  keys.put(dex);
  const replica = aReplica({ keys });
  const kid = dex.signingKey?.reveal().kid;
  assert.equal((await replica.signer.current()).kid, kid);
  await replica.clock.asleep(1);
  const [, next] = await replica.kids();
  assert.ok(next);
  assert.equal(keys.stored()?.nextRotation, start + lead);
  await replica.clock.advance(lead - 1, 1);
  assert.equal((await replica.signer.current()).kid, kid);
  await replica.clock.advance(1, 1);
  assert.deepEqual(await replica.kids(), [next, kid]);
  await replica.stop();
});

test("Dex's key is left alone before its time", async () => {
  const keys = keysInMemory();
  keys.put(await dexKeys(start + hour));
  const replica = aReplica({ keys });
  await replica.signer.current();
  await replica.clock.advance(hour - lead - 1, 1);
  assert.equal(keys.counts.writes, 0);
  await replica.stop();
});

test("an empty record, and one with a public half only, get a new key at once", async () => {
  const { signingKey, ...publicOnly } = await dexKeys(start + hour);
  const unable = { ...publicOnly, signingKey: new Secret(publicHalf(signingKey?.reveal() ?? {})) };
  for (const record of [{ verificationKeys: [], nextRotation: 0 }, publicOnly, unable]) {
    const keys = keysInMemory();
    keys.put(record);
    const replica = aReplica({ keys });
    assert.ok(await replica.token());
    assert.equal((await replica.kids()).length, "signingKeyPub" in record ? 2 : 1);
    await replica.stop();
  }
});

test("a new algorithm waits for the next key that is made; alg follows the stored key", async () => {
  const keys = keysInMemory();
  const { signingKey, ...rest } = await dexKeys(start + hour, "RS256");
  const { alg: _, ...withoutAlg } = signingKey?.reveal() ?? {};
  keys.put({ ...rest, signingKey: new Secret(withoutAlg) });
  const replica = aReplica({ keys, algorithm: "ES256" });
  assert.equal((await replica.signer.current()).alg, "RS256");
  const old = await replica.token();
  await replica.clock.advance(hour, 1);
  assert.equal((await replica.signer.current()).alg, "ES256");
  assert.deepEqual(
    (await replica.signer.publicKeys()).map(({ alg }) => alg),
    ["ES256", "RS256"],
  );
  assert.equal((await replica.signer.verify(old))?.alg, "RS256");
  await replica.stop();
});

test("storage away at the start: unavailable, then well again without a restart", async () => {
  const keys = keysInMemory();
  keys.fail(away);
  const replica = aReplica({ keys });
  await assert.rejects(
    replica.signer.current(),
    (error) => error instanceof UnavailableError && error.dependency === "signer" && error.cause === away,
  );
  await assert.rejects(replica.signer.publicKeys(), UnavailableError);
  const line = replica.log.lines.find(({ event }) => event === "failed to rotate keys");
  assert.deepEqual([line?.level, line?.cause], ["error", away]);
  await replica.clock.advance(hour, 1);
  keys.fail(undefined);
  await replica.clock.advance(15 * second, 1);
  assert.ok(await replica.token());
  await replica.stop();
});

test("without a running loop a request still finds storage healed, but asks it once a second at most", async () => {
  const clock = handClock();
  const keys = keysInMemory();
  keys.fail(away);
  const log = keptLog();
  const times = { rotationPeriod: millis(hour), tokenLifetime: millis(hour) };
  const signer = openLocalSigner({ keys, clock, random: systemRandom, logger: log, algorithm: "ES256", ...times });
  for (let request = 0; request < 50; request++) await assert.rejects(signer.current(), UnavailableError);
  assert.equal(log.lines.length, 1);
  keys.fail(undefined);
  await clock.advance(second);
  assert.ok((await signer.current()).kid);
});

test("storage away later: signing, and the change to the published key, go on from memory", async () => {
  const replica = aReplica();
  const { clock, keys } = replica;
  await replica.signer.current();
  await clock.advance(6 * hour - minute, 1);
  const [old, next] = await replica.kids();
  keys.fail(away);
  await clock.advance(2 * minute, 1);
  assert.deepEqual(await replica.kids(), [next, old]);
  assert.ok(await replica.signer.verify(await replica.token()));
  assert.equal(keys.stored()?.signingKey?.reveal().kid, old);

  await clock.advance(day, 1);
  assert.deepEqual(await replica.kids(), [next]);
  keys.fail(undefined);
  await clock.advance(15 * second, 1);
  assert.equal(keys.stored()?.signingKey?.reveal().kid, next);
  await replica.stop();
});

test("requests read no storage", async () => {
  const replica = aReplica();
  const jwt = await replica.token();
  await replica.clock.asleep(1);
  const before = { ...replica.keys.counts };
  for (let request = 0; request < 20; request++) {
    await replica.token();
    await replica.signer.verify(jwt);
    await replica.signer.publicKeys();
  }
  assert.deepEqual(replica.keys.counts, before);
  await replica.stop();
});

test("a kid that another replica brought is looked up once; made-up ones do not load the store", async () => {
  const replica = aReplica();
  const { clock, keys } = replica;
  await replica.token();
  await clock.advance(2 * second, 1);
  const other = aReplica();
  const foreign = await other.token();
  await other.stop();

  const { reads } = keys.counts;
  for (let attempt = 0; attempt < 20; attempt++) assert.equal(await replica.signer.verify(foreign), undefined);
  assert.equal(keys.counts.reads, reads + 1);

  const theirs = other.keys.stored();
  assert.ok(theirs);
  keys.put(theirs);
  assert.equal(await replica.signer.verify(foreign), undefined);
  await clock.advance(second, 1);
  assert.equal((await replica.signer.verify(foreign))?.payload, "{}");
  await replica.stop();
});

test("a damaged record is reported and never written over", async () => {
  const good = await dexKeys(start - day);
  const foreign = await dexKeys(start - day);
  const rsa = await dexKeys(start - day, "RS256");
  const damaged = (change: object): Keys => ({
    ...good,
    signingKey: new Secret({ ...good.signingKey?.reveal(), ...change }),
  });
  const cases: readonly (readonly [Keys, RegExp])[] = [
    [damaged({ x: "AAAA" }), /key [0-9a-f]{40} cannot be read as a public key/],
    [damaged({ d: "%%" }), /private half of key [0-9a-f]{40} does not belong/],
    [damaged({ d: foreign.signingKey?.reveal().d }), /private half of key [0-9a-f]{40} does not belong/],
    [
      { ...good, signingKey: new Secret({ ...rsa.signingKey?.reveal(), p: "" }) },
      /key [0-9a-f]{40} cannot be read as a private key/,
    ],
    [damaged({ kty: "oct" }), /unsupported algorithm/],
    [damaged({ alg: "HS256" }), /unsupported algorithm "HS256"/],
    [
      { ...good, extra: { next: { key: new Secret({ kid: "b", d: "?" }), publishedAt: 0 } } },
      /key b has the unsupported/,
    ],
  ];
  for (const [record, message] of cases) {
    const keys = keysInMemory();
    keys.put(record);
    const replica = aReplica({ keys });
    await assert.rejects(replica.signer.current(), (error) => {
      assert.ok(error instanceof UnavailableError && error.cause instanceof Error);
      assert.match(error.cause.message, message);
      return true;
    });
    await replica.clock.advance(hour, 1);
    assert.equal(keys.stored(), record);
    assert.equal(keys.counts.writes, 0);
    await replica.stop();
  }
});

test("a retired key that cannot be used is left out, kept in storage, and told of once", async () => {
  const keys = keysInMemory();
  const record = {
    ...(await dexKeys(start + hour)),
    verificationKeys: [{ publicKey: { kty: "oct", kid: "odd" }, expiry: start + hour }],
  };
  keys.put(record);
  const replica = aReplica({ keys });
  assert.equal((await replica.kids()).length, 1);
  await replica.clock.advance(minute, 1);
  assert.deepEqual(events(replica), ["warn verification key ignored"]);
  assert.equal(keys.stored(), record);
  await replica.stop();
});

test("keys that an operator deleted are replaced at once", async () => {
  const replica = aReplica();
  const jwt = await replica.token();
  replica.keys.put(undefined);
  await replica.clock.advance(15 * second, 1);
  assert.equal(await replica.signer.verify(jwt), undefined);
  assert.equal((await replica.kids()).length, 1);
  assert.ok(await replica.token());
  await replica.stop();
});

test("run resolves on abort, even while storage hangs", async () => {
  let hang = false;
  const replica = aReplica({ keys: keysInMemory(() => (hang ? new Promise(() => undefined) : Promise.resolve())) });
  await replica.signer.current();
  await replica.clock.asleep(1);
  hang = true;
  await replica.clock.advance(15 * second);
  assert.ok(await replica.token());
  await replica.stop();
});
