import assert from "node:assert/strict";
import { test } from "node:test";
import { millis } from "../../kernel/ports.ts";
import { Secret } from "../../kernel/secret.ts";
import type { Keys, StoredJwk } from "../../storage/records.ts";
import { advance, dueStep, keysAt, nextChangeAt, nextStepAt, noKeys, scheduleFor } from "./rotation-plan.ts";

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const tenMinutes = millis(10 * minute);

/** The planner looks at no key material but `d`. */
const aKey = (kid: string): StoredJwk => ({ use: "sig", kty: "EC", kid, d: "private" });
const fresh = (kid: string): Secret<StoredJwk> => new Secret(aKey(kid));
const pub = (kid: string): StoredJwk => ({ use: "sig", kty: "EC", kid });
const someKeys = (more: Partial<Keys> = {}): Keys => ({
  signingKey: fresh("now"),
  signingKeyPub: pub("now"),
  verificationKeys: [],
  nextRotation: 6 * hour,
  ...more,
});
const published = (kid: string, publishedAt = 0): Pick<Keys, "extra"> => ({
  extra: { next: { key: fresh(kid), publishedAt } },
});
const schedule = scheduleFor(millis(6 * hour), millis(24 * hour), tenMinutes);
const plain = (keys: Keys): unknown => ({
  signs: keys.signingKey?.reveal().kid,
  shown: keys.signingKeyPub?.kid,
  next: keys.extra?.next?.key.reveal().kid,
  retired: keys.verificationKeys.map(({ publicKey, expiry }) => [publicKey.kid, expiry]),
  at: keys.nextRotation,
});

test("a key is public for a cache period and twice the slack, however short the rotation period", () => {
  const cases: readonly (readonly [period: number, lifetime: number, expected: readonly number[]])[] = [
    // period, retention, lead, slack
    [6 * hour, 24 * hour, [6 * hour, 24 * hour, 10 * minute + 30 * second, 15 * second]],
    [24 * hour, 10 * minute, [24 * hour, 10 * minute, 10 * minute + 30 * second, 15 * second]],
    [5 * second, 21 * second, [5 * second, 21 * second, 3_750, 625]],
    [15 * minute, hour, [15 * minute, hour, 8 * minute, 15 * second]],
    [0, hour, [30 * second, hour, 22_500, 3_750]],
    [-hour, hour, [30 * second, hour, 22_500, 3_750]],
    [1, hour, [5 * second, hour, 3_750, 625]],
    [6 * hour, 0, [6 * hour, 24 * hour, 10 * minute + 30 * second, 15 * second]],
    [6 * hour, -hour, [6 * hour, -hour, 10 * minute + 30 * second, 15 * second]],
  ];
  for (const [period, lifetime, expected] of cases) {
    const made = scheduleFor(millis(period), millis(lifetime), tenMinutes);
    assert.deepEqual([made.period, made.retention, made.lead, made.slack], expected, `${period}/${lifetime}`);
    assert.ok(made.lead < made.period);
  }
});

test("each state of the record asks for its one step", () => {
  const publicOnly = { signingKey: new Secret(pub("now")) };
  const { signingKey: _, ...withoutSigningKey } = someKeys();
  const old = { verificationKeys: [{ publicKey: pub("old"), expiry: hour }] };
  const publication = 6 * hour - schedule.lead;
  const cases: readonly (readonly [what: string, keys: Keys, now: number, step: ReturnType<typeof dueStep>])[] = [
    ["nothing stored", noKeys, 0, "install"],
    ["no signing key", withoutSigningKey, 0, "install"],
    ["a signing key without its private half", someKeys(publicOnly), 0, "install"],
    ["the same with a published one", someKeys({ ...publicOnly, ...published("next") }), 0, "promote"],
    ["long before the rotation", someKeys(), publication - 1, undefined],
    ["one lead before the rotation", someKeys(), publication, "publish"],
    ["after it, nothing published: Dex's record", someKeys(), 100 * hour, "publish"],
    ["published, too early", someKeys(published("next")), 6 * hour - 1, undefined],
    ["published, on time", someKeys(published("next")), 6 * hour, "promote"],
    ["a retired key at its expiry", someKeys(old), hour, undefined],
    ["a retired key after its expiry", someKeys(old), hour + 1, "prune"],
  ];
  for (const [what, keys, now, step] of cases) assert.equal(dueStep(keys, now, schedule), step, what);
});

