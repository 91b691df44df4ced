import type { Client } from "../storage/records.ts";
import type { ConnectorFacts } from "./authorize.ts";

/** A second factor as the configuration names it, as far as policy is concerned. */
export interface FactorFacts {
  readonly id: string;
  readonly type: "TOTP" | "WebAuthn";
  /** Types of connectors whose people are asked for it. Empty: all. */
  readonly connectorTypes: readonly string[];
}

/** The operator's choices, config `mfa`. */
export interface FactorPolicy {
  readonly authenticators: readonly FactorFacts[];
  /** For clients without a chain of their own. */
  readonly defaultChain: readonly string[];
  /** Ids of connectors whose word counts: an `amr` of theirs that holds `mfa` stands for the whole chain. RFC 8176. */
  readonly trustedConnectors: readonly string[];
}

/** What RFC 8176 calls a login by several factors. */
export const multiFactor = "mfa";

/** The factor's people: those of every connector, or of connectors of these types. A connector that is gone is every one. */
export const isFor = (factor: FactorFacts, connector: ConnectorFacts | undefined): boolean =>
  factor.connectorTypes.length === 0 || connector === undefined || factor.connectorTypes.includes(connector.type);

/**
 * Ids of the factors that a login to `client` has to prove, in order. An id that names no factor stays in the list: it
 * can never be proved, so that a chain which is misspelt lets nobody in (Dex: everybody).
 */
export function demandedFactors(
  client: Pick<Client, "mfaChain">,
  connector: ConnectorFacts | undefined,
  amr: readonly string[],
  policy: FactorPolicy,
): readonly string[] {
  const isTrusted = connector !== undefined && policy.trustedConnectors.includes(connector.id);
  if (isTrusted && amr.includes(multiFactor)) return [];
  return (client.mfaChain ?? policy.defaultChain).filter((id) => {
    const factor = policy.authenticators.find((candidate) => candidate.id === id);
    return factor === undefined || isFor(factor, connector);
  });
}

/** What a login has shown of its person. */
export interface Shown {
  /** RFC 8176; undefined where nobody said. */
  readonly amr?: readonly string[] | undefined;
  /** Ids of the factors that were proved to us. */
  readonly factors?: readonly string[] | undefined;
}

/** Ids of the demanded factors that a login has not proved, in order. */
export function lackingFactors(
  client: Pick<Client, "mfaChain">,
  connector: ConnectorFacts | undefined,
  { amr = [], factors: proved = [] }: Shown,
  policy: FactorPolicy,
): readonly string[] {
  // With a factor of ours `amr` says "mfa" by our own word: the upstream's can no longer be told from it.
  const upstreams = proved.length > 0 ? [] : amr;
  return demandedFactors(client, connector, upstreams, policy).filter((id) => !proved.includes(id));
}
