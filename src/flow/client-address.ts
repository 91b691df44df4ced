import { inRanges, parseAddress, parseCidr } from "../kernel/addresses.ts";

/** "This network" (RFC 1122 §3.2.1.3), link-local (RFC 3927), multicast, reserved with broadcast (RFC 1112 §4). */
const nobody4 = ["0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4"];
/** Where Azure, Alibaba Cloud and Oracle Cloud answer secrets; AWS, Google and the others use link-local ones. */
const cloud4 = ["168.63.129.16/32", "100.100.100.200/32", "192.0.0.192/32"];
/** Link-local, multicast, Teredo (RFC 4380), IPv4-compatible and unspecified (RFC 4291 §2.5); AWS, Google. */
const never6 = ["fe80::/10", "ff00::/8", "2001::/32", "::/96", "fd00:ec2::/32", "fd20:ce::254/128"];
const never4 = [...nobody4, ...cloud4];
const isNever = inRanges([...never4, ...never6, ...never4.flatMap(carriers)].map(parseCidr));

/** The IPv6 ranges whose packets a router sends on to an IPv4 range: NAT64 (RFC 6052 §2.1, RFC 8215) and 6to4 (RFC 3056 §2). */
function carriers(range: string): string[] {
  const [address = "", bits] = range.split("/");
  const hex = address.split(".").map((octet) => Number(octet).toString(16).padStart(2, "0"));
  const [a, b, c, d] = hex;
  return [
    `64:ff9b::${address}/${96 + Number(bits)}`,
    `64:ff9b:1::${address}/${96 + Number(bits)}`,
    `2002:${a}${b}:${c}${d}::/${16 + Number(bits)}`,
  ];
}

/**
 * Whether a client may live at an address: not where nobody does, and not where clouds answer secrets from (SSRF).
 * Private and loopback ones are permitted: whoever registers a client also runs this server, and inside a cluster
 * every client has a private address. An address with a zone is none that a name may have.
 */
export function mayBeClient(address: string): boolean {
  const parsed = parseAddress(address);
  return parsed !== undefined && (parsed.text === "::1" || !isNever(parsed));
}
