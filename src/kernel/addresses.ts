import { BlockList, isIP, isIPv4, isIPv6, SocketAddress } from "node:net";
import { quoteGo } from "./go-quote.ts";

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

/** An IPv4 address as an IPv6 socket sees it. RFC 4291 §2.5.5.2. */
const mappedShape = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/;

export interface Address {
  readonly text: string;
  readonly family: "ipv4" | "ipv6";
}

/** The address in canonical form (RFC 5952), an IPv4-mapped one as IPv4; undefined if it is none or has a zone. */
export function parseAddress(text: string): Address | undefined {
  const version = isIP(text);
  // A zone names an interface of the machine that wrote it; here it means nothing.
  if (version === 0 || text.includes("%")) return undefined;
  if (version === 4) return { text, family: "ipv4" };
  const canonical = new SocketAddress({ address: text, family: "ipv6" }).address;
  const mapped = mappedShape.exec(canonical)?.[1];
  return mapped === undefined ? { text: canonical, family: "ipv6" } : { text: mapped, family: "ipv4" };
}

/** Whose address it is: of IPv6 the first 64 bits, for whoever has one address there has 2^64 of them. RFC 6177, RFC 7934 §1. */
export function networkOf(text: string): string {
  const [address = ""] = text.split("%", 1);
  if (isIP(address) !== 6) return text;
  // The long way round is for the few that hold an IPv4 address: every request comes by here.
  if (address.includes(".") || /^[0:]+:ffff:/i.test(address)) {
    const canonical = parseAddress(address);
    return canonical?.family === "ipv4" ? canonical.text : firstHalf(canonical?.text ?? address);
  }
  return firstHalf(address);
}

function firstHalf(address: string): string {
  const [head = "", tail] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  const rest = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array<string>(tail === undefined ? 0 : 8 - groups.length - rest.length).fill("0");
  const half = [...groups, ...zeros, ...rest].slice(0, 4);
  return half.map((group) => Number.parseInt(group, 16).toString(16)).join(":");
}

/** Whether an address lies in one of `ranges`. */
export function inRanges(ranges: readonly Cidr[]): (address: Address) => boolean {
  // One list per family: Node would let ::/0 cover IPv4, which no operator who writes it means.
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const { address, family, prefix } of ranges) lists[family].addSubnet(address, prefix, family);
  return ({ text, family }) => lists[family].check(text, family);
}
