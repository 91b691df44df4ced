import assert from "node:assert/strict";
import { test } from "node:test";
import { handClock } from "../../test/fake/hand-clock.ts";
import { createAttemptLimiter } from "../kernel/attempt-limiter.ts";
import { TooManyAttemptsError } from "../kernel/errors.ts";
import { type Decision, millis } from "../kernel/ports.ts";
import { createSealer } from "../kernel/seal.ts";
import { Secret } from "../kernel/secret.ts";
import { quietDeps } from "../storage/conformance/quiet-deps.ts";
import { openMemory } from "../storage/memory/memory.ts";
import type { AttemptPolicy } from "./attempt-count.ts";
import { type Target, targetNames } from "./attempt-target.ts";
import { createAttempts, type Origin } from "./attempts.ts";

const minute = 60_000;
const policy: AttemptPolicy = {
  disabled: false,
  attempts: 3,
  firstLock: millis(minute),
  longestLock: millis(5 * minute),
};
const jane: Target = { kind: "password", connectorId: "ldap", username: "jane" };

/** Two replicas on one store. */
function replicas(change: Partial<AttemptPolicy> = {}, perAddress = 1_000) {
  const clock = handClock();
  const storage = openMemory();
  const { logger } = quietDeps();
  const noted: Decision[] = [];
  const trail = { note: (decision: Decision): void => void noted.push(decision) };
  const names = targetNames(new Uint8Array(32), createSealer(new Secret(new Uint8Array(32))));
  const open = () => {
    const addresses = createAttemptLimiter({ most: perAddress, window: millis(minute) }, clock);
    const attempts = createAttempts({ policy: { ...policy, ...change }, storage, addresses, names, clock });
    const begin = (target = jane, origin: Origin = {}) => attempts.begin(target, origin, { logger, trail });
    return {
      ...attempts,
      begin,
      unlock: (target: Target) => attempts.unlock(target, trail),
      miss: async (target = jane, origin: Origin = {}) => (await begin(target, origin)).wrong(),
    };
  };
  return { clock, storage, noted, one: open(), two: open() };
}

const waits = (seconds: number) => (error: unknown) => {
  assert.ok(error instanceof TooManyAttemptsError);
  assert.equal(error.retryAfter, seconds);
  return true;
};

test("wrong ones lock the account on every replica, each further one for twice as long, up to the longest", async () => {
  const { clock, one, two } = replicas();
  for (const replica of [one, two, one]) await replica.miss();
  for (const minutes of [1, 2, 4, 5, 5]) {
    await assert.rejects(two.begin(), waits(minutes * 60));
    await assert.rejects(one.begin(), waits(minutes * 60));
    await clock.advance(minutes * minute);
    await one.miss();
  }
});

test("a right one begins the count anew, and so does an hour without any", async () => {
  const { clock, one } = replicas();
  await one.miss();
  await one.miss();
  await (await one.begin()).right();
  for (let count = 0; count < 3; count++) await one.miss();
  await assert.rejects(one.begin(), waits(60));
  await clock.advance(61 * minute);
  await one.miss();
  await one.begin();
});

test("one that was never judged counts for nothing", async () => {
  const { one } = replicas({}, 2);
  for (let count = 0; count < 10; count++) await (await one.begin(jane, { address: "192.0.2.1" })).unmade();
  await one.begin();
});

test("a hundred at the same time are a hundred", async () => {
  const { one, two } = replicas();
  const tries = Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? one : two).begin());
  const settled = await Promise.allSettled(tries);
  assert.equal(settled.filter(({ status }) => status === "fulfilled").length, 3);
});

test("an account is one in any letter case and spacing; others are others", async () => {
  const { one } = replicas();
  for (const username of ["Jane", " jane ", "ＪＡＮＥ"]) await one.miss({ ...jane, username });
  await assert.rejects(one.begin(), waits(60));
  await one.begin({ ...jane, username: "joan" });
  await one.begin({ ...jane, connectorId: "other" });
  await one.begin({ kind: "factor", connectorId: "ldap", userId: "jane" });
});

test("accents and what cannot be seen make no other account: some directories pass over them", async () => {
  for (const username of [
    "ja\u00adne",
    "\u200bjane",
    "jane\u200d\ufe0f",
    "ja\u0000ne",
    "jàne",
    "ｊa\u0300nê",
    "Jane\ufeff",
  ]) {
    const { one } = replicas();
    for (let count = 0; count < 3; count++) await one.miss(jane);
    await assert.rejects(one.begin({ ...jane, username }), waits(60), JSON.stringify(username));
  }
});

