import { BlockList, isIP, SocketAddress } from "node:net";

/** A prefix of addresses, "10.0.0.0/8" taken apart. */
export interface Cidr {
  readonly address: string;
  readonly family: "ipv4" | "ipv6";
  readonly prefix: number;
}

/** An IPv4 address as an IPv6 socket sees it. RFC 4291 §2.5.5.2. */
const mappedShape = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/;

interface Address {
  readonly text: string;
  readonly family: "ipv4" | "ipv6";
}

/** The address in canonical form (RFC 5952), an IPv4-mapped one as IPv4; undefined if it is none or has a zone. */
function parseAddress(text: string): Address | undefined {
  const version = isIP(text);
  // A zone names an interface of the machine that wrote it; here it means nothing.
  if (version === 0 || text.includes("%")) return undefined;
  if (version === 4) return { text, family: "ipv4" };
  const canonical = new SocketAddress({ address: text, family: "ipv6" }).address;
  const mapped = mappedShape.exec(canonical)?.[1];
  return mapped === undefined ? { text: canonical, family: "ipv6" } : { text: mapped, family: "ipv4" };
}

/** Where a request came from. */
export type ClientIp = (peer: string | undefined, headerValue: string | undefined) => string;

/**
 * Makes the rule of `web.clientRemoteIP`: the header is believed only if the peer is a trusted proxy. Its hops
 * are walked from the right, since each proxy appends the address it saw; the first one that is no trusted
 * proxy is the client. All left of it may be the client's invention. A malformed hop ends the walk: nothing
 * left of it can be attributed to a proxy. compat(dex): server/router/router.go.
 */
export function clientIpRule(trusted: readonly Cidr[]): ClientIp {
  // One list per family: Node would let ::/0 cover IPv4, which no operator who writes it means.
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const { address, family, prefix } of trusted) lists[family].addSubnet(address, prefix, family);
  const isTrusted = ({ text, family }: Address): boolean => lists[family].check(text, family);
  return (peer, headerValue) => {
    const from = parseAddress(peer?.split("%")[0] ?? "");
    if (from === undefined) return peer ?? "";
    if (headerValue === undefined || !isTrusted(from)) return from.text;
    for (const hop of headerValue.split(",").reverse()) {
      const address = parseAddress(hop.trim());
      if (address === undefined) break;
      if (!isTrusted(address)) return address.text;
    }
    return from.text;
  };
}
