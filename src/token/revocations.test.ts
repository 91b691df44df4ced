import assert from "node:assert/strict";
import { test } from "node:test";
import { handClock } from "../../test/fake/hand-clock.ts";
import { systemRandom } from "../kernel/system.ts";
import { openMemory } from "../storage/memory/memory.ts";
import type { RevokedToken } from "../storage/records.ts";
import { grantTagOf, newTokenId } from "./grant-tag.ts";
import { marksOf, openRevocations, personMark, type Revocable, sessionMark } from "./revocations.ts";

const token = (
  jti: string,
  { issuedAt = 1_000, ...of }: { sid?: string; sub?: string; issuedAt?: number } = {},
): Revocable => ({ marks: marksOf({ jti, ...of }), issuedAt });
const newId = (): string => newTokenId(systemRandom);

/** Two replicas on one store, and how often the store was asked. */
function replicas() {
  const clock = handClock();
  const storage = openMemory();
  let reads = 0;
  const counted = {
    revokedTokens: {
      ...storage.revokedTokens,
      create: (record: Parameters<typeof storage.revokedTokens.create>[0]) => storage.revokedTokens.create(record),
      update: (id: string, change: (record: RevokedToken) => RevokedToken) => storage.revokedTokens.update(id, change),
      get: (id: string) => {
        reads++;
        return storage.revokedTokens.get(id);
      },
    },
  } as Pick<typeof storage, "revokedTokens">;
  return {
    clock,
    storage,
    one: openRevocations(counted, clock),
    two: openRevocations(counted, clock),
    reads: () => reads,
  };
}

test("a token is revoked at once here, and within a second on another replica", async () => {
  const { clock, one, two } = replicas();
  const jti = newId();
  assert.equal(await one.isRevoked(token(jti)), false);
  assert.equal(await two.isRevoked(token(jti)), false);
  await one.revoke(jti, clock.now() + 60_000);
  assert.equal(await one.isRevoked(token(jti)), true);
  await clock.advance(1_000);
  assert.equal(await two.isRevoked(token(jti)), true);
  assert.equal(await two.isRevoked(token(newId())), false);
});

test("the tag of a grant revokes all of its tokens and no other's", async () => {
  const { clock, one, two } = replicas();
  const tag = grantTagOf(new Uint8Array(32), "family");
  await one.revoke(tag, clock.now() + 60_000);
  for (const replica of [one, two]) {
    assert.equal(await replica.isRevoked(token(newTokenId(systemRandom, tag))), true);
    assert.equal(await replica.isRevoked(token(newId())), false);
  }
});

test("a token that is shown again and again is asked for twice a second at most", async () => {
  const { clock, one, reads } = replicas();
  const jti = newId();
  for (let use = 0; use < 100; use++) {
    await clock.advance(10);
    await one.isRevoked(token(jti));
  }
  assert.ok(reads() <= 4, `${reads()} reads`);
});

test("a clock that is set back makes no answer young", async () => {
  const { clock, one, two, storage } = replicas();
  const jti = newId();
  await clock.advance(10_000);
  assert.equal(await two.isRevoked(token(jti)), false);
  await one.revoke(jti, clock.now() + 60_000);
  assert.equal((await storage.revokedTokens.list()).length, 1);
  await clock.advance(-5_000);
  assert.equal(await two.isRevoked(token(jti)), true);
});

test("revoking twice is one record, and what has expired is none", async () => {
  const { clock, one, two, storage } = replicas();
  const jti = newId();
  await Promise.all([one, two, one, two].map((each) => each.revoke(jti, clock.now() + 60_000)));
  await one.revoke(newId(), clock.now() - 1);
  assert.deepEqual(
    (await storage.revokedTokens.list()).map(({ id }) => id),
    [jti],
  );
});

test("a slow read does not bring a token back that was revoked meanwhile", async () => {
  const clock = handClock();
  const storage = openMemory();
  const gate = Promise.withResolvers<undefined>();
  const slow = { revokedTokens: { ...storage.revokedTokens, get: () => gate.promise, create: async () => {} } };
  const revocations = openRevocations(slow, clock);
  const jti = newId();
  const asked = revocations.isRevoked(token(jti));
  await revocations.revoke(jti, clock.now() + 60_000);
  gate.resolve(undefined);
  assert.equal(await asked, true);
  assert.equal(await revocations.isRevoked(token(jti)), true);
});

test("a session's mark revokes its tokens, and no other's", async () => {
  const { clock, one, two } = replicas();
  const of = (sid?: string) => token(newId(), sid === undefined ? {} : { sid });
  assert.equal(await two.isRevoked(of("s1")), false);
  await one.revoke(sessionMark("s1"), clock.now() + 60_000);
  assert.equal(await one.isRevoked(of("s1")), true);
  await clock.advance(1_000);
  assert.equal(await two.isRevoked(of("s1")), true);
  for (const other of [of("s2"), of()]) assert.equal(await two.isRevoked(other), false);
});

test("a person's mark revokes what they had; who comes back has tokens that count, until they are revoked again", async () => {
  const { clock, one, two } = replicas();
  const issuedNow = () => token(newId(), { sub: "jane", issuedAt: clock.now() });
  const first = issuedNow();
  await one.revoke(personMark("jane"), clock.now() + 60_000, clock.now());
  for (const replica of [one, two]) assert.equal(await replica.isRevoked(first), true);
  await clock.advance(1_000);
  const second = issuedNow();
  for (const replica of [one, two]) assert.equal(await replica.isRevoked(second), false);
  await one.revoke(personMark("jane"), clock.now() + 60_000, clock.now());
  await clock.advance(1_000);
  for (const replica of [one, two]) {
    for (const dead of [first, second]) assert.equal(await replica.isRevoked(dead), true);
    assert.equal(await replica.isRevoked(issuedNow()), false);
    assert.equal(await replica.isRevoked(token(newId(), { sub: "joan", issuedAt: 0 })), false);
  }
});

test("a database that is away is one failure, which the caller hears", async () => {
  const away = { revokedTokens: { get: () => Promise.reject(new Error("away")) } };
  const revocations = openRevocations(away as never, handClock());
  await assert.rejects(revocations.isRevoked(token(newId(), { sid: "s", sub: "p" })), /away/);
});
