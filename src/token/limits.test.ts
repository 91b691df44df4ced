import assert from "node:assert/strict";
import { test } from "node:test";
import { handClock } from "../../test/fake/hand-clock.ts";
import { TooManyAttemptsError } from "../kernel/errors.ts";
import type { Decision } from "../kernel/ports.ts";
import { createLimits, keepLimiters, type LimitChoices, type LimitKind } from "./limits.ts";

const choices: LimitChoices = { attemptsPerAddress: 100, signupsPerHour: 20, guessesAreUnlimited: false };

function aLimited(change: Partial<LimitChoices> = {}) {
  const clock = handClock();
  const noted: Decision[] = [];
  const trail = { note: (decision: Decision): void => void noted.push(decision) };
  const open = keepLimiters(clock);
  const create = (more: Partial<LimitChoices> = {}) => createLimits({ ...choices, ...change, ...more }, open);
  const limits = create();
  const sender = (address: string, what = "") => ({ address, what, trail });
  /** How many tries are let through until one is not; at most a thousand. */
  const allowed = (kind: LimitKind, address: string, what = ""): number => {
    let count = 0;
    while (count < 1_000 && limits.isAllowed(kind, sender(address, what))) count++;
    return count;
  };
  return { clock, noted, limits, sender, allowed, create };
}

test("each kind has its own number of tries and its own wait, which the trail tells", async () => {
  const { clock, noted, limits, sender, allowed } = aLimited();
  const expected = {
    client: [20, 60],
    user_code: [20, 300],
    device: [100, 60],
    mail_link: [20, 300],
    signup: [20, 3600],
    mail: [20, 3600],
  };
  for (const [kind, [most, wait]] of Object.entries(expected) as [LimitKind, [number, number]][]) {
    assert.equal(allowed(kind, "192.0.2.1"), most, kind);
    assert.throws(
      () => limits.begin(kind, sender("192.0.2.1")),
      (error) => error instanceof TooManyAttemptsError && error.retryAfter === wait,
    );
    const { check, outcome, about } = noted.at(-1) ?? {};
    assert.deepEqual([check, outcome, about], ["attempts.allowed", "fail", { kind, by: "address" }]);
  }
  await clock.advance(60_000);
  // The second time in a row the wait is twice as long.
  assert.equal(allowed("client", "192.0.2.1"), 20);
  await clock.advance(60_000);
  assert.equal(allowed("client", "192.0.2.1"), 0);
});

test("a network is one place, and clients and mailboxes are counted apart", () => {
  const { allowed } = aLimited();
  assert.equal(allowed("client", "2001:db8::1", "app"), 20);
  assert.equal(allowed("client", "2001:db8::2", "app"), 0);
  assert.equal(allowed("client", "2001:db8::2", "other"), 20);
  assert.equal(allowed("client", "2001:db8:1::1", "app"), 20);
  assert.equal(allowed("mailbox", "192.0.2.1", "a@example.com"), 3);
  assert.equal(allowed("mailbox", "192.0.2.2", "a@example.com"), 0);
  assert.equal(allowed("mailbox", "192.0.2.1", "b@example.com"), 3);
});

test("what was right is taken back, and a changed configuration forgives nobody", () => {
  const { limits, sender, allowed, create } = aLimited();
  for (let count = 0; count < 50; count++) limits.begin("user_code", sender("192.0.2.1")).takeBack();
  assert.equal(allowed("user_code", "192.0.2.1"), 20);
  assert.equal(create({ signupsPerHour: 5 }).isAllowed("user_code", sender("192.0.2.1")), false);
});

test("where guesses are unlimited, sign-ups and mails are not", () => {
  const { allowed } = aLimited({ guessesAreUnlimited: true });
  for (const kind of ["client", "user_code", "mail_link"] as const) assert.equal(allowed(kind, "192.0.2.1"), 1_000);
  assert.deepEqual([allowed("signup", "192.0.2.1"), allowed("mail", "192.0.2.1")], [20, 20]);
});
