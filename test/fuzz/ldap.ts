/**
 * Throws junk at everything that reads what a directory or a person wrote: `bin/node test/fuzz/ldap.ts [COUNT] [SEED]`.
 * Each target must return or refuse in its own words, at once, whatever the bytes. The first failure prints its seed.
 */
import assert from "node:assert/strict";
import { readConnectorData } from "../../src/connector/ldap/connector-data.ts";
import { sameDn } from "../../src/connector/ldap/dn.ts";
import { identityOf, type UserSearch, userFilter } from "../../src/connector/ldap/user-search.ts";
import { BerError, BerReader, element, integer, octets, sequence } from "../../src/connector/ldap/wire/ber.ts";
import { escapeFilterValue } from "../../src/connector/ldap/wire/escape.ts";
import { FilterError, parseFilter } from "../../src/connector/ldap/wire/filter.ts";
import { decodeMessage, nextPage, pagedResults, passwordPolicyError } from "../../src/connector/ldap/wire/message.ts";
import { Secret } from "../../src/kernel/secret.ts";

/** Numbers from 0 to `below`, the same for the same seed. */
type Dice = (below: number) => number;

/** mulberry32: small, fast, and good enough to break things. */
function diceOf(seed: number): Dice {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const bytes = (dice: Dice, most: number): Buffer =>
  Buffer.from(Array.from({ length: dice(most + 1) }, () => dice(256)));

const awkward = [
  "\\",
  "*",
  "(",
  ")",
  "\0",
  ",",
  "+",
  '"',
  "=",
  "#",
  " ",
  "\\2a",
  "\\00",
  "é",
  "\ud83d\ude00",
  "\ud800",
  "a",
  "cn=",
  ";",
  "&",
  "|",
  "!",
  ":=",
  "<=",
  "~=",
];
const text = (dice: Dice, most: number): string =>
  Array.from({ length: dice(most + 1) }, () => awkward[dice(awkward.length)] ?? "").join("");

function aMessage(dice: Dice): Buffer {
  const values = Array.from({ length: dice(4) }, () => octets(bytes(dice, 8)));
  const attributes = Array.from({ length: dice(4) }, () => sequence(octets(text(dice, 3)), element(0x31, ...values)));
  const result = Buffer.concat([integer(dice(90), 0x0a), octets(""), octets(text(dice, 5))]);
  const operations = [
    element(0x61, result),
    element(0x64, octets(text(dice, 5)), sequence(...attributes)),
    element(0x65, result),
    element(0x73, octets("ldap://x")),
    element(0x78, result),
  ];
  const { oid, value = "" } = pagedResults(dice(1000), bytes(dice, 8));
  const control = sequence(
    octets(dice(2) === 0 ? oid : "1.3.6.1.4.1.42.2.27.8.5.1"),
    octets(dice(2) === 0 ? value : bytes(dice, 12)),
  );
  return sequence(
    integer(dice(1 << 20)),
    operations[dice(operations.length)] ?? result,
    ...(dice(2) === 0 ? [element(0xa0, control)] : []),
  );
}

/** A good message with a few bytes changed, cut or doubled. */
function spoilt(dice: Dice, good: Buffer): Buffer {
  let bad = Buffer.from(good);
  for (let changes = dice(4); changes >= 0 && bad.length > 0; changes--) {
    const at = dice(bad.length);
    const kind = dice(3);
    if (kind === 0) bad[at] = dice(256);
    else if (kind === 1) bad = bad.subarray(0, at);
    else bad = Buffer.concat([bad.subarray(0, at), bytes(dice, 4), bad.subarray(at)]);
  }
  return bad;
}

/** Runs `work`; what it throws must be one of `allowed`. */
function refusing(allowed: (error: unknown) => boolean, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!allowed(error)) throw error;
  }
}

const search: UserSearch = {
  baseDn: "dc=x",
  filter: "(objectClass=person)",
  scope: "sub",
  usernameAttrs: ["uid", "mail"],
  idAttr: "uid",
  emailAttr: "mail",
  nameAttr: "objectGUID",
  preferredUsernameAttr: "objectSid",
  emailSuffix: "",
};

