import { isIPv4, isIPv6 } from "node:net";
import { quoteGo } from "../kernel/go-quote.ts";

/** A range of addresses, in the words of Node's `BlockList.addSubnet`. */
export interface Cidr {
  readonly address: string;
  readonly prefix: number;
  readonly family: "ipv4" | "ipv6";
}

/** @throws {Error} In the words of Go's `netip.ParsePrefix`. A bare address is no range. */
export function parseCidr(text: string): Cidr {
  const fault = (reason: string): Error => new Error(`netip.ParsePrefix(${quoteGo(text)}): ${reason}`);
  const slash = text.lastIndexOf("/");
  if (slash < 0) throw fault("no '/'");
  const address = text.slice(0, slash);
  const bits = text.slice(slash + 1);
  if (isIPv6(address) && address.includes("%")) throw fault("IPv6 zones cannot be present in a prefix");
  const family = isIPv4(address) ? "ipv4" : isIPv6(address) ? "ipv6" : undefined;
  if (family === undefined) throw fault(`ParseAddr(${quoteGo(address)}): unable to parse IP`);
  if (!/^(?:0|[1-9]\d{0,2})$/.test(bits)) throw fault(`bad bits after slash: ${quoteGo(bits)}`);
  const prefix = Number(bits);
  if (prefix > (family === "ipv4" ? 32 : 128)) throw fault("prefix length out of range");
  return { address, prefix, family };
}
