import { type Cidr, inRanges, parseAddress } from "../kernel/addresses.ts";

/** Where a request came from. */
export type ClientIp = (peer: string | undefined, headerValue: string | undefined) => string;

/**
 * Makes the rule of `web.clientRemoteIP`: the header is believed only if the peer is a trusted proxy. Its hops
 * are walked from the right, since each proxy appends the address it saw; the first one that is no trusted
 * proxy is the client. All left of it may be the client's invention. A malformed hop ends the walk: nothing
 * left of it can be attributed to a proxy. compat(dex): server/router/router.go.
 */
export function clientIpRule(trusted: readonly Cidr[]): ClientIp {
  const isTrusted = inRanges(trusted);
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