export const targets: Readonly<Record<string, (dice: Dice) => void>> = {
  /** Any value stands for itself in a filter, and changes nothing around it. */
  escaping(dice) {
    const value = dice(2) === 0 ? bytes(dice, 20) : text(dice, 10);
    const filter = parseFilter(`(&(objectClass=person)(uid=${escapeFilterValue(value)}))`);
    const and = new BerReader(filter).enter(0xa0);
    const first = and.enter(0xa3);
    assert.deepEqual([first.text(), first.text()], ["objectClass", "person"]);
    const second = and.enter(0xa3);
    assert.equal(second.text(), "uid");
    assert.deepEqual(second.octets(), Buffer.from(typeof value === "string" ? Buffer.from(value) : value));
    second.end();
    and.end();
  },
  usernames(dice) {
    const and = new BerReader(parseFilter(userFilter(search, text(dice, 12)))).enter(0xa0);
    and.enter(0xa3);
    const or = and.enter(0xa1);
    for (const name of search.usernameAttrs) assert.equal(or.enter(0xa3).text(), name);
    or.end();
    and.end();
  },
  filters(dice) {
    refusing(
      (error) => error instanceof FilterError,
      () => parseFilter(dice(2) === 0 ? text(dice, 15) : `(${text(dice, 15)})`),
    );
  },
  messages(dice) {
    const message = dice(4) === 0 ? bytes(dice, 60) : spoilt(dice, aMessage(dice));
    refusing(
      (error) => error instanceof BerError,
      () => {
        const { controls } = decodeMessage(message);
        nextPage(controls);
        passwordPolicyError(controls);
      },
    );
  },
  entries(dice) {
    const names = ["uid", "UID", "mail", "objectGUID", "objectSid", "dn", "__proto__", "constructor"];
    const attributes = Array.from({ length: dice(8) }, () => ({
      name: names[dice(names.length)] ?? "",
      values: Array.from({ length: dice(3) }, () => bytes(dice, 28)),
    }));
    refusing(
      (error) => error instanceof Error && error.message.startsWith("ldap: "),
      () => {
        const { userId, username, email } = identityOf({ dn: text(dice, 5), attributes }, search);
        for (const part of [userId, username, email]) assert.ok(typeof part === "string" && part !== "");
      },
    );
  },
  names(dice) {
    const [a, b] = [text(dice, 10), text(dice, 10)];
    assert.ok(sameDn(a, a));
    assert.equal(sameDn(a, b), sameDn(b, a));
  },
  connectorData(dice) {
    const good = JSON.stringify({ username: text(dice, 4), entry: { DN: text(dice, 4), __proto__: null } });
    const remembered = readConnectorData(new Secret(dice(3) === 0 ? bytes(dice, 40) : spoilt(dice, Buffer.from(good))));
    if (remembered !== undefined)
      assert.deepEqual(
        Object.values(remembered).map((value) => typeof value),
        ["string", "string"],
      );
  },
};

/** Runs `count` inputs, spread over all targets. @throws {Error} Names the target and the seed of the one that failed. */
export function fuzz(count: number, seed: number): void {
  const all = Object.entries(targets);
  for (let round = 0; round < count; round++) {
    const [name, target] = all[round % all.length] ?? assert.fail();
    try {
      target(diceOf(seed + round));
    } catch (cause) {
      throw new Error(`${name} failed with seed ${seed + round}`, { cause });
    }
  }
}

if (import.meta.main) {
  const [count = "1000000", seed = String(Date.now() % 1_000_000_000)] = process.argv.slice(2);
  const began = process.cpuUsage();
  fuzz(Number(count), Number(seed));
  const { user } = process.cpuUsage(began);
  console.log(`${count} inputs from seed ${seed}, ${(user / 1e6).toFixed(1)} s of CPU: nothing broke`);
}
