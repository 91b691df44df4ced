import { lookup } from "node:dns/promises";
import { BlockList, isIP } from "node:net";

/**
 * Addresses that no client lives at and that clouds answer secrets from. Private and loopback ones are permitted:
 * whoever registers a client also runs this server, and inside a cluster every client has a private address.
 */
const never = new BlockList();
never.addSubnet("169.254.0.0", 16, "ipv4");
never.addSubnet("fe80::", 10, "ipv6");
never.addAddress("fd00:ec2::254", "ipv6");
never.addSubnet("0.0.0.0", 8, "ipv4");
never.addSubnet("224.0.0.0", 4, "ipv4");
never.addSubnet("ff00::", 8, "ipv6");

/** Whether a registered address may be called from here at all. @throws {Error} It may not, or does not resolve (SSRF). */
export async function mayCall(uri: string): Promise<void> {
  const url = new URL(uri);
  if (url.protocol !== "https:" && url.protocol !== "http:") throw new Error("not an address of the web");
  if (url.username !== "" || url.password !== "") throw new Error("an address with credentials");
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const addresses = isIP(host) === 0 ? await lookup(host, { all: true }) : [{ address: host, family: isIP(host) }];
  for (const { address, family } of addresses) {
    if (never.check(address, family === 6 ? "ipv6" : "ipv4")) throw new Error("an address that is never a client's");
  }
}
