import { acr } from "../oauth/acr.ts";
import type { Client } from "../storage/records.ts";
import type { ConnectorFacts } from "../token/authorize.ts";
import { type FactorFacts, isFor, lackingFactors } from "../token/factor-chain.ts";
import { contextToReach } from "./acr.ts";
import type { FlowRequest } from "./contract.ts";
import type { Factors } from "./factor-contract.ts";
import type { CompletedLogin } from "./stored-request.ts";

type Login = Pick<CompletedLogin, "factors" | "contexts" | "amr" | "acr">;

/**
 * Ids of the factors that a login still has to prove before the client may have its answer, in order: those of the
 * client's chain, then the one that the strength it asks for takes.
 */
export function missingFactors(
  request: FlowRequest,
  login: Login,
  client: Client,
  connector: ConnectorFacts | undefined,
  factors: Factors,
): readonly string[] {
  const missing = lackingFactors(client, connector, login, factors);
  if (missing.length > 0) return missing;
  const wanted = contextToReach(request, login, attainableContexts(connector, factors));
  const factor = wanted === undefined ? undefined : factorFor(wanted, connector, factors);
  return factor === undefined ? [] : [factor.id];
}

/** What a person of this connector can reach by our factors. */
export function attainableContexts(connector: ConnectorFacts | undefined, factors: Factors): readonly string[] {
  return [acr.phishingResistant, acr.multiFactor].filter((context) => factorFor(context, connector, factors));
}

function factorFor(
  context: string,
  connector: ConnectorFacts | undefined,
  { authenticators, defaultChain }: Factors,
): FactorFacts | undefined {
  const usable = authenticators.filter((factor) => isFor(factor, connector));
  if (context === acr.phishingResistant) return usable.find(({ type }) => type === "WebAuthn");
  return usable.find(({ id }) => defaultChain.includes(id)) ?? usable[0];
}