test("known devices are counted by themselves: a lock from elsewhere does not reach them, nor the other way", async () => {
  const { one } = replicas();
  for (let count = 0; count < 3; count++) await one.miss();
  await assert.rejects(one.begin(), waits(60));
  for (let count = 0; count < 3; count++) await one.miss(jane, { device: "laptop" });
  await assert.rejects(one.begin(jane, { device: "laptop" }), waits(60));
  await one.begin(jane, { device: "phone" });
});

test("a network address has a count of its own, whatever the account; an IPv6 network is one address", async () => {
  const { one } = replicas({}, 4);
  const from = (address: string) => async (username: string) => one.miss({ ...jane, username }, { address });
  for (const host of ["2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::1", "2001:db8:0:0:1:2:3:4"]) {
    await from(host)(`user of ${host}`);
  }
  await assert.rejects(from("2001:db8::9")("somebody"), waits(60));
  await from("2001:db8:0:1::1")("somebody else");
  // Right ones count for nothing.
  for (let count = 0; count < 10; count++) {
    await (await one.begin({ ...jane, username: `u${count}` }, { address: "192.0.2.7" })).right();
  }
});

test("a flood of names from one network leaves no more counts than it has guesses", async () => {
  const { storage, one } = replicas({}, 20);
  const tries = Array.from({ length: 300 }, (_, i) =>
    one.miss({ ...jane, username: `u${i}` }, { address: "192.0.2.1" }),
  );
  await Promise.allSettled(tries);
  assert.equal((await storage.loginAttempts.list()).length, 20);
});

test("what is kept tells no name, and goes after an hour", async () => {
  const { clock, storage, one } = replicas();
  await one.miss({ ...jane, username: "my password by mistake" });
  const [record] = await storage.loginAttempts.list();
  assert.match(record?.id ?? "", /^la[0-9a-f]{64}$/);
  await clock.advance(61 * minute);
  await storage.collectGarbage(clock.now(), 10);
  assert.deepEqual(await storage.loginAttempts.list(), []);
});

test("an administrator sees who is locked, lifts the lock on every replica, and known devices' locks with it", async () => {
  const { clock, noted, one, two } = replicas();
  assert.deepEqual(await one.locks(), []);
  assert.equal(await one.unlock(jane), 0);
  await one.miss({ ...jane, username: "joan" });
  for (let count = 0; count < 3; count++) await one.miss({ ...jane, username: " JANE " });
  for (let count = 0; count < 3; count++) await one.miss(jane, { device: "laptop" });
  const lock = { target: jane, failures: 3, lockedUntil: clock.now() + minute };
  const byDevice = (await two.locks()).toSorted((a, b) => Number(a.isOfKnownDevice) - Number(b.isOfKnownDevice));
  assert.deepEqual(byDevice, [
    { ...lock, isOfKnownDevice: false },
    { ...lock, isOfKnownDevice: true },
  ]);
  assert.equal(await two.unlock(jane), 2);
  assert.deepEqual(await one.locks(), []);
  await one.begin();
  await one.begin(jane, { device: "laptop" });
  const said = noted.map(({ check, outcome, about }) => [check, outcome, about?.user, about?.by]);
  assert.deepEqual(said, [
    ["account.locked", "chose", "jane", "account"],
    ["account.locked", "chose", "jane", "device"],
    ["account.unlocked", "pass", "jane", undefined],
  ]);
});

test("a name is kept, sealed, once it is locked and no sooner: a password typed as a name is typed once", async () => {
  const { storage, one } = replicas();
  const stored = async () => (await storage.loginAttempts.list()).map(({ who }) => who);
  for (let count = 0; count < 2; count++) await one.miss();
  assert.deepEqual(await stored(), [""]);
  await one.miss();
  const [who = ""] = await stored();
  assert.match(who, /^1\./);
  assert.ok(!Buffer.from(who.slice(2), "base64url").includes("jane"));
});

test("a known device is not asked for its network: others there may have spent its tries", async () => {
  const { one } = replicas({}, 3);
  const address = "192.0.2.1";
  for (const username of ["a", "b", "c"]) await one.miss({ ...jane, username }, { address });
  await assert.rejects(one.begin({ ...jane, username: "d" }, { address }), waits(60));
  await one.begin(jane, { address, device: "laptop" });
});

test("switched off, nothing is counted", async () => {
  const { storage, one } = replicas({ disabled: true }, 1);
  for (let count = 0; count < 10; count++) await one.miss(jane, { address: "192.0.2.1" });
  assert.deepEqual(await storage.loginAttempts.list(), []);
});
