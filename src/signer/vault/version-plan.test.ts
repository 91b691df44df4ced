import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { millis } from "../../kernel/ports.ts";
import { readTransitKey, type TransitKey } from "./transit-key.ts";
import { planVersions } from "./version-plan.ts";

const pems = Array.from({ length: 4 }, () =>
  generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "pem", type: "spki" }).toString(),
);
const schedule = { cache: millis(100), slack: millis(20), retention: millis(1_000) };
const lead = 120;
const start = 1_000_000;

/** Versions 1, 2, … made at these times. */
function keyOf(times: readonly (number | undefined)[], bounds: object = {}): TransitKey {
  const keys = Object.fromEntries(
    times.map((at, index) => [
      String(index + 1),
      { public_key: pems[index], ...(at === undefined ? {} : { creation_time: new Date(at).toISOString() }) },
    ]),
  );
  return readTransitKey({ data: { latest_version: times.length, keys, ...bounds } });
}

const plan = (key: TransitKey, now: number, noticed: number | undefined = undefined) => {
  const { signing, shown, until } = planVersions(
    key,
    (kid) => (kid === key.versions.at(-1)?.jwk.kid ? noticed : undefined),
    now,
    schedule,
  );
  return { signing: signing.version, shown: shown.map(({ version }) => version), until };
};

test("a key's first version signs at once", () => {
  assert.deepEqual(plan(keyOf([start]), start), { signing: 1, shown: [1], until: Infinity });
});

test("the next is shown first, signs a lead after it was made, and the one before fades a token's life later", () => {
  const key = keyOf([0, start]);
  assert.deepEqual(plan(key, start + lead - 1), { signing: 1, shown: [1, 2], until: start + lead });
  const ends = start + 2 * lead + 1_000;
  assert.deepEqual(plan(key, start + lead), { signing: 2, shown: [2, 1], until: ends + 1 });
  assert.deepEqual(plan(key, ends), { signing: 2, shown: [2, 1], until: ends + 1 });
  assert.deepEqual(plan(key, ends + 1), { signing: 2, shown: [2], until: Infinity });
});

test("seen within the slack it is on time; seen later it waits for the copies of its own key set, at most a lead more", () => {
  const key = keyOf([0, start]);
  assert.equal(plan(key, start + lead, start + 20).signing, 2);
  assert.equal(plan(key, start + lead, start + 50).signing, 1);
  assert.equal(plan(key, start + 150, start + 50).signing, 2);
  assert.equal(plan(key, start + 2 * lead, start + 230).signing, 2);
});

test("two at once: both are shown, and each has its turn", () => {
  const key = keyOf([0, start, start + 50]);
  assert.deepEqual(plan(key, start + 60).shown, [1, 2, 3]);
  assert.deepEqual(plan(key, start + lead).shown, [2, 3, 1]);
  assert.deepEqual(plan(key, start + lead + 50).shown, [3, 2, 1]);
});

test("no version signs that Vault would refuse", () => {
  assert.equal(plan(keyOf([0, start], { min_encryption_version: 2 }), start + 1).signing, 2);
  assert.equal(plan(keyOf([0, start, start], { min_decryption_version: 2 }), start + 1).signing, 2);
});

test("without times from Vault whatever was there at the start counts as old", () => {
  assert.equal(plan(keyOf([undefined, undefined]), start).signing, 2);
  assert.deepEqual(plan(keyOf([undefined, undefined]), start).shown, [2, 1]);
  assert.equal(plan(keyOf([undefined, undefined]), start, start).signing, 1);
});

test("always: one signs, each is shown at most once, whoever signed lately is shown, and time says when to look again", () => {
  const times = fc.array(fc.integer({ min: start - 2_000, max: start }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(times, fc.nat(4_000), (unsorted, later) => {
      const key = keyOf(unsorted.sort((a, b) => a - b));
      const now = start + later;
      const { signing, shown, until } = plan(key, now);
      assert.equal(shown[0], signing);
      assert.equal(new Set(shown).size, shown.length);
      assert.ok(until > now);
      const before = plan(key, now - 1_000).signing;
      assert.ok(shown.includes(before), `${before} signed a token that lives still`);
      if (until !== Infinity) assert.deepEqual(plan(key, until - 1).shown, shown);
    }),
  );
});

test("what Vault answers is read or refused, whatever it is", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.anything(), fc.record({ data: fc.record({ latest_version: fc.nat(), keys: fc.object() }) })),
      (body) => {
        try {
          assert.ok(readTransitKey(body).versions.length > 0);
        } catch (error) {
          assert.ok(error instanceof Error);
        }
      },
    ),
  );
});

for (const [what, body, why] of [
  ["no Transit key", { data: {} }, /describes no Transit key/],
  [
    "a symmetric key",
    { data: { latest_version: 1, keys: { 1: 1_442_851_412 } } },
    /latest key version 1 cannot be used: version 1: it has no public key/,
  ],
  ["a derived key", { data: { latest_version: 1, derived: true, keys: {} } }, /the key is derived/],
  [
    "a latest version that is not there",
    { data: { latest_version: 2, keys: { 1: { public_key: pems[0] } } } },
    /latest key version 2 cannot be used: not in its list/,
  ],
  [
    "no key at all",
    { data: { latest_version: 1, keys: { 1: { public_key: "AAAA" } } } },
    /it has no readable public key/,
  ],
] as const) {
  test(`refuses ${what}`, () => assert.throws(() => readTransitKey(body), why));
}

test("a version that cannot be read is left out, and named", () => {
  const { versions, unreadable } = readTransitKey({
    data: { latest_version: 2, keys: { 1: { public_key: "AAAA" }, 2: { public_key: pems[0] } } },
  });
  assert.deepEqual(
    [versions.map(({ version }) => version), unreadable],
    [[2], ["version 1: it has no readable public key"]],
  );
});

test("an Ed25519 key is read as 32 bytes, as DER and as PEM", () => {
  const { publicKey } = generateKeyPairSync("ed25519");
  const bare = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url").toString("base64");
  const der = publicKey.export({ format: "der", type: "spki" }).toString("base64");
  const pem = publicKey.export({ format: "pem", type: "spki" }).toString();
  const kids = [bare, der, pem].map(
    (public_key) => readTransitKey({ data: { latest_version: 1, keys: { 1: { public_key } } } }).versions[0]?.jwk.kid,
  );
  assert.equal(new Set(kids).size, 1);
  assert.ok(kids[0] !== undefined);
});

test("the kid of RFC 7638's own key is the one that the RFC prints", () => {
  const n =
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
  const public_key = createPublicKey({ key: { kty: "RSA", n, e: "AQAB" }, format: "jwk" })
    .export({ format: "pem", type: "spki" })
    .toString();
  const [version] = readTransitKey({ data: { latest_version: 1, keys: { 1: { public_key } } } }).versions;
  assert.equal(version?.jwk.kid, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
});
