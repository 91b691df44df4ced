import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Cidr } from "../kernel/addresses.ts";
import { clientIpRule } from "./client-ip.ts";

function cidr(text: string): Cidr {
  const [address = "", prefix] = text.split("/");
  return { address, family: address.includes(":") ? "ipv6" : "ipv4", prefix: Number(prefix) };
}

const ten = ["10.0.0.0/8"];
const both = ["10.0.0.0/8", "192.168.0.0/16"];

test("the client is the first untrusted hop from the right", () => {
  const cases: readonly (readonly [readonly string[], string, string | undefined, string])[] = [
    [ten, "10.1.2.3", "203.0.113.9", "203.0.113.9"],
    [ten, "203.0.113.1", "198.51.100.7", "203.0.113.1"],
    [both, "10.1.2.3", "203.0.113.9, 192.168.1.1, 10.9.9.9", "203.0.113.9"],
    [both, "192.168.5.5", "203.0.113.9", "203.0.113.9"],
    [ten, "10.1.2.3", "1.2.3.4, 198.51.100.7, 10.1.2.3", "198.51.100.7"],
    [ten, "10.1.2.3", "203.0.113.9, garbage, 10.1.2.3", "10.1.2.3"],
    [[], "203.0.113.1", "198.51.100.7", "203.0.113.1"],
    [ten, "10.1.2.3", undefined, "10.1.2.3"],
    [ten, "10.1.2.3", "", "10.1.2.3"],
    [ten, "10.1.2.3", "not-an-ip", "10.1.2.3"],
    [ten, "10.1.2.3", "10.9.9.9, 10.1.2.3", "10.1.2.3"],
    [ten, "10.1.2.3", "203.0.113.9:4711", "10.1.2.3"],
    [ten, "10.1.2.3", "203.0.113.9,", "10.1.2.3"],
    [ten, "10.1.2.3", "010.1.2.3", "10.1.2.3"],
    [["2001:db8::/32"], "2001:db8::1", "203.0.113.9", "203.0.113.9"],
    [["2001:db8::/32"], "2001:db8::1", "2001:DB9:0:0::1, 2001:db8:ffff::2", "2001:db9::1"],
    [["2001:db8::/32"], "2001:db8::1", "fe80::1%eth0", "2001:db8::1"],
    // A dual-stack socket shows IPv4 peers as mapped ones.
    [ten, "::ffff:10.1.2.3", "203.0.113.9", "203.0.113.9"],
    [ten, "::ffff:203.0.113.1", "198.51.100.7", "203.0.113.1"],
    [ten, "10.1.2.3", "198.51.100.7, ::ffff:10.4.4.4", "198.51.100.7"],
    [ten, "fe80::1%eth0", "198.51.100.7", "fe80::1"],
    // All of IPv6 is not IPv4, and the other way round.
    [["::/0"], "10.1.2.3", "203.0.113.9", "10.1.2.3"],
    [["0.0.0.0/0"], "2001:db8::1", "203.0.113.9", "2001:db8::1"],
    [["10.1.2.3/32"], "10.1.2.3", "203.0.113.9", "203.0.113.9"],
    [["10.1.2.3/32"], "10.1.2.4", "203.0.113.9", "10.1.2.4"],
  ];
  for (const [trusted, peer, header, client] of cases) {
    assert.equal(clientIpRule(trusted.map(cidr))(peer, header), client, `${trusted} | ${peer} | ${header}`);
  }
  assert.equal(clientIpRule([])(undefined, "1.2.3.4"), "");
});

const v4 = fc.ipV4();
const asNumber = (ip: string): number => ip.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
const covers = ({ address, prefix }: Cidr, ip: string): boolean =>
  Math.floor(asNumber(address) / 2 ** (32 - prefix)) === Math.floor(asNumber(ip) / 2 ** (32 - prefix));
const prefixes = fc.array(
  fc.record({ address: v4, family: fc.constant("ipv4" as const), prefix: fc.integer({ min: 0, max: 32 }) }),
  { maxLength: 3 },
);

test("property: only what trusted proxies wrote is believed", () => {
  fc.assert(
    fc.property(prefixes, v4, fc.array(v4, { maxLength: 5 }), (trusted, peer, hops) => {
      const isTrusted = (ip: string): boolean => trusted.some((prefix) => covers(prefix, ip));
      const expected = isTrusted(peer) ? (hops.findLast((hop) => !isTrusted(hop)) ?? peer) : peer;
      assert.equal(clientIpRule(trusted)(peer, hops.join(", ")), expected);
    }),
    { numRuns: 500 },
  );
});

test("property: what a client puts in front of its own address changes nothing", () => {
  const rule = clientIpRule(ten.map(cidr));
  fc.assert(
    fc.property(fc.string(), v4, (forged, client) => {
      fc.pre(!client.startsWith("10."));
      assert.equal(rule("10.0.0.1", `${forged},${client}, 10.2.2.2`), client);
    }),
  );
});