test("install: the first key signs at once, and what only verified is kept", () => {
  assert.deepEqual(plain(advance(noKeys, 100, schedule, fresh("a"))), {
    signs: "a",
    shown: "a",
    next: undefined,
    retired: [],
    at: 100 + 6 * hour,
  });
  const { signingKey: _, ...withoutSigningKey } = someKeys();
  assert.deepEqual(plain(advance(withoutSigningKey, 100, schedule, fresh("a"))), {
    signs: "a",
    shown: "a",
    next: undefined,
    retired: [["now", 100 + 24 * hour]],
    at: 100 + 6 * hour,
  });
});

test("publish: on time the rotation stays where it was, late it waits for a whole lead", () => {
  const onTime = advance(someKeys(), 6 * hour - schedule.lead, schedule, fresh("b"));
  assert.deepEqual(plain(onTime), { signs: "now", shown: "now", next: "b", retired: [], at: 6 * hour });
  const late = advance(someKeys(), 7 * hour, schedule, fresh("b"));
  assert.deepEqual(plain(late), { signs: "now", shown: "now", next: "b", retired: [], at: 7 * hour + schedule.lead });
  assert.equal(late.extra?.next?.publishedAt, 7 * hour);
});

test("promote: the public half of the old key verifies for a token's life, its private half is gone", () => {
  const before = someKeys({ ...published("b"), verificationKeys: [{ publicKey: pub("gone"), expiry: hour }] });
  const after = advance(before, 6 * hour, schedule);
  assert.deepEqual(plain(after), {
    signs: "b",
    shown: "b",
    next: undefined,
    retired: [["now", 30 * hour]],
    at: 12 * hour,
  });
  assert.equal(after.verificationKeys[0]?.publicKey.d, undefined);
  assert.equal(after.signingKeyPub?.d, undefined);
  assert.ok(!("extra" in after));
});

test("a step that is no longer due, or lacks its key, returns the record itself", () => {
  const rotated = someKeys(published("b"));
  assert.equal(advance(rotated, hour, schedule, fresh("loser")), rotated);
  const waiting = someKeys();
  assert.equal(advance(waiting, 6 * hour, schedule), waiting);
  assert.equal(advance(noKeys, 0, schedule), noKeys);
});

test("past nextRotation the published key counts as signing before anybody wrote so", () => {
  const stored = someKeys(published("b"));
  assert.equal(keysAt(stored, 6 * hour - 1, schedule).signingKey?.reveal().kid, "now");
  // However late the view is opened, the old key's time counts from the moment it stopped signing.
  const expected = { signs: "b", shown: "b", next: undefined, retired: [["now", 30 * hour]], at: 12 * hour };
  assert.deepEqual(plain(keysAt(stored, 6 * hour, schedule)), expected);
  assert.deepEqual(plain(keysAt(stored, 30 * hour, schedule)), expected);
  assert.deepEqual(plain(keysAt(stored, 30 * hour + 1, schedule)), { ...expected, retired: [] });
});

test("knows when it must act, and when the view changes", () => {
  const retired = { verificationKeys: [{ publicKey: pub("old"), expiry: 5 * hour }] };
  const cases: readonly (readonly [what: string, keys: Keys, step: number, change: number])[] = [
    ["nothing published", someKeys(), 6 * hour - schedule.lead, Infinity],
    ["published", someKeys(published("b")), 6 * hour, 6 * hour],
    ["a key expires first", someKeys(retired), 5 * hour + 1, 5 * hour + 1],
    ["a key expires first, published", someKeys({ ...retired, ...published("b") }), 5 * hour + 1, 5 * hour + 1],
  ];
  for (const [what, keys, step, change] of cases) {
    assert.equal(nextStepAt(keys, schedule), step, what);
    assert.equal(nextChangeAt(keys), change, what);
  }
});
