import type { ConnectorDeps } from "../contract.ts";
import { readRootCAs } from "./root-cas.ts";

/** The `fetch` of a connector that has the keys `rootCAs`, which add to the system's authorities, and `insecureSkipVerify`. */
export function fetchFor(
  { rootCAs, insecureSkipVerify }: { readonly rootCAs: readonly string[]; readonly insecureSkipVerify: boolean },
  { openFetch }: Pick<ConnectorDeps, "openFetch">,
): typeof globalThis.fetch {
  const authorities = rootCAs.length === 0 ? {} : { rootCAs: readRootCAs(rootCAs), keepsSystemCAs: true };
  return openFetch({ ...authorities, insecureSkipVerify });
}
