import assert from "node:assert/strict";
import { test } from "node:test";
import { handClock } from "../../test/fake/hand-clock.ts";
import { systemRandom } from "../kernel/system.ts";
import { openMemory } from "../storage/memory/memory.ts";
import { grantTagOf, newTokenId } from "./grant-tag.ts";
import { openRevocations } from "./revocations.ts";

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
  assert.equal(await one.isRevoked(jti), false);
  assert.equal(await two.isRevoked(jti), false);
  await one.revoke(jti, clock.now() + 60_000);
  assert.equal(await one.isRevoked(jti), true);
  await clock.advance(1_000);
  assert.equal(await two.isRevoked(jti), true);
  assert.equal(await two.isRevoked(newId()), false);
});

test("the tag of a grant revokes all of its tokens and no other's", async () => {
  const { clock, one, two } = replicas();
  const tag = grantTagOf(new Uint8Array(32), "family");
  await one.revoke(tag, clock.now() + 60_000);
  for (const replica of [one, two]) {
    assert.equal(await replica.isRevoked(newTokenId(systemRandom, tag)), true);
    assert.equal(await replica.isRevoked(newId()), false);
  }
});

test("a token that is shown again and again is asked for twice a second at most", async () => {
  const { clock, one, reads } = replicas();
  const jti = newId();
  for (let use = 0; use < 100; use++) {
    await clock.advance(10);
    await one.isRevoked(jti);
  }
  assert.ok(reads() <= 4, `${reads()} reads`);
});

test("a clock that is set back makes no answer young", async () => {
  const { clock, one, two, storage } = replicas();
  const jti = newId();
  await clock.advance(10_000);
  assert.equal(await two.isRevoked(jti), false);
  await one.revoke(jti, clock.now() + 60_000);
  assert.equal((await storage.revokedTokens.list()).length, 1);
  await clock.advance(-5_000);
  assert.equal(await two.isRevoked(jti), true);
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
  const asked = revocations.isRevoked(jti);
  await revocations.revoke(jti, clock.now() + 60_000);
  gate.resolve(undefined);
  assert.equal(await asked, true);
  assert.equal(await revocations.isRevoked(jti), true);
});
