import type { lookup as systemLookup } from "node:dns";
import type { LookupFunction } from "node:net";

export const notToBeCalled = "an address that may not be called";

/**
 * Resolves a name for one connection, and fails where any of its addresses may not be reached. There is no second
 * look-up between the judgement and the connection that a name server could answer differently (DNS rebinding).
 */
export function judgedLookup(lookup: typeof systemLookup, mayReach: (address: string) => boolean): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error !== null) callback(error, []);
      else if (first === undefined || !addresses.every(({ address }) => mayReach(address)))
        callback(new Error(notToBeCalled), []);
      else if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}
