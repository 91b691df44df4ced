/** What happens to the keys on one replica, as the others see it: within a second, and with a store that is away. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { handClock } from "../../../test/fake/hand-clock.ts";
import { UnavailableError } from "../../kernel/errors.ts";
import { lookEvery } from "../shared/watched-keys.ts";
import { keysInMemory } from "./testing/keys-in-memory.ts";
import { aReplica, away, type Replica } from "./testing/replica.ts";

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const lead = 10 * minute + 30 * second;

/** Replicas on one clock and one store, which have their first key. */
async function fleet(count: number): Promise<readonly Replica[]> {
  const [clock, keys] = [handClock(), keysInMemory()];
  const replicas = [];
  for (let number = 0; number < count; number++) {
    const replica = aReplica({ clock, keys, every: lookEvery });
    await replica.signer.current();
    replicas.push(replica);
  }
  await clock.asleep(count);
  return replicas;
}

const stop = (replicas: readonly Replica[]): Promise<unknown> => Promise.all(replicas.map((replica) => replica.stop()));

test("a rotation that is asked of one is public on all within a second, and all change over at the moment it names", async () => {
  const replicas = await fleet(3);
  const [first, ...others] = replicas;
  assert.ok(first);
  const { clock } = first;
  const asked = clock.now();
  const [old] = await first.kids();
  const signsFrom = await first.signer.rotate?.();
  assert.equal(signsFrom, asked + lead);
  const [signing, next, ...more] = await first.kids();
  assert.deepEqual([signing, more], [old, []]);
  assert.ok(next, "public where it was asked for when the answer comes");
  await clock.advance(second, 3);
  for (const other of others) assert.deepEqual(await other.kids(), [old, next]);
  for (const other of others) assert.equal(await other.signer.rotate?.(), signsFrom, "asked again, nothing changes");

  await clock.advance(lead - second - 1, 3);
  for (const { signer } of replicas) assert.equal((await signer.current()).kid, old);
  await clock.advance(1);
  for (const { signer } of replicas) assert.equal((await signer.current()).kid, next);
  await stop(replicas);
});

test("asked of all at once it is one rotation", async () => {
  const replicas = await fleet(3);
  const times = await Promise.all(replicas.map(({ signer }) => signer.rotate?.()));
  assert.deepEqual(new Set(times).size, 1);
  const shown = await Promise.all(replicas.map(({ kids }) => kids()));
  assert.equal(new Set(shown.flat()).size, 2, "the key that signs, and one that will");
  await stop(replicas);
});

test("asked while the store is away it is refused, and the keys stay as they are", async () => {
  const [replica] = await fleet(1);
  assert.ok(replica);
  const before = replica.keys.stored();
  replica.keys.fail(away);
  await assert.rejects(async () => replica.signer.rotate?.(), UnavailableError);
  assert.equal(replica.keys.stored(), before);
  await replica.stop();
});

test("a token that another signed with a key that nobody has seen verifies at once", async () => {
  const replicas = await fleet(2);
  const [one, other] = replicas;
  assert.ok(one && other);
  // An operator throws the keys away after a theft, and one server starts anew: its first key signs at once.
  one.keys.put(undefined);
  const fresh = aReplica({ clock: one.clock, keys: one.keys, every: lookEvery });
  const token = await fresh.token();
  const asked = replicas.flatMap(({ signer }) => Array.from({ length: 10 }, () => signer.verify(token)));
  for (const verified of await Promise.all(asked)) assert.ok(verified, "not only at the next look");
  await stop([...replicas, fresh]);
});

test("a store that is away is asked no more often than one that is there, told of once, and so is its return", async () => {
  const [replica] = await fleet(1);
  assert.ok(replica);
  const { clock, keys, log } = replica;
  const told = log.lines.length;
  const { attempts } = keys.counts;
  keys.fail(away);
  await clock.advance(hour, 1);
  const asked = keys.counts.attempts - attempts;
  assert.ok(asked >= 3_600 && asked <= 5_200, `${asked} looks an hour`);
  keys.fail(undefined);
  await clock.advance(minute, 1);
  assert.deepEqual(
    log.lines.slice(told).map(({ level, event }) => `${level} ${event}`),
    ["error failed to rotate keys", "info the signing keys can be read again"],
  );
  await replica.stop();
});
