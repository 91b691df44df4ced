/**
 * Several servers on one store that takes its time, through two hundred rotations. What must hold at every moment:
 * a token signed by any of them verifies on all of them until it expires, and with every copy of any `/keys` that a
 * client may still have in its cache.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { handClock } from "../../../test/fake/hand-clock.ts";
import { millis } from "../../kernel/ports.ts";
import type { PublicJwk } from "../contract.ts";
import { parseCompactJws } from "../shared/compact-jws.ts";
import { readPublicKey, verifyJws } from "../shared/verification-key.ts";
import { keysInMemory } from "./testing/keys-in-memory.ts";
import { aReplica, type Replica } from "./testing/replica.ts";

const second = 1_000;

interface Snapshot {
  readonly takenAt: number;
  /** Each key's JSON text, so that "the same key" means all of it. */
  readonly keys: ReadonlySet<string>;
}

interface Issued {
  readonly jwt: string;
  readonly expiresAt: number;
}

/** The published key that really verifies `jwt`, found as a client finds it: by kid. */
async function verifyingKey(jwt: string, published: readonly PublicJwk[]): Promise<string> {
  const jws = parseCompactJws(jwt);
  const jwk = published.find(({ kid }) => kid === jws?.kid);
  assert.ok(jws && jwk && (await verifyJws(jws, readPublicKey({ ...jwk }))));
  return JSON.stringify(jwk);
}

/** Numbers that look random and are the same in every run. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

interface Fleet {
  readonly replicas: number;
  readonly rotationPeriod: number;
  readonly tokenLifetime: number;
  /** The slowest that the store gets, in milliseconds on the clock: twice for a read, three times for a write. */
  readonly latency: number;
  /** Time between two looks of the test. */
  readonly step: number;
  readonly rotations: number;
}

async function race({
  replicas: count,
  rotationPeriod,
  tokenLifetime,
  latency,
  step,
  rotations,
}: Fleet): Promise<number> {
  const clock = handClock();
  const roll = dice(count);
  const forever = new AbortController().signal;
  const keys = keysInMemory(() => clock.sleep(millis(roll(latency + 1)), forever));
  const replicas: Replica[] = [];
  const cachePeriod = Math.min(600 * second, rotationPeriod / 2);
  let snapshots: Snapshot[] = [];
  let issued: Issued[] = [];

  const look = async (): Promise<void> => {
    const now = clock.now();
    snapshots = snapshots.filter(({ takenAt }) => now - takenAt <= cachePeriod);
    issued = issued.filter(({ expiresAt }) => now <= expiresAt);
    for (const { signer, token } of replicas) {
      const jwt = await token();
      const published = await signer.publicKeys();
      const key = await verifyingKey(jwt, published);
      for (const { takenAt, keys } of snapshots) assert.ok(keys.has(key), `in a copy ${now - takenAt} ms old`);
      issued.push({ jwt, expiresAt: now + tokenLifetime });
      snapshots.push({ takenAt: now, keys: new Set(published.map((jwk) => JSON.stringify(jwk))) });
    }
    // The oldest are the ones in danger; one of the others besides.
    const sample = [...issued.slice(0, count), issued[roll(issued.length)]];
    for (const token of sample) {
      for (const { signer, kids } of replicas) {
        // Looked at first, because verifying with an unknown key waits for the store, which waits for the clock.
        const kid = token && parseCompactJws(token.jwt)?.kid;
        assert.ok(kid && (await kids()).includes(kid), `key ${kid} is gone while its token lives`);
        assert.ok(await signer.verify(token.jwt));
      }
    }
  };

  // All at once on an empty store, so that they race for the first key.
  for (let index = 0; index < count; index++) replicas.push(aReplica({ clock, keys, rotationPeriod, tokenLifetime }));
  await clock.advance(4 * latency, count);
  const end = clock.now() + rotations * rotationPeriod;
  while (clock.now() < end) {
    await look();
    await clock.advance(1 + roll(2 * step), count);
  }

  const logged = replicas.flatMap(({ log }) => log.lines);
  assert.deepEqual(
    logged.filter(({ level }) => level === "warn" || level === "error"),
    [],
  );
  const rotated = logged.filter(({ event }) => event === "keys rotated").map(({ fields }) => fields.kid);
  assert.equal(new Set(rotated).size, rotated.length, "each change was written by exactly one of them");
  const signed = new Set(keys.history.map(({ signingKey }) => signingKey?.reveal().kid));
  const published = new Set(keys.history.flatMap(({ extra }) => extra?.next?.key.reveal().kid ?? []));
  const wasted = [...published].filter((kid) => !signed.has(kid));
  assert.ok(wasted.length <= 1, "no published key is written over; the last one still waits");
  const lost = logged.filter(({ event }) => event === "key rotation not needed");
  assert.ok(lost.length > 0, "they did race");
  assert.ok(lost.every(({ fields }) => fields.err === "keys already rotated by another server instance"));
  const stopping = replicas.map(({ stop }) => stop());
  await clock.advance(4 * latency);
  await Promise.all(stopping);
  return rotated.length;
}

const fast = { rotationPeriod: 5 * second, tokenLifetime: 21 * second, latency: 200, rotations: 200 };

test("two replicas, 5 s and 21 s, two hundred rotations", async () => {
  const rotated = await race({ ...fast, replicas: 2, step: 450 });
  // Each rotation is timed from the last one, whose writing took a moment.
  assert.ok(rotated > 180, `${rotated}`);
});

test("three replicas, 5 s and 21 s, two hundred rotations", async () => {
  const rotated = await race({ ...fast, replicas: 3, step: 700 });
  assert.ok(rotated > 180, `${rotated}`);
});

test("three replicas, 15 min and 1 h, where the cache period is half the rotation period", async () => {
  const slow = { rotationPeriod: 900 * second, tokenLifetime: 3_600 * second, latency: 3 * second, rotations: 25 };
  const rotated = await race({ ...slow, replicas: 3, step: 30 * second });
  assert.ok(rotated > 22, `${rotated}`);
});
