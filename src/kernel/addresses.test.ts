import assert from "node:assert/strict";
import { SocketAddress } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { networkOf } from "./addresses.ts";

test("an IPv4 address is a network of its own, also as IPv6 sockets write it", () => {
  assert.equal(networkOf("192.0.2.1"), "192.0.2.1");
  assert.equal(networkOf("::ffff:192.0.2.1"), "192.0.2.1");
  assert.equal(networkOf("::FFFF:c000:201"), "192.0.2.1");
});

test("IPv6 addresses are of one network if their first 64 bits are, however they are written", () => {
  const spellings = [
    "2001:db8::1",
    "2001:DB8:0:0::9",
    "2001:db8:0:0:1:2:3:4",
    "2001:0db8:0000:0000:ffff::",
    "2001:db8::%eth0",
  ];
  assert.deepEqual(new Set(spellings.map(networkOf)), new Set(["2001:db8:0:0"]));
  assert.equal(networkOf("2001:db8:0:1::1"), "2001:db8:0:1");
  assert.equal(networkOf("::1"), "0:0:0:0");
});

test("for any IPv6 address: the first 64 bits decide, and what is no address stays itself", () => {
  const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })).map((value) => value.toString(16));
  const groups = fc.array(group, { minLength: 8, maxLength: 8 });
  const mapped = (all: readonly string[]): boolean =>
    all.slice(0, 5).every((each) => each === "0") && all[5] === "ffff";
  fc.assert(
    fc.property(groups, (all) => {
      if (mapped(all)) return;
      const network = all.slice(0, 4).join(":");
      assert.equal(networkOf(all.join(":")), network);
      // With the longest row of zeros left out.
      const { address } = new SocketAddress({ address: all.join(":"), family: "ipv6" });
      if (!address.includes(".")) assert.equal(networkOf(address.toUpperCase()), network);
    }),
  );
  fc.assert(fc.property(fc.string(), (text) => assert.equal(typeof networkOf(text), "string")));
});
