import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { mayBeClient } from "./client-address.ts";

const octet = fc.integer({ min: 0, max: 255 });
const rest = (...fixed: readonly number[]) =>
  fc.tuple(octet, octet, octet, octet).map((drawn) => [...fixed, ...drawn.slice(fixed.length)]);

/** Addresses, as four numbers, at which no client lives. */
const nobodys = fc.oneof(
  rest(0),
  rest(169, 254),
  fc.integer({ min: 224, max: 255 }).chain((first) => rest(first)),
  fc.constantFrom([168, 63, 129, 16], [100, 100, 100, 200], [192, 0, 0, 192]),
);
/** Those of private networks and of carriers (RFC 6598), and this machine's. */
const clients = fc
  .oneof(rest(10), rest(127), rest(192, 168), rest(172, 16), rest(100, 64), rest(8), rest(203, 0, 113))
  .filter((octets) => octets.join(".") !== "100.100.100.200");

const hex = (octets: readonly number[]): string => {
  const [a, b, c, d] = octets.map((one) => one.toString(16).padStart(2, "0"));
  return `${a}${b}:${c}${d}`;
};

/** Every way to write an IPv4 address that a connection ends up at. */
const spellings = (octets: readonly number[]): readonly string[] => {
  const dotted = octets.join(".");
  return [
    dotted,
    `::ffff:${dotted}`,
    `::FFFF:${hex(octets)}`,
    `0:0:0:0:0:ffff:${hex(octets)}`,
    `64:ff9b::${dotted}`,
    `64:ff9b::${hex(octets)}`,
    `64:ff9b:1::${hex(octets)}`,
    `2002:${hex(octets)}::1`,
    `2002:${hex(octets)}:ffff:ffff:ffff:ffff:ffff`,
  ];
};

test("where nobody lives no client does, however the address is written", () => {
  const property = fc.property(nobodys, (octets) => {
    for (const text of spellings(octets)) assert.equal(mayBeClient(text), false, text);
  });
  fc.assert(property, { numRuns: 500 });
});

test("clients live in private and public networks, however the address is written", () => {
  const property = fc.property(clients, (octets) => {
    for (const text of spellings(octets)) assert.equal(mayBeClient(text), true, text);
  });
  fc.assert(property, { numRuns: 500 });
});

test("a URL's number is the address that it stands for, in whatever base", () => {
  const property = fc.property(nobodys, (octets) => {
    const number = octets.reduce((sum, one) => sum * 256 + one, 0);
    const octal = octets.map((one) => `0${one.toString(8)}`).join(".");
    const sixteen = octets.map((one) => `0x${one.toString(16)}`).join(".");
    for (const host of [`${number}`, `0x${number.toString(16)}`, `0${number.toString(8)}`, octal, sixteen]) {
      assert.equal(mayBeClient(new URL(`http://${host}/`).hostname), false, host);
    }
  });
  fc.assert(property);
});

test("of IPv6, link-local, multicast and tunnelled addresses, the clouds' own and what has a zone are no client's", () => {
  const group = fc.integer({ min: 0, max: 0xffff }).map((one) => one.toString(16));
  const tail = (count: number) => fc.array(group, { minLength: count, maxLength: count });
  const property = fc.property(tail(7), fc.integer({ min: 0xfe80, max: 0xfebf }), (groups, first) => {
    const link = `${first.toString(16)}:${groups.join(":")}`;
    for (const text of [link, `${link}%eth0`, `ff02:${groups.join(":")}`, `2001:0:${groups.slice(1).join(":")}`]) {
      assert.equal(mayBeClient(text), false, text);
    }
    for (const text of [`2001:db8:${groups.slice(1).join(":")}`, `fd12:${groups.join(":")}`]) {
      assert.equal(mayBeClient(text), true, text);
      assert.equal(mayBeClient(`${text}%2`), false, text);
    }
  });
  fc.assert(property);
  for (const text of ["::", "::7f00:1", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "localhost", "", "1.2.3"]) {
    assert.equal(mayBeClient(text), false, text);
  }
  for (const text of ["::1", "127.0.0.1", "fd00:ec3::254"]) assert.equal(mayBeClient(text), true, text);
});
